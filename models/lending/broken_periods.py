"""Interest of a whole month and of a period that is no whole month.

A month counts as one twelfth of a year, whatever its length. A broken period counts its days, over
365: that before the first regular month, and that before a prepayment.
"""

from datetime import date
from decimal import Decimal

from models.lending.dates import DAYS_A_YEAR, MONTHS_A_YEAR, days_between
from models.lending.errors import PostingError
from models.lending.money import TO_THE_CENT, Rounding, exact
from models.lending.terms import LoanTerms


@exact
def month_interest(
    balance: Decimal, annual_rate_percent: Decimal, rounding: Rounding = TO_THE_CENT
) -> Decimal:
    """Return the interest of one month: `balance * rate / 1200`, rounded once."""
    return rounding.apply(balance * annual_rate_percent / (100 * MONTHS_A_YEAR))


@exact
def broken_interest(
    balance: Decimal,
    annual_rate_percent: Decimal,
    days: int,
    rounding: Rounding = TO_THE_CENT,
) -> Decimal:
    """Return the interest of some days: `balance * rate / 100 * days / 365`, rounded once."""
    return rounding.apply(balance * annual_rate_percent * days / (100 * DAYS_A_YEAR))


@exact
def first_interest(balance: Decimal, terms: LoanTerms, disbursed_on: date) -> Decimal:
    """Return the interest of the first instalment.

    It is a month's interest if the loan was disbursed exactly one month before the first due
    date. A loan disbursed earlier pays the days before that month as well; one disbursed later
    pays the days from its disbursement only, not a month's interest.

    Raises
    ------
    PostingError
        If the loan is disbursed on or after its first due date.
    """
    if disbursed_on >= terms.first_due_on:
        rule = f"must be before the first due date {terms.first_due_on}, got {disbursed_on}"
        raise PostingError(field="disbursed_on", rule=f"{rule}; agree on a later first due date")
    rate, rounding = terms.annual_rate_percent, terms.product.interest_rounding
    month_start = terms.due_dates.due_on(0)
    if disbursed_on > month_start:
        days = days_between(disbursed_on, terms.first_due_on)
        return broken_interest(balance, rate, days, rounding)
    days = days_between(disbursed_on, month_start)
    return broken_interest(balance, rate, days, rounding) + month_interest(balance, rate, rounding)
