"""How loans roll between states of arrears from one month-end to the next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from models.lending.errors import AmountError
from models.lending.money import ZERO, exact

STATES = ("current", "1-30", "31-60", "61-90", "90+", "closed", "written_off")
ALIVE = STATES[:5]  # states that a loan can leave


@dataclass(frozen=True, slots=True)
class RollRates:
    """For each state at the end of a month, the share in each state at the end of the next.

    Loans granted in between are in no row.
    """

    shares: Mapping[str, Mapping[str, Decimal]]

    @property
    @exact
    def current_to_90(self) -> Decimal:
        """The share of current loans that rolls through every state to 90 days and more."""
        product = Decimal(1)
        for state, worse in pairwise(ALIVE):
            product *= self.shares[state][worse]
        return product

    @exact
    def forecast(self, amounts: Sequence[Decimal]) -> tuple[Decimal, ...]:
        """Return what the states hold a month later; the sum stays the same."""
        return tuple(
            sum(
                (
                    amount * self.shares[state][name]
                    for state, amount in zip(ALIVE, amounts, strict=True)
                ),
                ZERO,
            )
            for name in STATES
        )


@exact
def roll_rates(moved: Mapping[str, Sequence[Decimal]]) -> RollRates:
    """Return shares from counts or balances: a row for each state, in the order of `STATES`.

    Raises
    ------
    AmountError
        If a state that loans can leave is missing, or nobody was in it.
    """
    shares = {}
    for state in ALIVE:
        row = moved.get(state, ())
        total = sum(row, ZERO)
        if len(row) != len(STATES) or not total:
            rule = f"must have {len(STATES)} amounts that do not sum to 0"
            raise AmountError(field=f"state {state}", rule=rule)
        shares[state] = {name: amount / total for name, amount in zip(STATES, row, strict=True)}
    return RollRates(shares)
