"""Cells: what is folded, rebuilt or posted meanwhile is counted once."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing as closed
from datetime import date
from functools import partial

import pytest
from sqlalchemy import Connection, text

from functions.lending.checking import check_book
from functions.lending.closing import DailyClose
from functions.lending.storage import cells
from functions.lending.storage import database as database_module
from functions.lending.storage.database import WHOLE_BOOK, Database
from tests.functions.lending.test_checking import book, change, lent, read_rows, run
from tests.support.lending import NOW, BookClient
from tests.support.running import REPOSITORY

MIGRATIONS = REPOSITORY / "functions/lending/storage/migrations/versions"
PATHS = (
    *("summary", "npa-analysis", "repayment-stats", "collateral-analysis"),
    "loan-distribution",
)
WAITING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'"""
CLOSED = date(2026, 2, 4)
__all__ = ["book", "lent"]


@pytest.fixture
def database(book: BookClient) -> Iterator[Database]:
    with closed(Database(book.url, 1)) as database:
        yield database


def test_a_recount_replaces_the_cells_and_says_what_was_wrong(
    book: BookClient, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = book.ok("GET", "/api/portfolio/summary")
    change(book, "DELETE FROM loan_cells", "UPDATE application_cells SET number = 7")
    assert book.ok("GET", "/api/portfolio/summary") != summary
    code, printed = run(capsys, "recount")
    assert code == 0
    assert {line.split()[0] for line in printed["replaced"]} == {"loan_cells", "application_cells"}
    assert book.ok("GET", "/api/portfolio/summary") == summary
    assert run(capsys, "check")[0] == 0
    assert run(capsys, "recount") == (0, {"replaced": []})


def test_folding_changes_no_figure_and_leaves_one_row_a_cell(
    book: BookClient, database: Database
) -> None:
    before = [book.ok("GET", f"/api/portfolio/{path}") for path in PATHS]
    [appended] = read_rows(book, "SELECT count(*) FROM loan_cells")
    DailyClose(database=database, now=lambda: NOW).close_through(date(2026, 2, 5))
    [folded] = read_rows(book, "SELECT count(*) FROM loan_cells")
    assert appended > folded == (2,)  # one loan is granted, one active
    assert read_rows(book, "SELECT due_on FROM due_cells ORDER BY 1 LIMIT 2") == [
        (date(2026, 2, 5),),
        (date(2026, 3, 5),),
    ]
    book.move_to(date(2026, 2, 5))
    assert [book.ok("GET", f"/api/portfolio/{path}") for path in PATHS] == before
    assert check_book(database).differences == []


def test_what_is_posted_during_a_fold_is_counted_once(book: BookClient, database: Database) -> None:
    """Between the fold's snapshot and its commit another loan is granted, and it rolls back too."""
    book.disburse()
    with database.engine.connect() as connection:
        cells.fold(connection, date(2026, 1, 4))
        book.disburse()
        connection.commit()
    assert check_book(database).differences == []
    with database.engine.connect() as connection:
        cells.fold(connection, date(2026, 1, 4))
        book.disburse()
        connection.rollback()
    assert check_book(database).differences == []
    assert book.ok("GET", "/api/portfolio/summary")["loan_statistics"]["total_loans"] == 5


def replace_cells(book: BookClient, how: Callable[[Connection, date], None]) -> None:
    """Fold or recount as a process of its own does."""
    with closed(Database(book.url, 1)) as other:
        other.write(WHOLE_BOOK, lambda connection: how(connection, CLOSED), is_repeatable=True)


def wait_until_it_waits(book: BookClient, running: Future[None]) -> None:
    while not running.done() and read_rows(book, WAITING) == [(0,)]:
        time.sleep(0.01)


@pytest.mark.parametrize("lock_timeout", ["2s", "1ms"])
@pytest.mark.parametrize("first", [cells.fold, cells.rebuild])
def test_a_recount_waits_until_a_fold_or_another_recount_has_ended(
    first: Callable[[Connection, date], None],
    lock_timeout: str,
    book: BookClient,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Otherwise it would not see the rows that the other one puts in the place of the old ones."""
    monkeypatch.setattr(database_module, "LOCK_TIMEOUT", lock_timeout)
    summary = book.ok("GET", "/api/portfolio/summary")
    with ThreadPoolExecutor(1) as threads:
        with database.engine.begin() as connection:
            first(connection, CLOSED)
            recount = threads.submit(partial(replace_cells, book, cells.rebuild))
            wait_until_it_waits(book, recount)
            assert not recount.done()
        recount.result()
    assert book.ok("GET", "/api/portfolio/summary") == summary
    assert check_book(database).differences == []


def test_a_fold_leaves_the_cells_to_a_recount_that_is_running(
    book: BookClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that no close fails because a recount of the whole book takes its time."""
    monkeypatch.setattr(database_module, "LOCK_TIMEOUT", "1ms")
    with database.engine.begin() as connection:
        cells.rebuild(connection, CLOSED)
        replace_cells(book, cells.fold)
    assert check_book(database).differences == []
    assert read_rows(book, "SELECT count(*) FROM loan_cells") == [(2,)]


def test_a_book_from_before_the_cells_is_counted_as_it_stands(
    book: BookClient, lent: tuple[str, str], database: Database
) -> None:
    paid = book.ok("POST", f"/v1/loans/{lent[1]}:repay", {"amount": "5"})["reference"]
    undone = {"reference": paid, "reason": "Wrong"}
    book.ok("POST", f"/v1/loans/{lent[1]}:reverse", undone)
    figures = [book.ok("GET", f"/api/portfolio/{path}") for path in PATHS]
    with database.engine.begin() as connection:
        for name in (
            *("0006_down.sql", "0005_down.sql", "0004_down.sql", "0002_down.sql"),
            *("0002_portfolio_cells.sql", "0004_portfolio_analytics.sql"),
            *("0005_risk_reports.sql", "0006_alerts.sql"),
        ):
            connection.execute(text((MIGRATIONS / name).read_text()))
    assert [book.ok("GET", f"/api/portfolio/{path}") for path in PATHS] == figures
    assert check_book(database).differences == []
    book.disburse()
    assert check_book(database).differences == []
