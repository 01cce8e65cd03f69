"""Connections and transactions: lost databases, retries, what a caller is told."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from functions.lending.errors import BookUnavailableError, BusyError, UnknownOutcomeError
from functions.lending.storage.database import (
    WHOLE_BOOK,
    Database,
    RowAccess,
    constraint_name,
    normalise_url,
)
from tests.support.lending import BookClient, client_on

NOBODY = "postgresql://nobody@127.0.0.1:1/book"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url, 2)
    yield database
    database.close()


def test_whatever_the_driver_in_the_url_ours_is_used() -> None:
    assert normalise_url("postgresql://a:b@h/d") == "postgresql+psycopg://a:b@h/d"


def test_connections_that_were_lost_are_replaced_without_a_restart(book: BookClient) -> None:
    assert book("GET", "/health").status_code == 200
    assert healthy_after_all_connections_were_killed(book)


def healthy_after_all_connections_were_killed(book: BookClient) -> bool:
    """Kill every connection of the service; the next request opens a new one."""
    killer = Database(book.url, 1)
    statement = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        " AND application_name = 'lending'"
    )
    with killer.engine.connect() as connection:
        connection.execute(statement)
    killer.close()
    return book("GET", "/health").status_code == 200


def test_a_database_that_never_answers_is_503_with_the_time_to_come_back() -> None:
    with client_on(NOBODY) as book:
        health = book("GET", "/health")
        assert health.status_code == 503
        assert health.json() == {
            "status": "unhealthy",
            "database": "disconnected",
            "business_date": None,
        }
        refused = book("GET", "/api/portfolio/summary")
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "5"
        assert refused.json()["detail"] == "the loan book's database does not answer"
        assert book("GET", "/health/live").status_code == 200


def test_work_is_repeated_after_a_deadlock_and_given_up_in_the_end(database: Database) -> None:
    tries = []

    def deadlock(connection: Connection) -> int:
        tries.append(1)
        if len(tries) < 3:
            connection.execute(text("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40P01'; END $$"))
        return len(tries)

    assert database.write(WHOLE_BOOK, deadlock, is_repeatable=False) == 3

    def always(connection: Connection) -> None:
        connection.execute(text("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40001'; END $$"))

    with pytest.raises(BookUnavailableError):
        database.write(WHOLE_BOOK, always, is_repeatable=False)


def test_an_error_of_ours_is_not_repeated(database: Database) -> None:
    tries = []

    def wrong(connection: Connection) -> None:
        tries.append(1)
        statement = "INSERT INTO branches VALUES (1, 'Another')"
        connection.execute(text(statement))

    with pytest.raises(DBAPIError) as caught:
        database.write(WHOLE_BOOK, wrong, is_repeatable=True)
    assert len(tries) == 1
    assert constraint_name(caught.value) == "branches_pkey"


def kill_own_commit(connection: Connection) -> None:
    """Make the server drop the connection while it commits."""
    connection.execute(
        text(
            "CREATE OR REPLACE FUNCTION die() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS "
            "$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$"
        )
    )
    connection.execute(
        text(
            "CREATE CONSTRAINT TRIGGER dies AFTER INSERT ON branches "
            "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION die()"
        )
    )


def test_a_connection_lost_in_the_commit_is_an_unknown_outcome_unless_a_key_tells(
    database: Database,
) -> None:
    with database.engine.begin() as connection:
        kill_own_commit(connection)

    def insert(connection: Connection) -> None:
        connection.execute(text("INSERT INTO branches VALUES (9, 'Ninth')"))

    with pytest.raises(UnknownOutcomeError, match="look whether the change was made"):
        database.write(WHOLE_BOOK, insert, is_repeatable=False)
    with pytest.raises(BookUnavailableError):
        database.write(WHOLE_BOOK, insert, is_repeatable=True)


def test_when_all_connections_are_in_use_a_request_is_told_to_come_back(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.lending.storage.database.POOL_SECONDS", 0.05)
    database = Database(database_url, 1)

    def nested(_connection: Connection) -> None:
        database.read(WHOLE_BOOK, lambda _: None)

    with pytest.raises(BusyError, match="all connections are in use"):
        database.read(WHOLE_BOOK, nested)
    database.close()


def test_a_role_and_its_branches_end_with_the_transaction(database: Database) -> None:
    def who(connection: Connection) -> tuple[str, str]:
        query = "SELECT current_user, current_setting('lending.branches', true)"
        row = connection.execute(text(query)).one()
        return row[0], row[1]

    officer = RowAccess(role="lending_branch", branches=(1, 2))
    assert database.read(officer, who) == ("lending_branch", "1,2")
    assert database.read(WHOLE_BOOK, who) == ("lending_book", "")
    with database.engine.connect() as connection:
        assert connection.execute(text("SELECT current_user")).scalar_one() == "postgres"


def test_the_pool_is_measured(book: BookClient) -> None:
    book.ok("GET", "/health")
    metrics = book("GET", "/metrics").text
    assert 'surety_database_connections{state="limit"} 5.0' in metrics
    assert 'surety_database_connections{state="in_use"} 0.0' in metrics
