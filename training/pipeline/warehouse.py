"""The warehouse: checked tables of all days, in DuckDB.

Every row has the day of its load. A day is replaced in one transaction, so that a load can be run
again and nobody ever reads half of one.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from models.errors import DataError, DeclarationError
from training.pipeline.source_table import DAY, SourceTable, TableColumn, columns_from_table

SCHEME = "duckdb:///"
LOADS = "loads"
LOADS_COLUMNS = (
    ("table_name", "VARCHAR"),
    (DAY, "DATE"),
    ("load", "VARCHAR"),
    ("sha256", "VARCHAR"),
    ("row_count", "BIGINT"),
    ("refused", "BIGINT"),
)

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class TableLoad:
    """The rows of one table and day, and the load of the lake that has them."""

    table: type[SourceTable]
    day: date
    rows: pa.Table
    load: str
    sha256: str
    refused: int


class Warehouse:
    """An open connection to a warehouse."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def query(self, statement: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Run one statement and return its rows."""
        return self._connection.execute(statement, list(parameters)).fetchall()

    def read(self, statement: str, parameters: Sequence[object] = ()) -> pa.Table:
        """Run one query and return its rows as a table."""
        return self._connection.execute(statement, list(parameters)).to_arrow_table()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all statements of the block, or none of them."""
        self._connection.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    @contextmanager
    def stage(self, rows: pa.Table) -> Iterator[str]:
        """Offer rows as a relation for as long as the block runs, and yield its name."""
        self._connection.register("stage", rows)
        try:
            yield "stage"
        finally:
            self._connection.unregister("stage")

    def initialise(self, tables: Mapping[str, type[SourceTable]]) -> list[str]:
        """Create the tables that are missing, and return their names. None is changed."""
        present = self._list_columns()
        created = []
        for name, declared in _declare(tables).items():
            if name not in present:
                columns = ", ".join(f"{column} {kind}" for column, kind in declared.items())
                self.query(f"CREATE TABLE {name} ({columns})")
                created.append(name)
        return created

    def check(self, tables: Mapping[str, type[SourceTable]]) -> list[str]:
        """Compare the tables with their contracts, and return every difference."""
        present = self._list_columns()
        return [
            fault
            for name, declared in _declare(tables).items()
            for fault in _compare(name, declared, present.get(name))
        ]

    def replace_days(self, loads: Sequence[TableLoad]) -> None:
        """Replace the rows of days, all of them or none."""
        with self.transaction():
            for load in loads:
                self._replace_day(load)

    def find_load(self, table: str, day: date) -> str | None:
        """Return the sha256 of the load that a day has, or None."""
        rows = self.query(
            f"SELECT sha256 FROM {LOADS} WHERE table_name = ? AND day = ?", [table, day]
        )
        return str(rows[0][0]) if rows else None

    def _replace_day(self, load: TableLoad) -> None:
        name = load.table.table
        columns = ", ".join(column.name for column in columns_from_table(load.table))
        self.query(f"DELETE FROM {name} WHERE {DAY} = ?", [load.day])
        with self.stage(load.rows) as stage:
            self.query(
                f"INSERT INTO {name} ({columns}, {DAY}) "
                f"SELECT {columns}, CAST(? AS DATE) FROM {stage}",
                [load.day],
            )
        self.query(f"DELETE FROM {LOADS} WHERE table_name = ? AND {DAY} = ?", [name, load.day])
        self.query(
            f"INSERT INTO {LOADS} VALUES (?, ?, ?, ?, ?, ?)",
            [name, load.day, load.load, load.sha256, load.rows.num_rows, load.refused],
        )

    def _list_columns(self) -> dict[str, dict[str, str]]:
        rows = self.query(
            "SELECT table_name, column_name, data_type FROM information_schema.columns "
            "WHERE table_schema = 'main' ORDER BY table_name, ordinal_position"
        )
        tables: dict[str, dict[str, str]] = {}
        for table, column, kind in rows:
            tables.setdefault(table, {})[column] = kind
        return tables


@contextmanager
def open_warehouse(url: str) -> Iterator[Warehouse]:
    """Open the warehouse of a URL: `duckdb:///path`. The file is made if it is missing.

    Raises
    ------
    DeclarationError
        If the URL has another form.
    DataError
        If another process has the file open, or it is no DuckDB file.
    """
    if not url.startswith(SCHEME) or not url.removeprefix(SCHEME):
        message = f"WAREHOUSE_URL must be {SCHEME}PATH, not {url.split('://', maxsplit=1)[0]}://..."
        raise DeclarationError(message)
    path = Path(url.removeprefix(SCHEME))
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        connection = duckdb.connect(path)
    except duckdb.Error as error:
        message = f"WAREHOUSE_URL: {path.name} cannot be opened; another run may have it: {error}"
        raise DataError(message) from error
    try:
        yield Warehouse(connection)
    finally:
        connection.close()


def _declare(tables: Mapping[str, type[SourceTable]]) -> dict[str, dict[str, str]]:
    declared = {name: _declare_columns(columns_from_table(t)) for name, t in tables.items()}
    return declared | {LOADS: dict(LOADS_COLUMNS)}


def _declare_columns(columns: Sequence[TableColumn]) -> dict[str, str]:
    return {column.name: column.sql_type for column in columns} | {DAY: "DATE"}


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
