from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.lending.dates import (
    DueDates,
    add_months,
    date_in_month,
    days_between,
    first_due_date,
    require_date,
)
from models.lending.errors import AmountError, TermsError
from tests.support.loan_book import golden


@pytest.mark.parametrize("case", golden()["due_dates"], ids=lambda case: case["dates"][0])
def test_due_dates_of_worked_examples(case: dict[str, Any]) -> None:
    dates = [date.fromisoformat(day) for day in case["dates"]]
    due_dates = DueDates(dates[0], case["due_day"])
    assert [due_dates.due_on(number) for number in range(1, len(dates) + 1)] == dates


@pytest.mark.soak
@given(st.dates(date(1950, 1, 1), date(2150, 1, 1)), st.integers(1, 31), st.integers(1, 600))
def test_a_due_date_never_drifts_from_its_day(start: date, due_day: int, number: int) -> None:
    first = date_in_month(start.year, start.month, due_day)
    due_on = DueDates(first, due_day).due_on(number)
    months = (due_on.year - first.year) * 12 + due_on.month - first.month
    assert months == number - 1
    assert due_on.day == due_day or (due_on.day < due_day and is_month_end(due_on))


def is_month_end(day: date) -> bool:
    return date.fromordinal(day.toordinal() + 1).month != day.month


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ("2028-02-29", 12, "2029-02-28"),
        ("2028-02-29", 48, "2032-02-29"),
        ("2026-01-31", 1, "2026-02-28"),
        ("2026-01-31", 2, "2026-03-31"),
        ("2026-03-31", -1, "2026-02-28"),
        ("2026-01-15", -1, "2025-12-15"),
    ],
)
def test_months_are_counted_from_the_start(start: str, months: int, end: str) -> None:
    assert add_months(date.fromisoformat(start), months) == date.fromisoformat(end)


def test_interest_runs_for_the_nights_between_two_dates() -> None:
    assert days_between(date(2026, 4, 5), date(2026, 4, 17)) == 12
    assert days_between(date(2028, 2, 28), date(2028, 3, 1)) == 2


@pytest.mark.parametrize(
    ("due_day", "fewest_days", "first"),
    [
        (5, 0, date(2026, 2, 5)),
        (21, 0, date(2026, 1, 21)),
        (20, 0, date(2026, 2, 20)),
        (21, 15, date(2026, 2, 21)),
        (31, 0, date(2026, 1, 31)),
        (31, 15, date(2026, 2, 28)),
    ],
)
def test_the_first_due_date_leaves_enough_days(due_day: int, fewest_days: int, first: date) -> None:
    assert first_due_date(date(2026, 1, 20), due_day, fewest_days) == first


def test_the_days_before_a_first_due_date_are_bounded() -> None:
    with pytest.raises(AmountError, match="fewest_days must be a whole number from 0 to 365"):
        first_due_date(date(2026, 1, 20), 5, 366)


def test_a_first_due_date_that_is_not_on_the_due_day_is_refused() -> None:
    assert DueDates(date(2026, 2, 28), 31).due_on(2) == date(2026, 3, 31)
    message = "first_due_on must stand on the due day 31 or on its month's last, not on 2026-02-27"
    with pytest.raises(TermsError, match=message):
        DueDates(date(2026, 2, 27), 31)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (datetime(2026, 1, 5, tzinfo=UTC), "due must be a date without a time, got datetime"),
        ("2026-01-05", "due must be a date without a time, got str"),
        (date(1899, 12, 31), "due must lie in 1900 to 2200, got 1899-12-31"),
    ],
)
def test_a_date_has_no_time_and_no_zone(value: object, message: str) -> None:
    assert require_date("due", date(2026, 1, 5)) == date(2026, 1, 5)
    with pytest.raises(AmountError, match=message):
        require_date("due", value)  # type: ignore[arg-type]  # what a caller might pass
