"""The only date arithmetic of the loan book: months that never drift, and days between dates.

Every date is a calendar date without a time or a zone. "Today" is always an argument.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date

from models.lending.errors import AmountError, TermsError
from models.lending.money import require_count

FIRST_YEAR, LAST_YEAR = 1900, 2200
MONTHS_A_YEAR = 12
DAYS_A_YEAR = 365  # actual/365, leap years too
LAST_DAY = 31
SHORTEST_MONTH = 28


def require_date(field: str, value: date) -> date:
    """Return a calendar date of 1900 to 2200. A datetime is refused: its zone would decide."""
    if type(value) is not date:
        rule = f"must be a date without a time, got {type(value).__name__}"
        raise AmountError(field=field, rule=rule)
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise AmountError(field=field, rule=f"must lie in {FIRST_YEAR} to {LAST_YEAR}, got {value}")
    return value


def date_in_month(year: int, month: int, day: int) -> date:
    """Return this day of a month, or the month's last day where it has fewer."""
    if day <= SHORTEST_MONTH:
        return date(year, month, day)
    return date(year, month, min(day, monthrange(year, month)[1]))


def add_months(start: date, months: int, day: int | None = None) -> date:
    """Move a date by whole months, always counted from `start`: 31 January, 28 February, 31 March.

    `day` is the day to aim at in the target month; without it, the day of `start`.
    The anniversary of 29 February is 28 February.
    """
    year, month = divmod(start.year * MONTHS_A_YEAR + start.month - 1 + months, MONTHS_A_YEAR)
    return date_in_month(year, month + 1, day or start.day)


def days_between(start: date, end: date) -> int:
    """Count the nights from `start` to `end`: the days for which interest runs."""
    return (end - start).days


@dataclass(frozen=True, slots=True)
class DueDates:
    """The due dates of a loan: one a month, on `due_day` or on the last day of a shorter month."""

    first: date
    due_day: int

    def __post_init__(self) -> None:
        """Refuse a first date that does not stand on the due day."""
        require_date("first_due_on", self.first)
        require_count("due_day", self.due_day, 1, LAST_DAY)
        if self.first != date_in_month(self.first.year, self.first.month, self.due_day):
            rule = f"must stand on the due day {self.due_day} or on its month's last, not on "
            raise TermsError(field="first_due_on", rule=f"{rule}{self.first}")

    def due_on(self, number: int) -> date:
        """Return the due date of an instalment. Number 0 is where its first month begins."""
        return add_months(self.first, number - 1, self.due_day)


def first_due_date(disbursed_on: date, due_day: int, fewest_days: int = 0) -> date:
    """Return the first due date after a disbursement, at least `fewest_days` later."""
    require_date("disbursed_on", disbursed_on)
    require_count("due_day", due_day, 1, LAST_DAY)
    require_count("fewest_days", fewest_days, 0, DAYS_A_YEAR)
    months = 0
    while days_between(disbursed_on, add_months(disbursed_on, months, due_day)) < max(
        1, fewest_days
    ):
        months += 1
    return add_months(disbursed_on, months, due_day)
