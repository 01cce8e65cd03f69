"""Ratios of an application and of a portfolio, rounded half up to four places.

Instalments are those of the schedule, so that every ratio of income includes interest.
"""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from models.lending.errors import AmountError
from models.lending.money import ARITHMETIC, ZERO, exact, require_amount, require_positive

FOUR_PLACES = Decimal("0.0001")
HHI_SCALE = 10_000


@exact
def debt_to_income_percent(instalment: Decimal, monthly_income: Decimal) -> Decimal:
    """Return DTI: `100 * instalment / monthly income`. The instalment includes its interest."""
    return fixed_obligations_percent(instalment, ZERO, monthly_income)


@exact
def fixed_obligations_percent(
    instalment: Decimal, other_obligations: Decimal, monthly_income: Decimal
) -> Decimal:
    """Return FOIR: `100 * (instalment + other fixed obligations) / monthly income`."""
    require_amount("instalment", instalment)
    require_amount("other_obligations", other_obligations)
    income = require_positive("monthly_income", monthly_income)
    return _rounded(100 * (instalment + other_obligations) / income)


@exact
def loan_to_income(amount: Decimal, annual_income: Decimal) -> Decimal:
    """Return LTI: `amount / annual income`. It is a multiple of a year's income, no per cent."""
    income = require_positive("annual_income", annual_income)
    return _rounded(require_amount("amount", amount) / income)


@exact
def loan_to_value_percent(amount: Decimal, collateral_value: Decimal) -> Decimal:
    """Return LTV: `100 * amount / value of the collateral`."""
    value = require_positive("collateral_value", collateral_value)
    return _rounded(100 * require_amount("amount", amount) / value)


@exact
def herfindahl_index(exposures: Collection[Decimal]) -> Decimal:
    """Return the concentration of exposures: the sum of squared shares, times 10,000."""
    total = sum((require_amount("exposure", exposure) for exposure in exposures), ZERO)
    require_positive("sum of exposures", total)
    return _rounded(sum((e * e for e in exposures), ZERO) / (total * total) * HHI_SCALE)


@dataclass(frozen=True, slots=True)
class AgedBalance:
    """The outstanding principal of a loan and its days past due."""

    balance: Decimal
    days_past_due: int


@exact
def portfolio_at_risk_percent(loans: Collection[AgedBalance], days: int) -> Decimal:
    """Return PAR: the share of principal that is in loans more than `days` days past due.

    The whole balance of such a loan counts, not only its arrears.
    """
    total = sum((require_amount("balance", loan.balance) for loan in loans), ZERO)
    if not total:
        raise AmountError(
            field="sum of balances", rule="must be above 0; an empty book has no share at risk"
        )
    late = sum((loan.balance for loan in loans if loan.days_past_due > days), ZERO)
    return _rounded(100 * late / total)


def _rounded(value: Decimal) -> Decimal:
    return value.quantize(FOUR_PLACES, rounding=ROUND_HALF_UP, context=ARITHMETIC)
