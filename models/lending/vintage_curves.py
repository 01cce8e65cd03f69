"""Vintage curves: the share of a month's new loans that was ever 90 days late, by age."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from models.lending.dates import MONTHS_A_YEAR
from models.lending.money import ARITHMETIC, ZERO, exact
from models.lending.provision_rules import HUNDRED

FOUR_PLACES = Decimal("0.0001")


@dataclass(frozen=True, slots=True, kw_only=True)
class VintageLoan:
    """A loan of a cohort, closed since or not; the month-end at which it was first that late."""

    disbursed_on: date
    amount: Decimal
    first_late_on: date | None


@dataclass(frozen=True, slots=True)
class VintagePoint:
    """Per cent of a cohort that was ever late, by loans and by amount disbursed."""

    count_percent: Decimal
    amount_percent: Decimal


@exact
def vintage_curve(loans: Collection[VintageLoan], data_until: date) -> Mapping[int, VintagePoint]:
    """Return the curve of loans of one month by months on book, none that it has not reached.

    The denominator are all loans of the cohort, also those closed since.
    """
    [start] = {(loan.disbursed_on.year, loan.disbursed_on.month) for loan in loans}
    cohort = date(*start, 1)
    total = sum((loan.amount for loan in loans), ZERO)
    curve = {}
    for age in range(months_on_book(cohort, data_until) + 1):
        late = [
            loan
            for loan in loans
            if loan.first_late_on and months_on_book(cohort, loan.first_late_on) <= age
        ]
        amount = sum((loan.amount for loan in late), ZERO)
        curve[age] = VintagePoint(
            _percent(Decimal(len(late)), Decimal(len(loans))), _percent(amount, total)
        )
    return curve


def months_on_book(disbursed_on: date, day: date) -> int:
    """Count calendar months from the month of disbursement to that of a day."""
    years, months = day.year - disbursed_on.year, day.month - disbursed_on.month
    return MONTHS_A_YEAR * years + months


def _percent(part: Decimal, total: Decimal) -> Decimal:
    share = HUNDRED * part / total
    return share.quantize(FOUR_PLACES, rounding=ROUND_HALF_UP, context=ARITHMETIC)
