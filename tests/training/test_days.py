"""Days on the command line."""

import argparse
from datetime import UTC, date, datetime, timedelta

import pytest

from training.days import day_from_text, parse_day

TODAY = date(2027, 1, 1)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-11-28", date(2026, 11, 28)),
        ("today", date(2027, 1, 1)),
        ("yesterday", date(2026, 12, 31)),
    ],
)
def test_a_day_is_a_date_or_one_of_two_words(text: str, day: date) -> None:
    assert day_from_text(text, TODAY) == day


@pytest.mark.parametrize("text", ["28.11.2026", "tomorrow", ""])
def test_anything_else_is_refused_with_the_form(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="write it as 2026-11-30, or today"):
        day_from_text(text, TODAY)


def test_yesterday_is_that_of_utc() -> None:
    before = datetime.now(UTC).date()
    day = parse_day("yesterday")
    after = datetime.now(UTC).date()
    assert day + timedelta(days=1) in {before, after}
