"""Prepayments: what a payment ahead of time repays, and the schedule that follows.

The prepaid part carries its own interest, from the last due date to the day of the payment; the
rest of the balance pays its month's interest as agreed. Two prepayments on one day therefore never
overlap, and a foreclosure is the prepayment of everything.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from models.lending.broken_periods import broken_interest
from models.lending.errors import PostingError, TermsError
from models.lending.money import CENT, TO_THE_CENT, ZERO, Rounding, exact
from models.lending.schedule import (
    Remainder,
    Schedule,
    schedule_at_payment,
    schedule_over_tenure,
)
from models.lending.terms import LoanTerms

PrepaymentOption = Literal["reduce_instalment", "reduce_tenure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepayable:
    """A balance that is not due yet, on one day: what prepaying it costs."""

    balance: Decimal
    annual_rate_percent: Decimal
    days: int  # since the last due date, or since the disbursement
    charge_percent: Decimal = ZERO
    interest_rounding: Rounding = TO_THE_CENT


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepaymentParts:
    """What a prepayment consists of."""

    principal: Decimal
    interest: Decimal
    charge: Decimal

    @property
    @exact
    def total(self) -> Decimal:
        """What the borrower pays."""
        return self.principal + self.interest + self.charge


@exact
def parts_from_principal(principal: Decimal, prepayable: Prepayable) -> PrepaymentParts:
    """Return what it costs to prepay this much of the principal."""
    return PrepaymentParts(
        principal=principal,
        interest=broken_interest(
            principal,
            prepayable.annual_rate_percent,
            prepayable.days,
            prepayable.interest_rounding,
        ),
        charge=TO_THE_CENT.apply(principal * prepayable.charge_percent / 100),
    )


@exact
def parts_from_amount(amount: Decimal, prepayable: Prepayable) -> PrepaymentParts:
    """Return the largest prepayment that an amount pays for.

    What is left over is less than the next cent of principal costs.
    """
    everything = parts_from_principal(prepayable.balance, prepayable)
    if everything.total <= amount:
        return everything
    lowest, highest = 0, int(min(amount, prepayable.balance) / CENT)
    while lowest < highest:  # cents: the total never falls when the principal rises
        middle = (lowest + highest + 1) // 2
        if parts_from_principal(middle * CENT, prepayable).total <= amount:
            lowest = middle
        else:
            highest = middle - 1
    return parts_from_principal(lowest * CENT, prepayable)


def schedule_after_prepayment(
    remainder: Remainder, terms: LoanTerms, instalment: Decimal, option: PrepaymentOption
) -> Schedule:
    """Return the schedule of what a prepayment leaves.

    `reduce_instalment` keeps the last due date, `reduce_tenure` keeps `instalment`.
    """
    if not remainder.balance:
        return Schedule(ZERO, ())
    if option == "reduce_instalment":
        return _over_tenure(remainder, terms)
    return schedule_at_payment(remainder, terms, instalment)


def _over_tenure(remainder: Remainder, terms: LoanTerms) -> Schedule:
    try:
        return schedule_over_tenure(remainder, terms)
    except TermsError as error:
        rule = f"must be reduce_tenure for what would remain, {remainder.balance}: {error}"
        raise PostingError(field="option", rule=rule) from error
