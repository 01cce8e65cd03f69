"""A warehouse in a schema of Snowflake."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import snowflake.connector
from snowflake.connector import pandas_tools

from models.errors import DataError, DeclarationError
from training.pipeline.dialects import Dialect
from training.pipeline.warehouse import Warehouse

OPTIONS = frozenset(("user", "warehouse", "role"))
PRIVATE_KEY = "-----BEGIN"
# Snowflake's names of the types that the warehouse has.
DUCKDB_TYPES: Mapping[str, str] = {
    "TEXT": "VARCHAR",
    "NUMBER": "BIGINT",
    "FLOAT": "DOUBLE",
    "BOOLEAN": "BOOLEAN",
    "DATE": "DATE",
}
COLUMN_TYPES: Mapping[pa.DataType, str] = {
    pa.string(): "TEXT",
    pa.int64(): "NUMBER(38, 0)",
    pa.float64(): "FLOAT",
    pa.bool_(): "BOOLEAN",
    pa.date32(): "DATE",
}


@dataclass(frozen=True, slots=True)
class SnowflakeConnection:
    """An open session in a schema."""

    session: Any = field(repr=False)  # the connector has no types
    schema: str
    dialect: Dialect = "snowflake"

    def run(self, statements: Sequence[str]) -> None:
        """Run statements in one transaction. A single statement is one by itself."""
        with self.session.cursor() as cursor:
            if len(statements) == 1:
                cursor.execute(statements[0])
                return
            cursor.execute("BEGIN")
            try:
                for statement in statements:
                    cursor.execute(statement)
            except BaseException:
                cursor.execute("ROLLBACK")
                raise
            cursor.execute("COMMIT")

    def read(self, query: str) -> pa.Table:
        """Run one query and return its rows. Snowflake's own names are in upper case."""
        with self.session.cursor() as cursor:
            cursor.execute(query)
            names = [column[0].lower() for column in cursor.description]
            rows = cursor.fetchall()
        columns = zip(*rows, strict=True) if rows else ([] for _ in names)
        return pa.table([pa.array(list(column)) for column in columns], names)

    @contextmanager
    def stage(self, name: str, rows: pa.Table) -> Iterator[str]:
        """Load rows into a temporary table, which only this session sees."""
        staged = f"{name}_{uuid.uuid4().hex}".upper()
        columns = ", ".join(f"{f.name} {COLUMN_TYPES[f.type]}" for f in rows.schema)
        with self.session.cursor() as cursor:
            cursor.execute(f"CREATE TEMPORARY TABLE {staged} ({columns})")
            try:
                if rows.num_rows:
                    self._fill(staged, rows)
                yield staged
            finally:
                cursor.execute(f"DROP TABLE IF EXISTS {staged}")

    def list_columns(self) -> dict[str, dict[str, str]]:
        """Return the columns of every table with their types, as DuckDB calls them."""
        rows = self.read(
            "SELECT table_name, column_name, data_type FROM information_schema.columns "
            f"WHERE table_schema = '{self.schema.upper()}' ORDER BY table_name, ordinal_position"
        ).to_pylist()
        tables: dict[str, dict[str, str]] = {}
        for row in rows:
            kind = DUCKDB_TYPES.get(row["data_type"], row["data_type"])
            tables.setdefault(row["table_name"].lower(), {})[row["column_name"].lower()] = kind
        return tables

    def _fill(self, staged: str, rows: pa.Table) -> None:
        names = [name.upper() for name in rows.column_names]
        frame = rows.rename_columns(names).to_pandas(integer_object_nulls=True)
        pandas_tools.write_pandas(self.session, frame, staged)


@contextmanager
def open_snowflake(
    place: tuple[str, str, str], options: Mapping[str, str], secret: str
) -> Iterator[Warehouse]:
    """Open a schema of an account: `place` is account, database and schema.

    Raises
    ------
    DeclarationError
        If an option is unknown, the user is missing, or there is no secret.
    DataError
        If Snowflake refuses the session or a statement.
    """
    account, database, schema = place
    unknown = sorted(set(options) - OPTIONS)
    if unknown or "user" not in options:
        message = (
            "WAREHOUSE_URL snowflake:// takes user, warehouse and role, and user must be there; "
            f"unknown: {', '.join(unknown) or 'none'}"
        )
        raise DeclarationError(message)
    login = {"account": account, "database": database, "schema": schema, **options}
    session = None
    try:
        session = snowflake.connector.connect(**login, **credentials_from_secret(secret))
        yield Warehouse(SnowflakeConnection(session, schema))
    except snowflake.connector.errors.Error as error:
        message = f"WAREHOUSE_URL: Snowflake refuses the session or a statement: {error}"
        raise DataError(message) from error
    finally:
        if session is not None:
            session.close()


def credentials_from_secret(secret: str) -> dict[str, object]:
    """Return what the connector takes: a private key in DER, or an OAuth token.

    Raises
    ------
    DeclarationError
        If there is no secret, or it looks like a key and is none.
    """
    if not secret:
        message = "WAREHOUSE_SECRET is not set: it has a private key in PEM, or an OAuth token"
        raise DeclarationError(message)
    if not secret.lstrip().startswith(PRIVATE_KEY):
        return {"authenticator": "oauth", "token": secret}
    # It comes with the connector, and nothing else of training needs it.
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415

    try:
        key = serialization.load_pem_private_key(secret.encode(), password=None)
    except (ValueError, TypeError) as error:
        message = "WAREHOUSE_SECRET begins like a private key in PEM and cannot be read as one"
        raise DeclarationError(message) from error
    der = key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return {"private_key": der}
