"""Month ends: recorded once, restated by revisions, and the same when made again from facts."""

from contextlib import closing as closed
from datetime import date
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from functions.lending import cli
from functions.lending.analytics.month_ends import MonthEnds
from functions.lending.closing import DailyClose
from functions.lending.errors import TransitionError
from functions.lending.storage.database import Database
from tests.support.lending import NOW, BookClient, fresh_database
from tests.support.lending_year import INSTALMENT, JANUARY, YEAR

FEBRUARY, MARCH = date(2026, 2, 28), date(2026, 3, 31)


def rows(url: str, query: str, **values: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401 -- values of SQL
    engine = create_engine(url)
    with engine.connect() as connection:
        result = [tuple(row) for row in connection.execute(text(query), values)]
    engine.dispose()
    return result


def test_a_month_is_recorded_once_for_every_loan_that_was_paid_out(
    year: tuple[str, dict[str, str]],
) -> None:
    url, _ = year
    recorded = rows(url, "SELECT month_end, loans, restated_loans FROM month_ends ORDER BY 1")
    assert [row[:2] for row in recorded] == [(month, 4 if month.month < 7 else 5) for month in YEAR]
    assert (
        {month: n for month, _, n in recorded if n}
        == {
            date(2026, 3, 31): 1,  # undone
            date(2026, 4, 30): 2,  # undone and back_dated
            date(2026, 5, 31): 2,  # whose openings are restated, and back_dated's arrears
            date(2026, 6, 30): 1,
            **dict.fromkeys(YEAR[6:], 1),  # back_dated was 27 days late at worst, as reported
        }
    )


def test_every_month_made_again_from_what_was_posted_by_then_is_the_same(
    year: tuple[str, dict[str, str]],
) -> None:
    url, _ = year
    with closed(Database(url, 1)) as database:
        months = MonthEnds(database=database, now=lambda: NOW)
        for month in YEAR:
            remade = months.remake(month)
            assert (remade.different, remade.differences) == (0, []), month
            assert remade.loans == (4 if month.month < 7 else 5)


def test_a_back_dated_payment_restates_the_months_that_it_counts_in(
    year: tuple[str, dict[str, str]],
) -> None:
    """As reported, April's instalment was 26 days late at the end of April. It was not late."""
    url, loans = year
    query = """
        SELECT month_end, revision, days_past_due, bucket FROM portfolio_v1.loan_months
        WHERE loan_id = CAST(:loan AS uuid) AND month_end BETWEEN '2026-03-31' AND '2026-06-30'
        ORDER BY 1, 2"""
    assert rows(url, query, loan=loans["back_dated"].removeprefix("loan_")) == [
        (date(2026, 3, 31), 0, 0, "current"),
        (date(2026, 4, 30), 0, 26, "1-30"),
        (date(2026, 4, 30), 1, 0, "current"),
        (date(2026, 5, 31), 0, 27, "1-30"),  # May's payment went to April's instalment
        (date(2026, 5, 31), 1, 0, "current"),
        (date(2026, 6, 30), 0, 0, "current"),
        (date(2026, 6, 30), 1, 0, "current"),  # its opening is restated
    ]


def test_a_payment_that_is_taken_back_restates_the_months_since_it_counted(
    year: tuple[str, dict[str, str]],
) -> None:
    url, loans = year
    query = """
        SELECT month_end, revision, days_past_due FROM portfolio_v1.loan_months
        WHERE loan_id = CAST(:loan AS uuid) AND month_end BETWEEN '2026-03-31' AND '2026-05-31'
        ORDER BY 1, 2"""
    assert rows(url, query, loan=loans["undone"].removeprefix("loan_")) == [
        (date(2026, 3, 31), 0, 0),
        (date(2026, 3, 31), 1, 27),
        (date(2026, 4, 30), 0, 0),
        (date(2026, 4, 30), 1, 26),  # April's payment went to March's instalment
        (date(2026, 5, 31), 0, 27),
        (date(2026, 5, 31), 1, 27),  # its opening is restated
    ]


def test_a_snapshot_from_a_changed_database_is_told_by_its_facts(
    year: tuple[str, dict[str, str]],
    postgres: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with fresh_database(postgres, make_url(year[0]).database) as url:
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            change = "UPDATE loan_months SET outstanding = 1 WHERE month_end = '2026-08-31'"
            connection.execute(text(f"{change} AND days_past_due > 0"))
        engine.dispose()
        monkeypatch.setenv("DATABASE_URL", url)
        assert cli.main(["snapshot", "--month", "2026-08", "--check"]) == 1
        assert (
            "outstanding was reported as 1.00, its facts say 120000.00" in capsys.readouterr().out
        )
        assert cli.main(["snapshot", "--month", "2026-07", "--check"]) == 0
        assert cli.main(["snapshot", "--month", "2026-07"]) == 0
        assert '{"recorded": {}}' in capsys.readouterr().out
        assert cli.main(["snapshot", "--month", "2027-01"]) == 2
        assert "close the month first" in capsys.readouterr().err


def test_a_recorded_row_is_never_changed(year: tuple[str, dict[str, str]]) -> None:
    engine = create_engine(year[0])
    with engine.connect() as connection, pytest.raises(DBAPIError, match="only appended"):
        connection.execute(text("UPDATE loan_months SET outstanding = 1"))
    engine.dispose()


def test_months_are_recorded_in_their_order_and_missing_ones_are_made_up_for(
    book: BookClient,
) -> None:
    """Recorded in April, January to March are what they were at their ends."""
    loan = book.disburse()
    book.move_to(date(2026, 4, 10))
    body = {"amount": INSTALMENT, "value_date": "2026-04-10"}
    book.ok("POST", f"/v1/loans/{loan}:repay", body)
    with closed(Database(book.url, 1)) as database:
        months = MonthEnds(database=database, now=lambda: NOW)
        assert months.record_through(JANUARY) == {JANUARY: 1}
        assert months.record_through(MARCH) == {FEBRUARY: 1, MARCH: 1}
        assert months.record_through(MARCH) == {}
        with pytest.raises(TransitionError, match="before 2026-01-31, the first month end"):
            months.record_through(date(2025, 12, 31))
        with pytest.raises(TransitionError, match="2025-12-31 was not recorded"):
            months.remake(date(2025, 12, 31))
    query = "SELECT days_past_due, bucket, previous_bucket FROM loan_months ORDER BY month_end"
    # Nothing was posted by the ends of these months: the payment of April came later.
    assert rows(book.url, query) == [
        (0, "current", None),
        (24, "1-30", "current"),
        (55, "31-60", "1-30"),
    ]


def test_a_recording_that_broke_off_is_made_up_for_by_the_next_close(
    book: BookClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off(*_: object) -> int:
        raise InterruptedError

    book.disburse()
    with closed(Database(book.url, 1)) as database:
        closing = DailyClose(database=database, now=lambda: NOW)
        book.move_to(JANUARY)
        assert closing.close_through(JANUARY)[0].month_end_loans == 1
        book.move_to(FEBRUARY)
        with monkeypatch.context() as patched:
            patched.setattr(MonthEnds, "_record", break_off)
            with pytest.raises(InterruptedError):
                closing.close_through(FEBRUARY)
        [day] = closing.close_through(date(2026, 3, 1))
        assert (day.business_date, day.month_end_loans) == (date(2026, 3, 1), 1)
        assert MonthEnds(database=database, now=lambda: NOW).remake(FEBRUARY).different == 0
