"""Days on the command line: a date, or `today` or `yesterday` in UTC, which a schedule names."""

import argparse
from datetime import UTC, date, datetime, timedelta

DAYS_AGO = {"today": 0, "yesterday": 1}


def parse_day(text: str) -> date:
    """Read the day of an argument, as the clock stands."""
    return day_from_text(text, datetime.now(UTC).date())


def day_from_text(text: str, today: date) -> date:
    """Return the day that a text names.

    Raises
    ------
    argparse.ArgumentTypeError
        If it is neither a date nor one of the two words.
    """
    if text in DAYS_AGO:
        return today - timedelta(days=DAYS_AGO[text])
    try:
        return date.fromisoformat(text)
    except ValueError:
        message = f"{text!r} is not a day; write it as 2026-11-30, or today or yesterday (in UTC)"
        raise argparse.ArgumentTypeError(message) from None
