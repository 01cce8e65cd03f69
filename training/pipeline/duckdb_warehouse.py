"""A warehouse in one DuckDB file."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa

from models.errors import DataError
from training.pipeline.dialects import Dialect
from training.pipeline.warehouse import Warehouse


@dataclass(frozen=True, slots=True)
class DuckDBConnection:
    """An open file."""

    database: duckdb.DuckDBPyConnection = field(repr=False)
    dialect: Dialect = "duckdb"

    def run(self, statements: Sequence[str]) -> None:
        """Run statements in one transaction: all of them, or none."""
        self.database.execute("BEGIN")
        try:
            for statement in statements:
                self.database.execute(statement)
        except BaseException:
            self.database.execute("ROLLBACK")
            raise
        self.database.execute("COMMIT")

    def read(self, query: str) -> pa.Table:
        """Run one query and return its rows."""
        return self.database.sql(query).to_arrow_table()

    @contextmanager
    def stage(self, name: str, rows: pa.Table) -> Iterator[str]:
        """Offer rows as a table until the block ends. Other connections do not see it."""
        self.database.register(name, rows)
        try:
            yield name
        finally:
            self.database.unregister(name)

    def list_columns(self) -> dict[str, dict[str, str]]:
        """Return the columns of every table with their types."""
        rows = self.database.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns "
            "WHERE table_schema = 'main' ORDER BY table_name, ordinal_position"
        ).fetchall()
        tables: dict[str, dict[str, str]] = {}
        for table, column, kind in rows:
            tables.setdefault(table, {})[column] = kind
        return tables


@contextmanager
def open_duckdb(path: Path) -> Iterator[Warehouse]:
    """Open the warehouse of a file, which is made if it is missing.

    Raises
    ------
    DataError
        If another process has the file open, or it is no DuckDB file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        database = duckdb.connect(path)
    except duckdb.Error as error:
        message = f"WAREHOUSE_URL: {path.name} cannot be opened; another run may have it: {error}"
        raise DataError(message) from error
    try:
        yield Warehouse(DuckDBConnection(database))
    finally:
        database.close()
