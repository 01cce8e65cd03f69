"""What was read ahead is what would have been read, once, and only while it is fresh."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.errors import ObjectMissingError, StoreUnavailableError
from models.stores.files import FileStore
from models.stores.prefetch import FRESH_SECONDS, PrefetchReader
from models.stores.store import StoredObject
from tests.support.faults import wait_until


class Noting(FileStore):
    """A folder that notes what is read from it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder))
        self.seen: list[str] = []
        self.down = False
        self.gate = threading.Event()
        self.gate.set()

    def read(self, name: str) -> StoredObject:
        self.seen.append(name)
        self.gate.wait()
        if self.down:
            raise StoreUnavailableError(name)
        return super().read(name)


class ManualClock:
    """A time that is set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def names_from_pointer(data: bytes) -> Iterator[str]:
    yield json.loads(data)["bundle"]


@pytest.fixture
def store(tmp_path: Path) -> Noting:
    store = Noting(tmp_path)
    store.create("pointer", b'{"bundle": "one"}')
    store.create("one", b"first")
    return store


def test_what_is_named_is_read_before_it_is_asked_for_and_given_once(store: Noting) -> None:
    ahead = PrefetchReader(store, "pointer", names_from_pointer)
    assert ahead.read("pointer").data == b'{"bundle": "one"}'
    assert ahead.read("one").data == b"first"
    assert store.seen == ["pointer", "one"]
    assert ahead.read("pointer") == ahead.read("pointer")
    assert store.seen == ["pointer", "one", "pointer", "pointer"]


def test_what_is_not_named_is_read_when_it_is_asked_for(store: Noting) -> None:
    store.create("two", b"second")
    ahead = PrefetchReader(store, "pointer", names_from_pointer)
    assert ahead.read("two").data == b"second"
    with pytest.raises(ObjectMissingError):
        ahead.read("three")


def test_what_is_no_longer_fresh_is_read_again(store: Noting) -> None:
    clock = ManualClock()
    ahead = PrefetchReader(store, "pointer", names_from_pointer, clock)
    ahead.read("pointer")
    store.replace("one", b"changed", store.read("one").generation)
    clock.now = FRESH_SECONDS + 0.1
    assert ahead.read("one").data == b"changed"
    assert not ahead._reading  # noqa: SLF001 -- nothing is kept that nobody will be given


def test_what_has_failed_meanwhile_is_read_when_it_is_asked_for(store: Noting) -> None:
    store.down = True
    ahead = PrefetchReader(store, "pointer", names_from_pointer)
    wait_until(ahead._reading["pointer"].done)  # noqa: SLF001 -- nobody has asked yet
    store.down = False
    assert ahead.read("pointer").data == b'{"bundle": "one"}'


def test_who_waits_for_what_then_fails_is_told_so_and_may_ask_again(store: Noting) -> None:
    store.gate.clear()
    store.down = True
    ahead = PrefetchReader(store, "pointer", names_from_pointer)
    threading.Timer(0.2, store.gate.set).start()
    with pytest.raises(StoreUnavailableError):
        ahead.read("pointer")
    store.down = False
    assert ahead.read("pointer").data == b'{"bundle": "one"}'


@pytest.mark.parametrize("content", [b"{", b"[]", b"{}", b"7", b"\xff"])
def test_what_names_nothing_is_given_as_it_is(store: Noting, content: bytes) -> None:
    store.replace("pointer", content, store.read("pointer").generation)
    assert PrefetchReader(store, "pointer", names_from_pointer).read("pointer").data == content
