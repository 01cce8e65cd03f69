"""Days past due: the age of the oldest unpaid due date, as the close of a day counts it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from models.lending.dates import days_between


def days_past_due(oldest_unpaid_due: date | None, as_of: date) -> int:
    """Count days past due at the end of day `as_of`, both days included.

    A payment due on 31 March and unpaid at the end of that day is 1 day past due. 0 when nothing
    that is due is unpaid. Source: RBI/2021-22/125 of 12 November 2021.
    """
    if oldest_unpaid_due is None or oldest_unpaid_due > as_of:
        return 0
    return days_between(oldest_unpaid_due, as_of) + 1


@dataclass(frozen=True, slots=True)
class ArrearsChange:
    """From the end of `day`, the oldest unpaid due date is this one; None without arrears.

    `oldest_charge` is the same for fees and penal charges, which age on their own.
    """

    day: date
    oldest_due: date | None
    oldest_charge: date | None = None

    def equals(self, other: "ArrearsChange") -> bool:
        """Whether the arrears are the same, whatever the day."""
        return (self.oldest_due, self.oldest_charge) == (other.oldest_due, other.oldest_charge)


ArrearsHistory = tuple[ArrearsChange, ...]


def arrears_at(history: Sequence[ArrearsChange], as_of: date) -> ArrearsChange:
    """Return the arrears at the end of a day."""
    past = [change for change in history if change.day <= as_of]
    return past[-1] if past else ArrearsChange(as_of, None)
