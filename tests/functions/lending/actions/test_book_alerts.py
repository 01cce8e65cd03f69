"""Alerts of the book: limits compared by the close, shown by a route, counted since when."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from functions.lending import cli
from functions.lending.actions.book_alerts import (
    FEWEST_APPLICATIONS,
    debt_to_income_change,
    read_lines,
)
from functions.lending.closing import DailyClose
from functions.lending.storage.database import Database, RowAccess
from functions.lending.storage.transaction import Job
from tests.support.lending import NOW, BookClient


@pytest.fixture
def database(book: BookClient) -> Iterator[Database]:
    database = Database(book.url, 1)
    yield database
    database.close()


def close_through(database: Database, day: date) -> None:
    DailyClose(database=database, now=lambda: NOW).close_through(day)


def alerts(book: BookClient) -> dict[str, dict[str, Any]]:
    reply = book.ok("GET", "/api/portfolio/alerts")
    by_name = {alert["name"]: alert for alert in reply["alerts"]}
    assert reply["firing"] == sum(alert["firing"] for alert in by_name.values())
    return by_name


def test_the_earlier_systems_limits_are_shipped() -> None:
    lines = {line.name: (line.comparison, line.threshold, line.severity) for line in read_lines()}
    assert lines == {
        "npa-ratio": ("above", 3, "warning"),
        "npa-ratio-critical": ("above", 5, "critical"),
        "book-default-rate": ("above", 10, "critical"),
        "on-time-payments": ("below", 80, "warning"),
        "book-debt-to-income-shift": ("above", 10, "warning"),
    }


@pytest.mark.parametrize(
    ("name", "at", "beyond"),
    [("npa-ratio", 3, 3.01), ("npa-ratio-critical", 5, 5.01), ("on-time-payments", 80, 79.99)],
)
def test_an_alert_fires_beyond_its_border_and_not_at_it(
    name: str, at: float, beyond: float
) -> None:
    [line] = [line for line in read_lines() if line.name == name]
    assert not line.is_beyond(at)
    assert line.is_beyond(beyond)
    assert not line.is_beyond(None)


def test_before_the_first_close_nothing_was_compared(book: BookClient) -> None:
    reply = book.ok("GET", "/api/portfolio/alerts")
    assert reply == {"business_date": None, "firing": 0, "alerts": []}


def test_an_instalment_that_is_not_met_on_its_day_fires_at_that_days_close(
    book: BookClient, database: Database
) -> None:
    """Due on 5 February: nothing fell due before."""
    book.disburse()
    close_through(database, date(2026, 2, 4))
    assert alerts(book)["on-time-payments"]["value"] is None
    close_through(database, date(2026, 2, 5))
    late = alerts(book)["on-time-payments"]
    assert (late["value"], late["firing"], late["firing_since"]) == (0, True, "2026-02-05")
    assert late["text"] == "Fewer than 80 % of the instalments were met in time."


def test_an_alert_fires_from_the_close_that_found_it_until_one_that_does_not(
    book: BookClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ratios = iter([3.0, 3.5, 6.0, 2.0, 4.0])
    figures = "functions.lending.actions.book_alerts.list_figures"
    monkeypatch.setattr(figures, lambda _transaction: {"npa_ratio_percent": next(ratios)})
    since: dict[str, list[str | None]] = {"npa-ratio": [], "npa-ratio-critical": []}
    for day in range(5, 10):
        close_through(database, date(2026, 1, day))
        by_name = alerts(book)
        for name, days in since.items():
            days.append(by_name[name]["firing_since"])
    assert since == {
        "npa-ratio": [None, "2026-01-06", "2026-01-06", None, "2026-01-09"],
        "npa-ratio-critical": [None, None, "2026-01-07", None, None],
    }
    assert book.ok("GET", "/api/portfolio/alerts")["business_date"] == "2026-01-09"


def test_a_day_is_compared_once_and_what_was_compared_stays(
    database: Database,
) -> None:
    close_through(database, date(2026, 1, 6))
    close_through(database, date(2026, 1, 6))
    with database.engine.connect() as connection:
        days = connection.execute(text("SELECT count(*) FROM book_alerts")).scalar_one()
        assert days == 2 * len(read_lines())
        for statement in ("UPDATE book_alerts SET value = 0", "DELETE FROM book_checks"):
            with pytest.raises(DBAPIError, match="only appended"):
                connection.execute(text(statement))
            connection.rollback()


def apply_with_ratio(database: Database, day: date, ratio: float, number: int) -> None:
    """Add decided applications of one day, whose instalment is so many per cent of the income."""
    decided = """
        WITH applied AS (
            INSERT INTO applications (id, customer_id, branch_id, product_id, amount, months,
                annual_rate, purpose, status, requested_by, fingerprint, version, business_date,
                created_at)
            SELECT gen_random_uuid(), 1, 1, 1, 1000, 12, 12, 'Education', 'rejected', 'test', '', 1,
                :day, now() FROM generate_series(1, :number) RETURNING id
        )
        INSERT INTO decisions (id, application_id, customer_id, branch_id, decided_by,
            is_automated, outcome, factors, created_at)
        SELECT gen_random_uuid(), id, 1, 1, 'test', true, 'rejected',
            jsonb_build_object('debt_to_income_ratio', cast(:ratio AS float)), now() FROM applied"""
    with database.engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))  # no customer
        connection.execute(text(decided), {"day": day, "number": number, "ratio": ratio})


def change(database: Database) -> float | None:
    return Job(database=database, principal="test", now=lambda: NOW).run(debt_to_income_change)


@pytest.mark.parametrize(("ratio", "moved"), [(44, 10), (44.4, 11), (36, 10), (40, 0)])
def test_the_mean_debt_to_income_ratio_of_a_month_is_held_against_three_months_before(
    database: Database, ratio: float, moved: float
) -> None:
    today = date(2026, 1, 5)
    apply_with_ratio(database, today, ratio, FEWEST_APPLICATIONS)
    apply_with_ratio(database, today - timedelta(days=30), 40, FEWEST_APPLICATIONS - 1)
    assert change(database) is None  # one too few to tell
    apply_with_ratio(database, today - timedelta(days=119), 40, 1)
    apply_with_ratio(database, today - timedelta(days=120), 900, 50)  # too long ago
    assert change(database) == pytest.approx(moved)


def test_who_sees_some_branches_sees_no_figure_of_all_of_them(database: Database) -> None:
    close_through(database, date(2026, 1, 5))
    reader = RowAccess(role="lending_reader")
    query = text("SELECT count(*) FROM book_alerts")
    assert database.read(reader, lambda c: c.execute(query).scalar_one()) == len(read_lines())
    branch = replace(reader, role="lending_branch", branches=(1,))
    with pytest.raises(Exception, match="may not"):
        database.read(branch, lambda c: c.execute(query).scalar_one())


def test_a_check_is_recorded_with_what_it_found(
    book: BookClient,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    book.disburse()
    close_through(database, date(2026, 1, 5))
    monkeypatch.setenv("DATABASE_URL", book.url)
    assert cli.main(["check"]) == 0
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE loans SET received = 1"))
    assert cli.main(["check"]) == 1
    assert "received is 1" in capsys.readouterr().out
    with database.engine.connect() as connection:
        query = text("SELECT loans, different > 0 AS is_different FROM book_checks ORDER BY id")
        assert [tuple(row) for row in connection.execute(query)] == [(1, False), (1, True)]
