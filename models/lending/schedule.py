"""Equal instalments (EMI) and amortisation schedules.

A broken first period changes the interest of the first instalment and nothing else: the principal
of every instalment is that of a loan with whole months.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from models.lending.broken_periods import first_interest, month_interest
from models.lending.dates import MONTHS_A_YEAR
from models.lending.errors import TermsError
from models.lending.money import ZERO, exact, require_count, require_positive, require_rate
from models.lending.terms import LONGEST_MONTHS, LoanTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledInstalment:
    """One row of a schedule."""

    number: int
    due_on: date
    opening: Decimal
    interest: Decimal
    principal: Decimal

    @property
    @exact
    def payment(self) -> Decimal:
        """What falls due."""
        return self.interest + self.principal

    @property
    @exact
    def closing(self) -> Decimal:
        """The balance after this instalment."""
        return self.opening - self.principal


@dataclass(frozen=True, slots=True)
class Schedule:
    """Instalments that repay a balance. `equal_instalment` is what all but the last share."""

    equal_instalment: Decimal
    instalments: tuple[ScheduledInstalment, ...]

    @property
    @exact
    def total_interest(self) -> Decimal:
        """All interest of the schedule."""
        return sum((row.interest for row in self.instalments), ZERO)

    @property
    @exact
    def total_payment(self) -> Decimal:
        """All payments of the schedule."""
        return sum((row.payment for row in self.instalments), ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remainder:
    """A balance that is not due yet, and the number of the first instalment that repays it."""

    balance: Decimal
    disbursed_on: date
    first_number: int = 1


@exact
def exact_instalment(principal: Decimal, annual_rate_percent: Decimal, months: int) -> Decimal:
    """Return the unrounded equal instalment of an annuity.

    `P r (1 + r)^n / ((1 + r)^n - 1)` with `r = rate / 1200`; `P / n` at a rate of 0.
    """
    principal = require_positive("principal", principal)
    require_rate("annual_rate_percent", annual_rate_percent)
    require_count("months", months, 1, LONGEST_MONTHS)
    monthly_rate = annual_rate_percent / (100 * MONTHS_A_YEAR)
    if not monthly_rate:
        return principal / months
    growth = (1 + monthly_rate) ** months
    return principal * monthly_rate * growth / (growth - 1)


def amortise(principal: Decimal, terms: LoanTerms, disbursed_on: date) -> Schedule:
    """Return the schedule of a new loan."""
    balance = require_positive("principal", principal)
    return schedule_over_tenure(Remainder(balance=balance, disbursed_on=disbursed_on), terms)


def equal_instalment(principal: Decimal, terms: LoanTerms, months: int | None = None) -> Decimal:
    """Return the equal instalment, rounded as the product rounds it.

    Raises
    ------
    TermsError
        If it rounds to 0: nobody could ever pay such a loan back.
    """
    months = terms.months if months is None else months
    unrounded = exact_instalment(principal, terms.annual_rate_percent, months)
    instalment = terms.product.instalment_rounding.apply(unrounded)
    if not instalment:
        rule = f"over {months} months rounds to 0; lend more, or over fewer months"
        raise TermsError(field="equal instalment", rule=rule)
    return instalment


@exact
def schedule_over_tenure(remainder: Remainder, terms: LoanTerms) -> Schedule:
    """Repay what remains by the last agreed due date; the instalment follows.

    Raises
    ------
    TermsError
        If rounding makes the instalment 0, no more than the interest, or so large that the loan
        would end early: the agreed number of instalments is kept or refused.
    """
    months = terms.months - remainder.first_number + 1
    payment = equal_instalment(remainder.balance, terms, months)
    rows = tuple(_rows(remainder, terms, payment))
    if len(rows) < months:
        rule = f"of {payment} would end the loan after {len(rows)} of {months} months; "
        raise TermsError(
            field="equal instalment", rule=f"{rule}lend more, or round to a smaller unit"
        )
    return Schedule(payment, rows)


@exact
def schedule_at_payment(remainder: Remainder, terms: LoanTerms, payment: Decimal) -> Schedule:
    """Repay what remains with this instalment; the number of instalments follows."""
    payment = require_positive("payment", payment)
    return Schedule(payment, tuple(_rows(remainder, terms, payment)))


def _rows(
    remainder: Remainder, terms: LoanTerms, payment: Decimal
) -> Iterator[ScheduledInstalment]:
    """Yield instalments until the balance, or the agreed number of them, is used up."""
    balance, dates = remainder.balance, terms.due_dates
    for number in range(remainder.first_number, terms.months + 1):
        interest = month_interest(
            balance, terms.annual_rate_percent, terms.product.interest_rounding
        )
        is_last = number == terms.months or payment - interest >= balance
        principal = balance if is_last else payment - interest
        if principal <= 0:
            rule = f"of {payment} does not exceed the month's interest of {interest}; "
            raise TermsError(
                field="equal instalment", rule=f"{rule}lend more, or over fewer months"
            )
        if number == 1:
            interest = first_interest(balance, terms, remainder.disbursed_on)
        yield ScheduledInstalment(
            number=number,
            due_on=dates.due_on(number),
            opening=balance,
            interest=interest,
            principal=principal,
        )
        balance -= principal
        if is_last:
            return
