"""Statements that are sent together: their answers, their errors, and what they are in SQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import IntegrityError, OperationalError

from functions.lending.errors import UnknownOutcomeError
from functions.lending.storage import tables
from functions.lending.storage.database import (
    WHOLE_BOOK,
    Database,
    constraint_name,
    opened,
    sql_state,
)
from functions.lending.storage.round_trips import (
    Statement,
    column_names,
    insertion,
    send,
    update_row,
)
from functions.lending.storage.transaction import begun
from tests.support.lending import NOW

NAMES = "SELECT id, name FROM branches ORDER BY id"


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    engine = create_engine(database_url)
    with engine.connect() as connection:
        connection.begin()
        yield connection
    engine.dispose()


def test_each_statement_sees_what_those_before_it_did(connection: Connection) -> None:
    before, added, after = send(
        connection,
        [
            Statement(NAMES, {}),
            insertion(tables.branches, [{"id": 2, "name": "North"}, {"id": 3, "name": "South"}]),
            Statement(f"{NAMES} DESC LIMIT %(most)s", {"most": 1}),
        ],
    )
    assert ([row.name for row in before], added) == (["Head office"], [])
    assert [(row.id, row.name) for row in after] == [(3, "South")]


def test_an_error_is_what_sqlalchemy_raises_and_nothing_after_it_runs(
    connection: Connection,
) -> None:
    again = insertion(tables.branches, [{"id": 1, "name": "Again"}])
    other = insertion(tables.branches, [{"id": 2, "name": "Other"}])
    with pytest.raises(IntegrityError) as caught:
        send(connection, [again, other])
    assert constraint_name(caught.value) == "branches_pkey"
    assert not caught.value.connection_invalidated
    connection.rollback()
    connection.begin()
    [rows] = send(connection, [Statement(NAMES, {})])
    assert [row.id for row in rows] == [1]


def test_what_is_left_goes_with_the_commit_or_nothing_does(database_url: str) -> None:
    north = insertion(tables.branches, [{"id": 2, "name": "North"}])
    again = insertion(tables.branches, [{"id": 1, "name": "Again"}])
    database = Database(database_url, 1)

    def names() -> list[str]:
        with database.engine.connect() as connection:
            return [row.name for row in send(connection, [Statement(NAMES, {})])[0]]

    def add(*statements: Statement) -> None:
        database.write(
            WHOLE_BOOK, lambda c: opened(c).unsent.extend(statements), is_repeatable=False
        )

    with pytest.raises(IntegrityError) as caught:
        add(north, again)
    assert constraint_name(caught.value) == "branches_pkey"
    assert names() == ["Head office"]
    add(north)
    assert names() == ["Head office", "North"]
    database.close()


def test_a_connection_lost_among_the_last_statements_is_replaced(database_url: str) -> None:
    north = insertion(tables.branches, [{"id": 2, "name": "North"}])
    die = Statement("SELECT pg_terminate_backend(pg_backend_pid())", {})
    database = Database(database_url, 1)

    def work(connection: Connection) -> None:
        opened(connection).unsent.extend([north, Statement("RESET ROLE", {}), die, north])

    with pytest.raises(UnknownOutcomeError):
        database.write(WHOLE_BOOK, work, is_repeatable=False)
    names = database.read(WHOLE_BOOK, lambda c: send(c, [Statement(NAMES, {})])[0])
    assert [row.name for row in names] == ["Head office"]
    database.close()


def test_a_connection_that_cannot_leave_its_pipeline_counts_as_lost(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the server ends it between two answers: then the driver knows no better error."""
    driver: Any = connection.connection.driver_connection

    @contextmanager
    def stuck(_driver: Any) -> Iterator[None]:  # noqa: ANN401 -- the driver's connection
        driver.pgconn.enter_pipeline_mode()
        message = "cannot exit pipeline mode while busy"
        raise psycopg.OperationalError(message)
        yield

    monkeypatch.setattr(type(driver), "pipeline", stuck)
    with pytest.raises(OperationalError, match="while busy") as caught:
        send(connection, [Statement(NAMES, {}), Statement(NAMES, {})])
    assert caught.value.connection_invalidated


def test_what_is_read_first_goes_with_the_beginning_and_is_read_once(database_url: str) -> None:
    first = [Statement(NAMES, {})]
    database = Database(database_url, 1)

    def work(connection: Connection) -> list[int]:
        transaction = begun(connection, "test", "request", NOW)
        assert [statements for statements, _ in opened(connection).first] == [first]
        [early] = transaction.read(first)
        assert opened(connection).first == []
        send(connection, [insertion(tables.branches, [{"id": 2, "name": "North"}])])
        [late] = transaction.read(first)
        return [len(early), len(late)]

    assert database.write(WHOLE_BOOK, work, is_repeatable=True, first=first) == [1, 2]
    database.close()


def test_a_connection_that_was_lost_is_not_used_again(connection: Connection) -> None:
    die = Statement("SELECT pg_terminate_backend(pg_backend_pid())", {})
    with pytest.raises(OperationalError) as caught:
        send(connection, [die, Statement(NAMES, {})])
    assert caught.value.connection_invalidated
    assert connection.invalidated
    assert sql_state(caught.value) in {None, "57P01"}


def test_values_arrive_as_they_are(connection: Connection) -> None:
    row = {
        "loan_id": UUID(int=7),
        "branch_id": 1,
        "number": 1,
        "due_on": date(2026, 2, 28),
        "status": 'it\'s \\ "due" \u20b9',
        "interest": Decimal("999999999999999.99"),
        "met_on": None,
    }
    amounts = ("principal", "unpaid_interest", "unpaid_principal", "unpaid_charges")
    row |= dict.fromkeys((*amounts, "paid", "given_up"), Decimal("0.10"))
    connection.execute(text("SET LOCAL session_replication_role = replica"))
    changed = {"met_on": date(2026, 3, 1)}
    key = row["loan_id"]
    query = f"SELECT {column_names(tables.instalments)} FROM instalments"  # noqa: S608 -- names of ours
    _, [stored], _, [later] = send(
        connection,
        [
            insertion(tables.instalments, [row]),
            Statement(query, {}),
            update_row(tables.instalments, "loan_id", key, changed),
            Statement(query, {}),
        ],
    )
    assert stored._asdict() == row
    assert later.met_on == date(2026, 3, 1)
    event = {"id": UUID(int=1), "loan_id": key, "branch_id": 1, "sequence": 1, "type": "x"}
    body = {"list": [1, 0.5, None, True], "text": "\u20b9"}
    event |= {"body": body, "created_at": NOW}
    query = "SELECT body, created_at FROM outbox"
    _, [sent] = send(connection, [insertion(tables.outbox, [event]), Statement(query, {})])
    assert (sent.body, sent.created_at) == (body, NOW)
