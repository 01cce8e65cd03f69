"""The warehouse: checked tables of all days, by the same statements in every database.

Every row has the day of its load. Days are replaced in one transaction, so that a load can be run
again and nobody ever reads half of one. Statements are written in DuckDB's dialect and compiled to
that of the connection.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar, Protocol

import pyarrow as pa

from training.pipeline.dialects import Dialect, compile_statement
from training.pipeline.source_table import (
    DAY,
    Count,
    SourceTable,
    Word,
    arrow_schema,
    columns_from_table,
)


class WarehouseConnection(Protocol):
    """An open connection to a database."""

    @property
    def dialect(self) -> Dialect:
        """The dialect in which it is asked."""

    def run(self, statements: Sequence[str]) -> None:
        """Run statements in one transaction: all of them, or none."""

    def read(self, query: str) -> pa.Table:
        """Run one query and return its rows. Names of columns are in lower case."""

    def stage(self, name: str, rows: pa.Table) -> AbstractContextManager[str]:
        """Offer rows as a table until the block ends, and yield the name that it has there."""

    def list_columns(self) -> dict[str, dict[str, str]]:
        """Return the columns of every table with their types, as DuckDB calls them."""


class LoadRow(SourceTable):
    """Which load of the lake a table and day come from."""

    table: ClassVar = "loads"
    key: ClassVar = ("table_name",)

    table_name: Word
    load: str
    sha256: str
    row_count: Count
    refused: Count


@dataclass(frozen=True, slots=True)
class TableLoad:
    """The rows of one table and day, and the load of the lake that has them."""

    table: type[SourceTable]
    day: date
    rows: pa.Table
    load: str = ""
    sha256: str = ""
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Warehouse:
    """The tables of a connection."""

    connection: WarehouseConnection = field(repr=False)

    def read(self, query: str) -> pa.Table:
        """Run a query in DuckDB's dialect."""
        return self.connection.read(compile_statement(query, self.connection.dialect))

    def initialise(self, tables: Mapping[str, type[SourceTable]]) -> list[str]:
        """Create the tables that are missing, and return their names. None is changed."""
        present = self.connection.list_columns()
        created = [name for name in tables if name not in present]
        for name in created:
            self.connection.run([write_creation(tables[name], self.connection.dialect)])
        return created

    def check(self, tables: Mapping[str, type[SourceTable]]) -> list[str]:
        """Compare the tables with their contracts, and return every difference."""
        present = self.connection.list_columns()
        return [
            fault
            for name, table in tables.items()
            for fault in _compare(name, declare_columns(table), present.get(name))
        ]

    def replace_days(self, loads: Sequence[TableLoad]) -> None:
        """Replace the rows of tables and days, all of them or none."""
        if not loads:
            return
        tables: dict[type[SourceTable], list[TableLoad]] = {}
        for load in loads:
            tables.setdefault(load.table, []).append(load)
        statements: list[str] = []
        with ExitStack() as stack:
            for table, days in tables.items():
                rows = pa.concat_tables([_add_day(load) for load in days])
                stage = stack.enter_context(self.connection.stage(f"stage_{table.table}", rows))
                dates = list_dates([load.day for load in days])
                statements.append(f"DELETE FROM {table.table} WHERE {DAY} IN ({dates})")
                statements.append(_write_insertion(table, stage))
                statements.append(
                    f"DELETE FROM {LoadRow.table} "
                    f"WHERE table_name = '{table.table}' AND {DAY} IN ({dates})"
                )
            rows = pa.concat_tables([_record_load(load) for load in loads])
            stage = stack.enter_context(self.connection.stage(f"stage_{LoadRow.table}", rows))
            statements.append(_write_insertion(LoadRow, stage))
            dialect = self.connection.dialect
            self.connection.run([compile_statement(text, dialect) for text in statements])

    def find_loads(self, days: Sequence[date]) -> dict[tuple[str, date], str]:
        """Return the sha256 of the load of every table and day."""
        rows = self.read(
            f"SELECT table_name, {DAY}, sha256 FROM {LoadRow.table} "
            f"WHERE {DAY} IN ({list_dates(days)})"
        ).to_pylist()
        return {(row["table_name"], row[DAY]): row["sha256"] for row in rows}


def declare_columns(table: type[SourceTable]) -> dict[str, str]:
    """Return the columns of a table in the warehouse with their types."""
    return {column.name: column.sql_type for column in columns_from_table(table)} | {DAY: "DATE"}


def write_creation(table: type[SourceTable], dialect: Dialect) -> str:
    """Write the statement that creates a table. BigQuery keeps each day in a partition."""
    columns = ", ".join(f"{name} {kind}" for name, kind in declare_columns(table).items())
    statement = compile_statement(f"CREATE TABLE {table.table} ({columns})", dialect)
    return f"{statement} PARTITION BY {DAY}" if dialect == "bigquery" else statement


def list_dates(days: Sequence[date]) -> str:
    """Write days as literals, with commas between them."""
    return ", ".join(f"DATE '{day.isoformat()}'" for day in sorted(set(days)))


def _add_day(load: TableLoad) -> pa.Table:
    rows = load.rows.cast(arrow_schema(load.table))
    return rows.append_column(DAY, pa.repeat(pa.scalar(load.day, pa.date32()), rows.num_rows))


def _record_load(load: TableLoad) -> pa.Table:
    row = {
        "table_name": load.table.table,
        "load": load.load,
        "sha256": load.sha256,
        "row_count": load.rows.num_rows,
        "refused": load.refused,
    }
    rows = pa.Table.from_pylist([row], schema=arrow_schema(LoadRow))
    return _add_day(TableLoad(LoadRow, load.day, rows))


def _write_insertion(table: type[SourceTable], stage: str) -> str:
    columns = ", ".join(declare_columns(table))
    return f"INSERT INTO {table.table} ({columns}) SELECT {columns} FROM {stage}"


def _compare(
    name: str, declared: Mapping[str, str], present: Mapping[str, str] | None
) -> Iterator[str]:
    if present is None:
        yield f"{name}: the table is missing: python -m training warehouse init"
        return
    for column, kind in declared.items():
        if column not in present:
            yield f"{name}.{column}: the column is missing"
        elif present[column] != kind:
            yield f"{name}.{column}: {present[column]} instead of {kind}"
    for column in present:
        if column not in declared:
            yield f"{name}.{column}: no contract declares it"
