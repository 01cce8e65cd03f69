"""The lake: created once, never changed, a new load for changed rows."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from models.errors import ObjectExistsError
from models.stores.store import OpenedStore
from models.stores.uri import open_store
from training.pipeline.contract_check import RefusedRow
from training.pipeline.lake import ATTEMPTS, EMPTY, Lake

DAY = date(2026, 6, 1)
ONE = pa.table({"a": [1]})
TWO = pa.table({"a": [1, 2]})


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(open_store(tmp_path.as_uri()))


def test_the_same_rows_are_one_load_and_others_are_the_next(lake: Lake) -> None:
    first, again, corrected = (lake.write("visits", DAY, rows) for rows in (ONE, ONE, TWO))
    assert first.name == "raw/visits/day=2026-06-01/load-0001.parquet"
    assert (first.is_new, again.is_new, corrected.is_new) == (True, False, True)
    assert (again.name, again.sha256) == (first.name, first.sha256)
    assert lake.list_loads("visits", DAY) == [first.name, corrected.name]
    assert lake.read(first.name) == ONE
    assert lake.read(corrected.name) == TWO


def test_rows_that_return_are_a_load_again_for_the_last_one_counts(lake: Lake) -> None:
    names = [lake.write("visits", DAY, rows).name for rows in (ONE, TWO, ONE)]
    assert len(set(names)) == 3


def test_a_day_without_rows_has_no_object_unless_rows_were_taken_back(lake: Lake) -> None:
    assert lake.write("visits", DAY, ONE.slice(0, 0)) == EMPTY
    lake.write("visits", DAY, ONE)
    assert lake.read(lake.write("visits", DAY, ONE.slice(0, 0)).name).num_rows == 0


def test_refused_rows_lie_apart_with_their_values(lake: Lake) -> None:
    refused = (RefusedRow(3, {"a": "x", "on": DAY}, "a: Input should be a number"),)
    load = lake.quarantine("visits", DAY, refused)
    assert load.name == "quarantine/visits/day=2026-06-01/load-0001.parquet"
    [row] = lake.read(load.name).to_pylist()
    assert row == {
        "row": 3,
        "reason": "a: Input should be a number",
        "values": '{"a": "x", "on": "2026-06-01"}',
    }
    assert lake.list_loads("visits", DAY) == []


class BusyStore:
    """A store in which somebody else always creates the next object first."""

    def __init__(self, store: OpenedStore, rivals: int) -> None:
        self._store = store
        self._rivals = rivals

    def create(self, name: str, data: bytes) -> None:
        if self._rivals:
            self._rivals -= 1
            self._store.create(name, b"theirs")
        self._store.create(name, data)

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


def test_two_runs_at_once_take_one_number_each(tmp_path: Path) -> None:
    store: OpenedStore = BusyStore(open_store(tmp_path.as_uri()), rivals=1)  # type: ignore[assignment]
    assert Lake(store).write("visits", DAY, ONE).name.endswith("load-0002.parquet")


def test_who_never_gets_a_number_gives_up(tmp_path: Path) -> None:
    store: OpenedStore = BusyStore(open_store(tmp_path.as_uri()), rivals=ATTEMPTS)  # type: ignore[assignment]
    with pytest.raises(ObjectExistsError):
        Lake(store).write("visits", DAY, ONE)
