from datetime import timedelta
from pathlib import Path

import pytest

from models.bundle import Bundle, sha256_hex
from models.errors import (
    GenerationConflictError,
    ModelRefusedError,
    ObjectExistsError,
    ObjectMissingError,
)
from models.estimators import Trees
from models.registry import (
    Author,
    find_published,
    load_champion,
    promote,
    publish,
    read_pointer,
)
from models.stores.opening import open_store
from models.stores.store import Store, StoredObject
from tests.models.conftest import NOW, bundle_of
from tests.toy import Toy, toy


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path.as_uri())


def test_a_version_is_its_time_and_its_content(store: Store, bundle: Bundle) -> None:
    data = bundle.to_bytes()
    version = publish(store, "toy", data, {"report.json": b"{}"}, NOW)
    assert version.version == f"20261121T014400Z-{sha256_hex(data)[:12]}"
    assert store.names("") == [
        f"versions/toy/{version.version}/bundle.zip",
        f"versions/toy/{version.version}/report.json",
    ]


def test_a_published_version_is_found_by_its_content_alone(store: Store, bundle: Bundle) -> None:
    data = bundle.to_bytes()
    assert find_published(store, "toy", data) is None
    version = publish(store, "toy", data, {}, NOW)
    assert find_published(store, "toy", data) == version
    assert find_published(store, "toy", b"other") is None


def test_a_promoted_version_is_loaded_and_scores(
    store: Store, bundle: Bundle, author: Author
) -> None:
    version = publish(store, "toy", bundle.to_bytes(), {}, NOW)
    promote(store, "toy", version, author)
    champion = load_champion(store, Toy)
    assert (champion.version, champion.since) == (version.version, NOW)
    assert len(champion.scorer.score([toy()])) == 1


def test_a_promotion_remembers_the_previous_champion_and_counts_on(
    store: Store, bundle: Bundle, trees: Trees, author: Author
) -> None:
    first = publish(store, "toy", bundle.to_bytes(), {}, NOW)
    second = publish(store, "toy", bundle_of(trees).to_bytes(), {}, NOW + timedelta(days=1))
    promote(store, "toy", first, author)
    promote(store, "toy", second, author)
    pointer = read_pointer(store, "toy")
    assert (pointer.champion, pointer.previous, pointer.sequence) == (second, first, 2)
    assert (pointer.who, pointer.when) == ("tester", NOW)


class Racing:
    """A store in which someone else promotes between our read and our write."""

    def __init__(self, store: Store, other: bytes) -> None:
        self._store = store
        self._other = other

    def read(self, name: str) -> StoredObject:
        return self._store.read(name)

    def create(self, name: str, _data: bytes) -> None:
        self._store.create(name, self._other)
        self._store.create(name, self._other)

    def replace(self, name: str, _data: bytes, generation: str) -> None:
        self._store.replace(name, self._other, generation)
        self._store.replace(name, self._other, generation)

    def names(self, prefix: str) -> list[str]:
        return self._store.names(prefix)


class LosingReplies(Racing):
    """A store whose first reply is lost, so that the client's retry meets its own success."""

    def create(self, name: str, data: bytes) -> None:
        self._store.create(name, data)
        self._store.create(name, data)


def rivals_pointer(folder: Path, bundle: bytes, author: Author) -> bytes:
    """What another run's promotion of a bundle writes."""
    elsewhere = open_store(folder.as_uri())
    promote(elsewhere, "toy", publish(elsewhere, "toy", bundle, {}, NOW), author)
    return elsewhere.read("champions/toy.json").data


@pytest.mark.parametrize("first", [True, False])
def test_a_promotion_that_lost_the_race_says_so(
    store: Store,
    bundle: Bundle,
    author: Author,
    tmp_path: Path,
    first: bool,  # noqa: FBT001
) -> None:
    version = publish(store, "toy", bundle.to_bytes(), {}, NOW)
    if not first:
        promote(store, "toy", version, author)
    rival = rivals_pointer(tmp_path / "elsewhere", b"another bundle", author)
    with pytest.raises(GenerationConflictError):
        promote(Racing(store, rival), "toy", version, author)
    assert store.read("champions/toy.json").data == rival


def test_two_runs_that_promote_the_same_version_both_succeed(
    store: Store, bundle: Bundle, author: Author, tmp_path: Path
) -> None:
    version = publish(store, "toy", bundle.to_bytes(), {}, NOW)
    rival = rivals_pointer(tmp_path / "elsewhere", bundle.to_bytes(), author)
    assert promote(Racing(store, rival), "toy", version, author).champion == version


def test_two_runs_that_publish_the_same_at_once_both_succeed(store: Store, bundle: Bundle) -> None:
    first, second = (publish(store, "toy", bundle.to_bytes(), {"r": b"1"}, NOW) for _ in "ab")
    assert first == second
    with pytest.raises(ObjectExistsError, match="/r exists already"):
        publish(store, "toy", bundle.to_bytes(), {"r": b"2"}, NOW)


def test_a_lost_reply_to_ones_own_promotion_is_a_success(
    store: Store, bundle: Bundle, author: Author
) -> None:
    version = publish(store, "toy", bundle.to_bytes(), {}, NOW)
    pointer = promote(LosingReplies(store, b""), "toy", version, author)
    assert read_pointer(store, "toy") == pointer


def test_a_model_that_was_never_promoted_has_no_champion(store: Store, bundle: Bundle) -> None:
    publish(store, "toy", bundle.to_bytes(), {}, NOW)
    with pytest.raises(ObjectMissingError):
        load_champion(store, Toy)


@pytest.mark.parametrize("position", [0, 100, -1])
def test_a_bundle_with_one_flipped_bit_is_never_parsed(
    store: Store, bundle: Bundle, author: Author, tmp_path: Path, position: int
) -> None:
    version = publish(store, "toy", bundle.to_bytes(), {}, NOW)
    promote(store, "toy", version, author)
    path = tmp_path / f"versions/toy/{version.version}/bundle.zip"
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelRefusedError, match="size or sha256 is not as published"):
        load_champion(store, Toy)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a pointer"),
        (b'{"format": 9}', "not a pointer"),
    ],
)
def test_a_pointer_that_is_none_is_refused(store: Store, content: bytes, message: str) -> None:
    store.create("champions/toy.json", content)
    with pytest.raises(ModelRefusedError, match=message):
        load_champion(store, Toy)


def test_a_pointer_of_another_model_is_refused(
    store: Store, bundle: Bundle, author: Author
) -> None:
    version = publish(store, "toy", bundle.to_bytes(), {}, NOW)
    promote(store, "toy", version, author)
    store.create("champions/other.json", store.read("champions/toy.json").data)
    with pytest.raises(ModelRefusedError, match="it points at toy"):
        read_pointer(store, "other")
