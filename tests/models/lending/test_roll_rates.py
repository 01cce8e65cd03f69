from decimal import Decimal

import pytest

from models.lending.errors import AmountError
from models.lending.roll_rates import ALIVE, STATES, roll_rates
from tests.support.risk_book import golden_risk

NUMBERS = golden_risk()["roll_rates"]
COUNTS = {state: [Decimal(count) for count in row] for state, row in NUMBERS["counts"].items()}


def test_shares_of_a_worked_example() -> None:
    rates = roll_rates(COUNTS)
    for state, row in NUMBERS["matrix"].items():
        assert [f"{rates.shares[state][name]:.6f}" for name in STATES] == row
        assert sum(rates.shares[state].values()) == 1


def test_the_way_through_every_state_is_the_product_of_its_steps() -> None:
    assert roll_rates(COUNTS).current_to_90 == Decimal(NUMBERS["current_to_90"])


def test_a_forecast_loses_nobody() -> None:
    before = [Decimal(number) for number in (1000, 50, 20, 10, 20)]
    after = roll_rates(COUNTS).forecast(before)
    assert [f"{number:.4f}" for number in after] == NUMBERS["forecast"]
    assert sum(after) == sum(before)


@pytest.mark.parametrize("row", [[], [Decimal(0)] * 7])
def test_a_state_in_which_nobody_was_has_no_shares(row: list[Decimal]) -> None:
    with pytest.raises(AmountError, match="state 90\\+ must have 7 amounts that do not sum to 0"):
        roll_rates(COUNTS | {ALIVE[-1]: row})
