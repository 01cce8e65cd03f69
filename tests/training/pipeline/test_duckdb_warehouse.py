"""A warehouse in one file."""

from pathlib import Path

import pyarrow as pa
import pytest

from models.errors import DataError
from training.pipeline.duckdb_warehouse import open_duckdb
from training.pipeline.warehouse import Warehouse


def test_a_file_is_made_with_its_folder_and_keeps_its_tables(tmp_path: Path) -> None:
    path = tmp_path / "new" / "w.duckdb"
    with open_duckdb(path) as warehouse:
        warehouse.connection.run(["CREATE TABLE a (b BIGINT)"])
    with open_duckdb(path) as warehouse:
        assert warehouse.connection.list_columns() == {"a": {"b": "BIGINT"}}


def test_what_is_no_warehouse_is_named(tmp_path: Path) -> None:
    (tmp_path / "w.duckdb").write_text("no database" * 1_000)
    with (
        pytest.raises(DataError, match=r"WAREHOUSE_URL: w.duckdb cannot be opened"),
        open_duckdb(tmp_path / "w.duckdb"),
    ):
        pass


def test_a_staged_table_is_there_for_the_block(warehouse: Warehouse) -> None:
    connection = warehouse.connection
    with connection.stage("visits", pa.table({"a": [1]})) as stage:
        assert warehouse.read(f"SELECT * FROM {stage}").to_pylist() == [{"a": 1}]  # noqa: S608
    with pytest.raises(Exception, match="visits"):
        warehouse.read("SELECT * FROM visits")


def test_all_statements_hold_or_none(warehouse: Warehouse) -> None:
    connection = warehouse.connection
    with pytest.raises(Exception, match="no_such_table"):
        connection.run(["CREATE TABLE made (a BIGINT)", "DELETE FROM no_such_table"])
    assert "made" not in connection.list_columns()
