"""Penal charges: what a late payment costs, beside the interest and never part of its base.

Source: RBI/2023-24/53 of 18 August 2023: a penalty is a charge. It is not added to the rate of
interest, it is not capitalised, and no interest is computed on it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from models.lending.dates import DAYS_A_YEAR
from models.lending.money import (
    RATE_PLACES,
    TO_THE_CENT,
    ZERO,
    cents_from_amount,
    exact,
    require_amount,
    require_count,
    require_rate,
)

LONGEST_GRACE_DAYS = 365
CENT_DAYS = 100 * DAYS_A_YEAR * 10**RATE_PLACES  # cents a day that a millionth of a per cent needs


@dataclass(frozen=True, slots=True, kw_only=True)
class PenalPolicy:
    """What a product charges for lateness: a rate on what is overdue, a flat amount, or both.

    The rate runs for each day-end after the grace days. The flat amount is charged once an
    instalment, at the first of these day-ends.
    """

    annual_rate_percent: Decimal = ZERO
    flat_amount: Decimal = ZERO
    grace_days: int = 0

    def __post_init__(self) -> None:
        """Refuse amounts and days out of bounds."""
        require_rate("penal.annual_rate_percent", self.annual_rate_percent)
        require_amount("penal.flat_amount", self.flat_amount)
        require_count("penal.grace_days", self.grace_days, 0, LONGEST_GRACE_DAYS)

    @property
    def is_free(self) -> bool:
        """Whether lateness costs nothing."""
        return not (self.annual_rate_percent or self.flat_amount)


@exact
def penal_charge(policy: PenalPolicy, amount_days: Decimal) -> Decimal:
    """Return the charge of one instalment so far, rounded once.

    `amount_days` is the sum, over the chargeable day-ends, of the interest and principal that were
    unpaid on each of them: `flat + amount_days * rate / 36500`. Because the sum is exact, a close
    that was skipped for five days charges what five closes would have charged.
    """
    if not amount_days:
        return ZERO
    accrued = amount_days * policy.annual_rate_percent / (100 * DAYS_A_YEAR)
    return policy.flat_amount + TO_THE_CENT.apply(accrued)


def charges_in_cents(
    policy: PenalPolicy, amount_days: Decimal, overdue: Decimal, days: Iterable[int]
) -> list[int]:
    """Return the charge of one instalment so far, in cents, after so many day-ends more.

    Each of them adds `overdue`, which is above 0, to `amount_days`, and there is at least one. It
    is `penal_charge` in whole numbers: who is late for a year is charged hundreds of times.
    """
    rate = 2 * int(policy.annual_rate_percent.scaleb(RATE_PLACES))
    flat = cents_from_amount(policy.flat_amount)
    # Rounded half up: a half more, rounded down.
    base = rate * cents_from_amount(amount_days) + CENT_DAYS
    each_day = rate * cents_from_amount(overdue)
    return [flat + (base + each_day * count) // (2 * CENT_DAYS) for count in days]
