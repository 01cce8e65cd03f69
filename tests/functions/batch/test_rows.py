"""Batches read a file as training does: the same numbers, the same faults."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from functions.batch.columns import convert_column, map_fields
from functions.batch.rows import RowValidator
from models.catalogue.application import Application
from models.contract import characteristics
from models.data_file import CsvDialect, DataFile
from models.errors import DataError
from tests.support.toy import Toy
from training.reading.row_validation import Reading, validate_rows

GERMAN = CsvDialect(decimal=",", thousands=".", symbols=("€",), missing=("", "k.A."))
CELLS = {
    "age": ["35", "17", "35,5", "abc", "40"],
    "income": ["1.234,5 €", "0", "k.A.", "12.34", "1000"],
    "debt": ["0", "1e3", "-5", "7", ""],
    "home": ["own", " rent ", "castle", "own", "rent"],
    "months_since_default": ["", "24", "-7", "k.A.", "1,5"],
}


def test_the_same_cells_give_the_same_numbers_and_the_same_faults_as_in_training() -> None:
    frame = pd.DataFrame(CELLS, index=range(1, 6)).assign(is_default="0")
    reading = Reading(declared=DataFile(csv=GERMAN))
    trained = validate_rows(Toy, frame, reading)
    columns = map_fields(Toy, list(CELLS), {})
    rows = RowValidator(Toy, columns, GERMAN).validate(pa.RecordBatch.from_pydict(CELLS))
    assert (rows.row_indices + 1).tolist() == trained.row_numbers.tolist()
    for name, column in trained.columns.items():
        assert np.array_equal(rows.fields[name], column, equal_nan=True), name
    described: dict[int, list[str]] = {}
    for fault in rows.faults:
        cell = f"; the cell has {fault.kind}" if fault.kind else ""
        described.setdefault(fault.row_index + 1, []).append(f"{fault.field}: {fault.rule}{cell}")
    assert {n: "; ".join(d) for n, d in described.items()} == dict(trained.refused_rows)


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1, 2, None], pa.int32()),
        pa.array([1.0, 2.0, None], pa.float32()),
        pa.array(["1", "2.0", ""]),
        pa.array(["1", "2", None]).dictionary_encode(),
        pa.array([1, 2, None], pa.decimal128(5, 2)),
    ],
)
def test_a_number_may_have_any_type(column: pa.Array) -> None:
    income = next(c for c in characteristics(Application) if c.name == "income")
    cells = convert_column(income, column, CsvDialect())
    assert np.array_equal(cells.numbers, [1.0, 2.0, np.nan], equal_nan=True)
    assert not cells.unreadable.any()


def test_many_numbers_as_text_are_read_at_once_and_alike() -> None:
    income = next(c for c in characteristics(Application) if c.name == "income")
    texts = [f"{i / 7:.17g}" for i in range(1_000)]
    assert convert_column(income, pa.array(texts), CsvDialect()).numbers.tolist() == [
        float(text) for text in texts
    ]
    doubtful = convert_column(income, pa.array([*texts, "1e5", "+3", "x"]), CsvDialect())
    assert doubtful.numbers[-3:-1].tolist() == [100_000.0, 3.0]
    assert doubtful.unreadable.tolist() == [False] * 1_002 + [True]


def test_a_mapping_comes_before_names_and_every_fault_is_named_at_once() -> None:
    names = ["age", "Income", "debt", "home"]
    mapping = {"income": "Income"}
    assert map_fields(Toy, names, mapping, ["months_since_default"]) == {
        "age": "age",
        "income": "Income",
        "debt": "debt",
        "home": "home",
    }
    with pytest.raises(DataError) as error:
        map_fields(Toy, names, {"nothing": "age", "debt": "none", "home": "age"}, ["age"])
    for part in (
        "--mapping nothing: the model has no such field",
        "--mapping debt=none: the file has no column none",
        "--without age: the model has no such optional field",
        "declare --mapping income=Income",
    ):
        assert part in str(error.value)


def test_one_column_is_not_read_for_two_fields() -> None:
    with pytest.raises(DataError, match="the column age is meant for age and income"):
        map_fields(Toy, ["age", "debt", "home"], {"income": "age"}, ["months_since_default"])


def test_columns_that_were_read_as_one_are_refused_once() -> None:
    with pytest.raises(DataError) as error:
        map_fields(Toy, ["age;income;debt;home"], {})
    message = "the data has one column, age;income;debt;home; declare --delimiter ';'"
    assert str(error.value) == message
