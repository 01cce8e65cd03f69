"""Files that somebody drops: whole, cut off, late, empty, of another form."""

import gzip
import io
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from models.errors import DataError
from models.stores.uri import open_store
from tests.training.pipeline.conftest import ROWS
from training.pipeline.contract_check import ContractRows, check_rows
from training.pipeline.files_source import read_files
from training.pipeline.source_file import FileTable
from training.pipeline.tables import BureauScoreRow, CustomerRow

DAY = date(2026, 6, 1)
TABLE = FileTable(
    file="customers_{day}.csv",
    day_format="%Y%m%d",
    rows_file="customers_{day}.rows",
    delimiter=";",
    decimal=",",
)
HEADER = "customer_id;birth_date;annual_income;employed_since;education;region\n"
ROW = "C1;1980-01-01;50000,0;2015-01-01;master;north\n"


def read(folder: Path, table: FileTable = TABLE) -> ContractRows:
    delivery = read_files(open_store(folder.as_uri()), "crm.customers", CustomerRow, table, DAY)
    checked = check_rows(CustomerRow, delivery.batches, DAY)
    assert not delivery.unreadable or checked.accepted.num_rows < 2
    return checked


def drop(folder: Path, text: str, count: object) -> None:
    (folder / "customers_20260601.csv").write_text(text)
    (folder / "customers_20260601.rows").write_text(f"{count}\n")


def test_a_file_is_read_as_it_is_declared(tmp_path: Path) -> None:
    drop(tmp_path, HEADER + ROW + ROW.replace("C1", "C2").replace("2015-01-01", ""), 2)
    first, second = read(tmp_path).accepted.to_pylist()
    assert first == ROWS["customers"]
    assert (second["customer_id"], second["employed_since"]) == ("C2", None)


def test_a_header_without_rows_is_an_empty_day(tmp_path: Path) -> None:
    drop(tmp_path, HEADER, 0)
    assert read(tmp_path).accepted.num_rows == 0


def test_a_file_without_a_header_is_no_empty_day(tmp_path: Path) -> None:
    drop(tmp_path, "\n", 0)
    with pytest.raises(DataError, match="the file has no header"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("text", "count", "message"),
    [
        (HEADER + ROW[:-1], 1, "the last line has no end: the file is cut off"),
        (HEADER + ROW, 2, "customers_20260601.rows says 2 rows, and the file has 1: it is cut"),
        (HEADER + ROW, "many", "says many rows"),
        (HEADER.replace("region", "area") + ROW, 1, "it lacks region; unknown: area"),
        (HEADER + ROW.replace("master", '"master'), 1, "a quote is opened and never closed"),
    ],
)
def test_half_a_file_and_another_schema_are_named(
    tmp_path: Path, text: str, count: object, message: str
) -> None:
    drop(tmp_path, text, count)
    with pytest.raises(DataError, match=message):
        read(tmp_path)


def test_a_file_that_is_late_is_named_with_what_to_do(tmp_path: Path) -> None:
    expected = "crm.customers: customers_20260601.csv is not there .yet.: ask the sender"
    with pytest.raises(DataError, match=expected):
        read(tmp_path)


def test_a_row_with_too_few_cells_is_unreadable_and_counts_as_a_row(tmp_path: Path) -> None:
    drop(tmp_path, HEADER + ROW + "C2;1980-01-01\n", 2)
    delivery = read_files(open_store(tmp_path.as_uri()), "crm.customers", CustomerRow, TABLE, DAY)
    assert delivery.unreadable == {2: "the row has 2 cells, and the header 6"}


def test_cells_that_cannot_be_converted_stay_as_they_are_for_the_contract(tmp_path: Path) -> None:
    drop(tmp_path, HEADER + ROW.replace("50000,0", "a lot").replace("1980-01-01", "1980"), 1)
    [row] = read(tmp_path).refused
    delivered = dict(row.values)
    assert (delivered["annual_income"], delivered["birth_date"]) == ("a lot", "1980")


def test_parquet_and_gzip_are_read_by_their_names(tmp_path: Path) -> None:
    rows = pd.DataFrame([ROWS["customers"]])
    rows.to_parquet(tmp_path / "c_2026-06-01.parquet")
    assert read(tmp_path, FileTable(file="c_{day}.parquet")).accepted.num_rows == 1
    text = gzip.compress((HEADER + ROW).replace(",", ".").replace(";", ",").encode())
    (tmp_path / "c_2026-06-01.csv.gz").write_bytes(text)
    assert read(tmp_path, FileTable(file="c_{day}.csv.gz")).accepted.num_rows == 1


@pytest.mark.parametrize("name", ["c_{day}.parquet", "c_{day}.csv.gz"])
def test_a_file_of_another_format_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name.format(day=DAY)).write_bytes(b"PAR1 and no more")
    with pytest.raises(DataError, match="is cut off or of another format"):
        read(tmp_path, FileTable(file=name))


def test_whole_numbers_of_a_csv_are_whole(tmp_path: Path) -> None:
    text = "customer_id,scored_on,payment_history_score\nC1,2026-06-01,700\nC2,2026-06-01,7.5\n"
    (tmp_path / "s_2026-06-01.csv").write_bytes(io.BytesIO(text.encode()).getvalue())
    table = FileTable(file="s_{day}.csv")
    delivery = read_files(
        open_store(tmp_path.as_uri()), "crm.bureau_scores", BureauScoreRow, table, DAY
    )
    [batch] = delivery.batches
    scores: Any = batch.columns["payment_history_score"]
    assert [(type(score), score) for score in scores] == [(int, 700), (float, 7.5)]
