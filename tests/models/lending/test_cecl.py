from dataclasses import replace
from decimal import Decimal

import pytest

from models.lending.cecl import RemainingLife, warm_allowance
from models.lending.errors import AmountError
from tests.support.risk_book import golden_risk

NUMBERS = golden_risk()["warm"]
POOL = RemainingLife(
    amortised_cost=tuple(map(Decimal, NUMBERS["projected_amortised_cost"])),
    annual_charge_off=Decimal(NUMBERS["annual_charge_off"]),
    qualitative_factor=Decimal(NUMBERS["qualitative_factor"]),
)


def test_every_remaining_years_losses_count_on_what_is_still_lent() -> None:
    allowance = warm_allowance(POOL)
    assert str(allowance.unadjusted) == NUMBERS["unadjusted"]
    assert str(allowance.amount) == NUMBERS["allowance"]
    assert str(allowance.remaining_life_years) == NUMBERS["weighted_average_remaining_life_years"]


def test_a_pool_without_a_balance_has_no_life() -> None:
    with pytest.raises(AmountError, match="amortised_cost must have today's balance, above 0"):
        replace(POOL, amortised_cost=())
    with pytest.raises(AmountError, match="annual_charge_off must be a Decimal from 0 to 1"):
        replace(POOL, annual_charge_off=Decimal(85))
