"""What a file is, which columns it has, and which of them has which field."""

import gzip
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from functions.dashboard.batch_files import (
    fields_from_schema,
    kind_from_name,
    match_columns,
    read_columns,
)
from models.errors import DataError


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("tonight.csv", "text/csv"),
        ("TONIGHT.CSV.GZ", "application/gzip"),
        ("tonight.parquet", "application/vnd.apache.parquet"),
    ],
)
def test_the_end_of_a_name_says_what_a_file_is(name: str, kind: str) -> None:
    assert kind_from_name(name) == kind


def test_another_kind_of_file_is_refused() -> None:
    with pytest.raises(DataError, match=r"tonight\.xlsx must be one of \.csv, \.csv\.gz"):
        kind_from_name("tonight.xlsx")


def test_the_first_line_of_a_csv_names_its_columns() -> None:
    content = '\ufeffage;"annual; income"\n35;75000\n'.encode()
    assert read_columns(content, "text/csv", ";") == ["age", "annual; income"]
    assert read_columns(gzip.compress(content), "application/gzip", ";")[0] == "age"
    assert read_columns(b"", "text/csv") == []


def test_the_schema_of_a_parquet_file_names_its_columns() -> None:
    file = io.BytesIO()
    pq.write_table(pa.table({"age": [35], "income": [1.0]}), file)
    assert read_columns(file.getvalue(), "application/vnd.apache.parquet") == ["age", "income"]


@pytest.mark.parametrize("kind", ["application/gzip", "application/vnd.apache.parquet"])
def test_a_file_that_is_not_what_its_name_says_is_refused(kind: str) -> None:
    with pytest.raises(DataError, match=f"cannot be read as {kind}"):
        read_columns(b"age\n35\n", kind)  # type: ignore[arg-type]  # one of them


def test_columns_are_matched_but_for_case_and_separators() -> None:
    columns = ["Annual Income", "AGE", "debt"]
    assert match_columns(["age", "annual_income", "total_debt"], columns) == {
        "age": "AGE",
        "annual_income": "Annual Income",
        "total_debt": None,
    }


def test_a_schema_says_which_fields_are_required() -> None:
    schema = {"properties": {"age": {}, "region": {}}, "required": ["age"]}
    assert fields_from_schema(schema) == {"age": True, "region": False}
