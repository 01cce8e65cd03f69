import random
from decimal import Decimal

import pytest

from models.lending.errors import AmountError
from models.lending.term_structure import (
    FLAT_HAZARD,
    ObservedMonth,
    calibrate_months,
    cumulative_probability,
    marginal_probabilities,
    monthly_hazard,
    require_share,
    shift_odds,
)
from tests.support.risk_book import golden_risk

SIX_PERCENT = Decimal("0.06")


@pytest.mark.parametrize("stage", ["stage_1", "stage_2"])
def test_the_hazard_of_worked_examples(stage: str) -> None:
    numbers = golden_risk()[stage]
    hazard = monthly_hazard(Decimal(numbers["pd12"]))
    assert str(hazard.quantize(Decimal("1E-12"))) == numbers["hazard_month_12dp"]


@pytest.mark.parametrize("horizon", [1, 12, 24])
def test_the_months_of_the_horizon_add_up_to_the_probability(horizon: int) -> None:
    monthly = marginal_probabilities(monthly_hazard(SIX_PERCENT, horizon), horizon)
    assert round(sum(monthly), 25) == SIX_PERCENT
    assert cumulative_probability(SIX_PERCENT, horizon, horizon) == SIX_PERCENT


def test_two_years_are_survived_by_who_survives_each() -> None:
    assert cumulative_probability(SIX_PERCENT, 24) == 1 - Decimal("0.94") ** 2
    assert FLAT_HAZARD.startswith("flat hazard (an assumption)")


def test_doubling_the_odds_of_one_in_five_makes_them_one_in_three() -> None:
    assert round(3 * shift_odds(Decimal("0.2"), Decimal(2)), 20) == 1
    assert shift_odds(SIX_PERCENT, Decimal(1)) == SIX_PERCENT


def test_defaults_of_a_flat_hazard_are_within_chance_of_it() -> None:
    """20,000 loans are played month by month; the seed is fixed, so that the answer is, too."""
    hazard = monthly_hazard(Decimal("0.22"))
    chance, alive, observed = random.Random(7), 20_000, []  # noqa: S311 -- a simulation
    for _ in range(24):
        defaults = sum(chance.random() < hazard for _ in range(alive))
        observed.append(ObservedMonth(at_risk=alive, defaults=defaults))
        alive -= defaults
    rows = list(calibrate_months(hazard, observed))
    assert max(abs(row.z) for row in rows) < 3
    assert sum(row.z**2 for row in rows) < Decimal("42.98")  # 99 % of chi-squared with 24 degrees


def test_defaults_that_fall_early_are_seen() -> None:
    """Of 1,000 loans 0.01 each are expected: 10, with a deviation of sqrt(9.9)."""
    months = [ObservedMonth(at_risk=1_000, defaults=30), ObservedMonth(at_risk=0, defaults=0)]
    [row] = calibrate_months(Decimal("0.01"), months)
    assert (row.month, row.expected, row.observed) == (1, Decimal(10), 30)
    assert round(row.z, 4) == Decimal("6.3564")


@pytest.mark.parametrize("probability", ["0", "1", "-0.1", "NaN"])
def test_a_certainty_is_no_probability(probability: str) -> None:
    with pytest.raises(AmountError, match="must be a Decimal above 0 and below 1"):
        monthly_hazard(Decimal(probability))


def test_a_share_above_one_is_refused() -> None:
    with pytest.raises(AmountError, match="weight must be a Decimal from 0 to 1, got 2"):
        require_share("weight", Decimal(2))
