from datetime import timedelta
from pathlib import Path

import pytest

from models.errors import SequenceError, StoreUnavailableError
from models.registry.moves import MoveHistory, MoveRecord, read_history, write_move
from models.registry.pointer import (
    Author,
    Challenger,
    challenge,
    find_pointer,
    promote,
    read_pointer,
    retire,
    roll_back,
)
from models.registry.versions import Version, publish
from models.stores.store import Store, StoredObject
from models.stores.uri import open_store
from tests.models.conftest import NOW

AUTHOR = Author("maria", NOW, reason="lower losses", approved_by="igor", failed=("floor[auc]",))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path.as_uri())


@pytest.fixture
def versions(store: Store) -> list[Version]:
    return [publish(store, "toy", f"bundle {i}".encode(), {}, NOW + timedelta(i)) for i in range(3)]


def history(store: Store) -> MoveHistory:
    pointer = read_pointer(store, "toy")
    return read_history(store, "toy", pointer.sequence, pointer.nonce)


class Broken:
    """A store whose pointer cannot be replaced: the process ends after the record was written."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def read(self, name: str) -> StoredObject:
        return self._store.read(name)

    def create(self, name: str, data: bytes) -> None:
        self._store.create(name, data)

    def replace(self, _name: str, _data: bytes, _generation: str) -> None:
        raise KeyboardInterrupt

    def remove(self, name: str) -> None:
        self._store.remove(name)

    def names(self, prefix: str) -> list[str]:
        return self._store.names(prefix)


def test_every_move_is_kept_with_who_when_and_why(store: Store, versions: list[Version]) -> None:
    first, second, third = versions
    promote(store, "toy", first, AUTHOR)
    promote(store, "toy", second, Author("igor", NOW))
    challenge(store, "toy", Challenger(version=third, share=0.1), Author("igor", NOW))
    retire(store, "toy", Author("igor", NOW, reason="no better"))
    roll_back(store, "toy", first, Author("maria", NOW, reason="complaints"))
    moves = history(store).moves
    assert [(m.sequence, m.action, m.champion, m.who, m.reason) for m in moves] == [
        (5, "roll_back", first, "maria", "complaints"),
        (4, "retire", second, "igor", "no better"),
        (3, "challenge", second, "igor", None),
        (2, "promote", second, "igor", None),
        (1, "promote", first, "maria", "lower losses"),
    ]
    assert (moves[-1].approved_by, moves[-1].failed) == ("igor", ("floor[auc]",))
    assert moves[2].challenger == third
    assert moves[-1].after is None
    assert history(store).unrecorded == 0


def test_a_move_that_was_recorded_and_never_made_is_no_move(
    store: Store, versions: list[Version]
) -> None:
    promote(store, "toy", versions[0], AUTHOR)
    with pytest.raises(KeyboardInterrupt):
        promote(Broken(store), "toy", versions[1], Author("lost", NOW))
    assert len(store.names("champions/toy/moves/")) == 2
    assert [move.who for move in history(store).moves] == ["maria"]
    promote(store, "toy", versions[2], Author("igor", NOW))
    assert [move.who for move in history(store).moves] == ["igor", "maria"]


class Unwritable(Broken):
    """A store that takes no record of a move."""

    def create(self, name: str, data: bytes) -> None:
        if "/moves/" in name:
            message = "the connection broke"
            raise StoreUnavailableError(message)
        super().create(name, data)


def test_a_pointer_is_not_moved_without_a_record(store: Store, versions: list[Version]) -> None:
    with pytest.raises(StoreUnavailableError, match="the connection broke"):
        promote(Unwritable(store), "toy", versions[0], AUTHOR)
    assert find_pointer(store, "toy") is None


class LosesReplies(Broken):
    """A store whose reply to the record of a move is lost."""

    def create(self, name: str, data: bytes) -> None:
        super().create(name, data)
        if "/moves/" in name:
            message = "the connection broke"
            raise StoreUnavailableError(message)


def test_a_record_whose_reply_was_lost_is_a_record(store: Store, versions: list[Version]) -> None:
    promote(LosesReplies(store), "toy", versions[0], AUTHOR)
    assert [move.who for move in history(store).moves] == ["maria"]


def test_a_record_that_is_written_twice_is_one(store: Store, versions: list[Version]) -> None:
    promote(store, "toy", versions[0], AUTHOR)
    [record] = history(store).moves
    write_move(store, record)
    assert history(store).moves == (record,)


def test_moves_of_earlier_releases_are_counted_as_unrecorded(
    store: Store, versions: list[Version]
) -> None:
    for version in versions[:2]:
        promote(store, "toy", version, AUTHOR)
    for name in store.names("champions/toy/moves/"):
        store.remove(name)
    assert history(store) == MoveHistory((), 2)
    promote(store, "toy", versions[2], AUTHOR)
    assert [move.sequence for move in history(store).moves] == [3]
    assert history(store).unrecorded == 2


@pytest.mark.parametrize("content", [b"", b"{}", b'{"format": 2}'])
def test_what_is_no_record_ends_the_history(
    store: Store, versions: list[Version], content: bytes
) -> None:
    promote(store, "toy", versions[0], AUTHOR)
    [name] = store.names("champions/toy/moves/")
    store.remove(name)
    store.create(name, content)
    assert history(store) == MoveHistory((), 1)


def test_a_record_of_another_model_is_not_taken(store: Store, versions: list[Version]) -> None:
    promote(store, "toy", versions[0], AUTHOR)
    [record] = history(store).moves
    [name] = store.names("champions/toy/moves/")
    store.remove(name)
    other = MoveRecord.model_validate(record.model_dump() | {"model": "other"})
    store.create(name, other.model_dump_json().encode())
    assert history(store).moves == ()


@pytest.mark.parametrize("expected", [0, 2])
def test_a_move_may_name_the_sequence_that_its_author_saw(
    store: Store, versions: list[Version], expected: int
) -> None:
    promote(store, "toy", versions[0], AUTHOR, expected=0)
    with pytest.raises(SequenceError, match="the pointer of toy has the sequence 1"):
        promote(store, "toy", versions[1], AUTHOR, expected=expected)
    promote(store, "toy", versions[1], AUTHOR, expected=1)
    with pytest.raises(SequenceError, match="has the sequence 2"):
        roll_back(store, "toy", versions[0], AUTHOR, expected=1)
    assert roll_back(store, "toy", versions[0], AUTHOR, expected=2).sequence == 3
