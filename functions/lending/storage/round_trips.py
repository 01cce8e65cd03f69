"""Statements that go to the database together: one round trip, answered in their order.

Requests that move money use it; what happens seldom is written with SQLAlchemy's expressions.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from functools import lru_cache
from typing import Any, NamedTuple

import psycopg
from psycopg.pq import PipelineStatus
from psycopg.rows import namedtuple_row
from pydantic_core import to_json
from sqlalchemy import Connection, Table
from sqlalchemy.exc import DBAPIError

ENDING_STATES = ("08", "57P")  # a broken connection; the server is shut down, or this session


class Statement(NamedTuple):
    """One statement in psycopg's notation, `%(name)s` for a value."""

    text: str
    values: Mapping[str, Any]


def send(connection: Connection, statements: Sequence[Statement]) -> list[list[Any]]:
    """Send statements together; return the rows of each, none for a change.

    Each one sees what those before it did, and what others committed before it started. After
    one that fails the others are not run.

    Raises
    ------
    DBAPIError
        As SQLAlchemy raises it, so that callers need not know which way a statement went.
    """
    driver: Any = connection.connection.driver_connection
    cursors = [driver.cursor(row_factory=namedtuple_row) for _ in statements]
    # Of one alone the pipeline would only be work.
    together = driver.pipeline() if len(statements) > 1 else nullcontext()
    with _as_sqlalchemy(connection, statements), together:
        for cursor, statement in zip(cursors, statements, strict=True):
            cursor.execute(statement.text, statement.values)
    return [cursor.fetchall() if cursor.description else [] for cursor in cursors]


def send_and_commit(connection: Connection, statements: Sequence[Statement]) -> None:
    """Send what is left of a transaction and commit it, in one round trip.

    Raises
    ------
    DBAPIError
        As from `send`, or from the commit itself: nothing is committed then, unless the
        connection is lost.
    """
    driver: Any = connection.connection.driver_connection
    together = driver.pipeline() if statements else nullcontext()
    try:
        with _as_sqlalchemy(connection, statements), together:
            for statement in statements:
                driver.cursor().execute(statement.text, statement.values)
            connection.commit()
    except DBAPIError as error:
        # SQLAlchemy takes the transaction for committed, and would not roll it back.
        if not error.connection_invalidated:
            with suppress(psycopg.Error):
                driver.rollback()
        raise


@contextmanager
def _as_sqlalchemy(connection: Connection, statements: Sequence[Statement]) -> Iterator[None]:
    """Raise the driver's errors as SQLAlchemy raises them."""
    try:
        yield
    except psycopg.Error as error:
        driver: Any = connection.connection.driver_connection
        # The server's last word may come before the driver sees that the connection has ended;
        # and lost between two answers, a connection says nothing, but never leaves its pipeline.
        is_ended = (error.sqlstate or "").startswith(ENDING_STATES)
        is_stuck = driver.pgconn.pipeline_status != PipelineStatus.OFF
        is_lost = (
            is_ended or is_stuck or connection.dialect.is_disconnect(error, driver, None)  # type: ignore[arg-type]
        )
        if is_lost:
            connection.invalidate(error)
        raised = DBAPIError.instance(
            "; ".join(statement.text for statement in statements),
            None,
            error,
            psycopg.Error,
            connection_invalidated=is_lost,
            dialect=connection.dialect,
        )
        raise raised from error


def insertion(table: Table, rows: Sequence[Mapping[str, Any]]) -> Statement:
    """Return the statement that inserts rows with the same columns, any number of them.

    The rows are one value, so that the database prepares one statement for each table.
    """
    return Statement(_insertion_text(table.name, tuple(rows[0])), {"rows": to_json(rows).decode()})


def update_rows(table: Table, keys: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> Statement:
    """Return the statement that changes rows, found by their keys, where they differ.

    All have the same columns, and are one value, as in `insertion`.
    """
    text = _update_text(table.name, tuple(keys), tuple(rows[0]))
    return Statement(text, {"rows": to_json(rows).decode()})


@lru_cache
def _update_text(table: str, keys: tuple[str, ...], columns: tuple[str, ...]) -> str:
    changed = [name for name in columns if name not in keys]
    assigned = ", ".join(f"{name} = changed.{name}" for name in changed)
    matched = " AND ".join(f"stored.{name} = changed.{name}" for name in keys)
    rows = f"jsonb_populate_recordset(NULL::{table}, %(rows)s::jsonb) AS changed"
    before, after = (", ".join(f"{row}.{n}" for n in changed) for row in ("stored", "changed"))
    return (
        f"UPDATE {table} AS stored SET {assigned} FROM {rows} "  # noqa: S608 -- names of ours
        f"WHERE {matched} AND ({before}) IS DISTINCT FROM ({after})"
    )


@lru_cache
def _insertion_text(table: str, columns: tuple[str, ...]) -> str:
    names = ", ".join(columns)
    rows = f"jsonb_populate_recordset(NULL::{table}, %(rows)s::jsonb)"
    return f"INSERT INTO {table} ({names}) SELECT {names} FROM {rows}"  # noqa: S608 -- names of ours


def update_row(table: Table, key: str, identifier: Any, values: Mapping[str, Any]) -> Statement:  # noqa: ANN401 -- a key
    """Return the statement that changes columns of one row."""
    assigned = ", ".join(f"{name} = %({name})s" for name in values)
    statement = f"UPDATE {table.name} SET {assigned} WHERE {key} = %(identifier)s"  # noqa: S608 -- likewise
    return Statement(statement, {**values, "identifier": identifier})


def column_names(table: Table, prefix: str = "") -> str:
    """Return the columns that the code has, as a list in SQL.

    A star would change with the next migration, and break what connections have prepared.
    """
    return ", ".join(prefix + column.name for column in table.columns)
