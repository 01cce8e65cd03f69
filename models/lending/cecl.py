"""Expected credit loss as US GAAP asks for it (ASC 326-20): the whole life from the first day.

There are no stages. `expected_loss` without a stage gives the lifetime loss of one loan by PD and
LGD, discounted (a DCF method) or not. WARM is a loss rate for small pools of like loans.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from models.lending.errors import AmountError
from models.lending.money import ARITHMETIC, TO_THE_CENT, ZERO, exact, require_amount
from models.lending.term_structure import require_share

FOUR_PLACES = Decimal("0.0001")


@dataclass(frozen=True, slots=True, kw_only=True)
class RemainingLife:
    """A pool as it will be repaid.

    `amortised_cost` is that at the start of each remaining year: today's first.
    `annual_charge_off` is the average net loss of a year; `qualitative_factor` is what present
    conditions and forecasts add to it over the whole life. Both are shares of amortised cost.
    """

    amortised_cost: Sequence[Decimal]
    annual_charge_off: Decimal
    qualitative_factor: Decimal = ZERO

    def __post_init__(self) -> None:
        """Refuse a pool without a balance, and shares out of bounds."""
        if not self.amortised_cost or not self.amortised_cost[0]:
            rule = "must have today's balance, above 0, and one for each later year"
            raise AmountError(field="amortised_cost", rule=rule)
        for amount in self.amortised_cost:
            require_amount("amortised_cost", amount)
        require_share("annual_charge_off", self.annual_charge_off)
        require_share("qualitative_factor", self.qualitative_factor)


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmAllowance:
    """The allowance of a pool, what it would be without the qualitative factor, and its life."""

    unadjusted: Decimal
    amount: Decimal
    remaining_life_years: Decimal


@exact
def warm_allowance(pool: RemainingLife) -> WarmAllowance:
    """Return the allowance by the weighted-average remaining maturity.

    `charge-off rate x sum of amortised cost at the start of each year + factor x cost today`.
    Every remaining year's losses count, on what is still lent then.
    """
    total, today = sum(pool.amortised_cost, ZERO), pool.amortised_cost[0]
    unadjusted = TO_THE_CENT.apply(pool.annual_charge_off * total)
    life = (total / today).quantize(FOUR_PLACES, rounding=ROUND_HALF_UP, context=ARITHMETIC)
    return WarmAllowance(
        unadjusted=unadjusted,
        amount=unadjusted + TO_THE_CENT.apply(pool.qualitative_factor * today),
        remaining_life_years=life,
    )
