"""The warehouse: days are replaced whole, and tables are compared with their contracts."""

from collections.abc import Sequence
from datetime import date

import pyarrow as pa
import pytest

from tests.training.pipeline.conftest import ALL_TABLES, make_load, read_rows
from training.pipeline.duckdb_warehouse import DuckDBConnection
from training.pipeline.tables import DefaultRow
from training.pipeline.warehouse import Warehouse, list_dates, write_creation

DAY, NEXT_DAY = date(2026, 6, 1), date(2026, 6, 2)


def test_rows_have_the_day_of_their_load(warehouse: Warehouse) -> None:
    warehouse.replace_days([make_load("defaults", DAY, {}), make_load("inquiries", DAY, {})])
    [row] = read_rows(warehouse, "defaults")
    assert row == {"customer_id": "C1", "defaulted_on": DAY, "day": DAY}
    loads = {row["table_name"]: row["row_count"] for row in read_rows(warehouse, "loads")}
    assert loads == {"defaults": 1, "inquiries": 1}


def test_a_day_is_replaced_and_the_others_stay(warehouse: Warehouse) -> None:
    two = ({"customer_id": "C1"}, {"customer_id": "C2"})
    warehouse.replace_days([make_load("defaults", day, *two) for day in (DAY, NEXT_DAY)])
    warehouse.replace_days([make_load("defaults", DAY, {"customer_id": "C3"})])
    rows = [(row["day"], row["customer_id"]) for row in read_rows(warehouse, "defaults")]
    assert sorted(rows) == [(DAY, "C3"), (NEXT_DAY, "C1"), (NEXT_DAY, "C2")]
    assert len(read_rows(warehouse, "loads")) == 2


def test_nothing_to_replace_is_no_statement(warehouse: Warehouse) -> None:
    warehouse.replace_days([])
    assert read_rows(warehouse, "loads") == []


def test_a_day_that_was_loaded_without_rows_is_known(warehouse: Warehouse) -> None:
    warehouse.replace_days([make_load("defaults", DAY)])
    assert warehouse.find_loads([DAY, NEXT_DAY]) == {("defaults", DAY): "1"}


class BrokenConnection(DuckDBConnection):
    """A connection that breaks before the statement of a number."""

    def run(self, statements: Sequence[str]) -> None:
        """Run all statements but the last."""
        super().run([*statements[:-1], "SELECT no_such_function()"])


def test_a_load_that_breaks_leaves_every_table_as_it_was(warehouse: Warehouse) -> None:
    warehouse.replace_days([make_load("defaults", DAY, {})])
    before = [read_rows(warehouse, name) for name in ("defaults", "loads")]
    assert isinstance(warehouse.connection, DuckDBConnection)
    broken = Warehouse(BrokenConnection(warehouse.connection.database))
    with pytest.raises(Exception, match="no_such_function"):
        broken.replace_days([make_load("defaults", DAY, {"customer_id": "C9"})])
    assert [read_rows(warehouse, name) for name in ("defaults", "loads")] == before


def test_only_missing_tables_are_created(warehouse: Warehouse) -> None:
    assert warehouse.initialise(ALL_TABLES) == []
    warehouse.connection.run(["DROP TABLE defaults"])
    assert warehouse.initialise(ALL_TABLES) == ["defaults"]
    assert warehouse.check(ALL_TABLES) == []


def test_every_difference_from_the_contracts_is_named(warehouse: Warehouse) -> None:
    warehouse.connection.run(
        [
            "DROP TABLE inquiries",
            "ALTER TABLE defaults DROP COLUMN defaulted_on",
            "ALTER TABLE defaults ADD COLUMN note VARCHAR",
            "ALTER TABLE accounts ALTER COLUMN balance TYPE VARCHAR",
        ]
    )
    assert sorted(warehouse.check(ALL_TABLES)) == [
        "accounts.balance: VARCHAR instead of DOUBLE",
        "defaults.defaulted_on: the column is missing",
        "defaults.note: no contract declares it",
        "inquiries: the table is missing: python -m training warehouse init",
    ]


def test_the_statement_that_creates_a_table_is_that_of_its_database() -> None:
    columns = "customer_id {}, defaulted_on DATE, day DATE"
    texts = {
        dialect: " ".join(write_creation(DefaultRow, dialect).split())
        for dialect in ("duckdb", "bigquery", "snowflake")
    }
    assert texts["duckdb"] == f"CREATE TABLE defaults ({columns.format('VARCHAR')})"
    assert texts["snowflake"] == f"CREATE TABLE defaults ( {columns.format('VARCHAR')} )"
    assert texts["bigquery"] == (
        f"CREATE TABLE defaults ( {columns.format('STRING')} ) PARTITION BY day"
    )


def test_days_are_written_once_each_in_order() -> None:
    assert list_dates([NEXT_DAY, DAY, DAY]) == "DATE '2026-06-01', DATE '2026-06-02'"


def test_what_is_read_is_a_table(warehouse: Warehouse) -> None:
    assert warehouse.read("SELECT 1 AS a").schema == pa.schema([("a", pa.int32())])
