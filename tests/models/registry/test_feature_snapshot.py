"""Features by identifier: published once, found by day, read a shard at a time."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import DataError, ObjectMissingError, StoreUnavailableError
from models.registry.feature_snapshot import (
    ROWS_OF_A_SHARD,
    FeatureSnapshot,
    find_snapshot,
    publish_snapshot,
    read_shard,
)
from models.stores.store import StoredObject
from models.stores.uri import open_store

DAY = date(2026, 11, 29)


class MemoryStore:
    """A store that holds whatever a test puts there."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def read(self, name: str) -> StoredObject:
        if name not in self.objects:
            raise ObjectMissingError(name)
        return StoredObject(self.objects[name], "1")


def people(count: int) -> Iterator[tuple[str, dict[str, float]]]:
    return ((f"C{number}", {"income": float(number)}) for number in range(count))


@pytest.mark.parametrize(
    ("count", "digits"),
    [(1, 0), (ROWS_OF_A_SHARD, 0), (ROWS_OF_A_SHARD + 1, 1), (16 * ROWS_OF_A_SHARD + 1, 2)],
)
def test_everybody_is_found_in_a_shard_of_bounded_size(
    count: int, digits: int, tmp_path: Path
) -> None:
    store = open_store(tmp_path.as_uri())
    snapshot = publish_snapshot(store, "customer", DAY, people(count))
    assert (snapshot.rows, snapshot.digits) == (count, digits)
    assert find_snapshot(store, "customer", DAY, 0) == snapshot
    for number in {0, count // 2, count - 1}:
        shard = read_shard(store, snapshot, snapshot.shard(f"C{number}"))
        assert shard[f"C{number}"] == {"income": float(number)}
        assert len(shard) <= 2 * ROWS_OF_A_SHARD
    assert "C-1" not in read_shard(store, snapshot, snapshot.shard("C-1"))


def test_the_same_rows_again_change_nothing_and_others_are_refused(tmp_path: Path) -> None:
    store = open_store(tmp_path.as_uri())
    first = publish_snapshot(store, "customer", DAY, people(3))
    objects = store.names("features/")
    assert publish_snapshot(store, "customer", DAY, reversed(list(people(3)))) == first
    assert store.names("features/") == objects
    with pytest.raises(DataError, match=f"published already, as run {first.run}"):
        publish_snapshot(store, "customer", DAY, people(4))
    assert find_snapshot(store, "customer", DAY, 0) == first


def test_a_day_without_its_index_is_not_published(tmp_path: Path) -> None:
    """Whoever is killed between two shards leaves nothing that is read; a second run ends it."""
    store = open_store(tmp_path.as_uri())
    complete = publish_snapshot(store, "customer", DAY, people(1_000))
    store.remove(f"features/customer/{DAY}.json")
    store.remove(store.names(f"features/customer/{DAY}/")[3])
    assert find_snapshot(store, "customer", DAY, 31) is None
    assert publish_snapshot(store, "customer", DAY, people(1_000)) == complete
    shards = [read_shard(store, complete, f"{digit:x}") for digit in range(16)]
    assert sum(map(len, shards)) == 1_000


def test_the_newest_day_within_the_age_is_read_and_no_other(tmp_path: Path) -> None:
    store = open_store(tmp_path.as_uri())
    for age in (1, 4):
        publish_snapshot(store, "customer", DAY - timedelta(days=age), people(age))
    newest = find_snapshot(store, "customer", DAY, 2)
    assert newest is not None
    assert newest.day == DAY - timedelta(days=1)
    assert find_snapshot(store, "customer", DAY, 0) is None
    assert find_snapshot(store, "customer", DAY + timedelta(days=3), 3) is None
    assert find_snapshot(store, "other", DAY, 31) is None


@pytest.mark.parametrize(
    "index",
    [b"", b"[]", b"{}", b'{"format": 2, "run": "x", "digits": 0, "rows": 1}', b'{"format": 1}'],
)
def test_an_index_that_cannot_be_read_is_none(index: bytes) -> None:
    store = MemoryStore()
    store.objects[f"features/customer/{DAY}.json"] = index
    assert find_snapshot(store, "customer", DAY, 0) is None


def test_a_shard_that_cannot_be_read_is_an_error_and_not_nobody(tmp_path: Path) -> None:
    store = open_store(tmp_path.as_uri())
    snapshot = publish_snapshot(store, "customer", DAY, people(1))
    [shard] = store.names(f"features/customer/{DAY}/")
    store.remove(shard)
    store.create(shard, b"{")
    with pytest.raises(StoreUnavailableError, match="not as it was published"):
        read_shard(store, snapshot, "")


@given(st.text(min_size=1, max_size=64), st.integers(0, 4))
def test_a_shard_is_named_by_hexadecimal_digits_whatever_an_identifier_is(
    identifier: str, digits: int
) -> None:
    snapshot = FeatureSnapshot("customer", DAY, "r", digits, 1)
    name = snapshot.shard(identifier)
    assert len(name) == digits
    assert set(name) <= set("0123456789abcdef")
    assert name == replace(snapshot, day=DAY + timedelta(days=1)).shard(identifier)
