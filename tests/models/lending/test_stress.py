import math
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from models.lending.errors import AmountError
from models.lending.stress import (
    ASSUMPTION,
    STANDARD_SCENARIOS,
    MacroSensitivity,
    StressScenario,
    odds_factor,
    stress_steps,
)

SENSITIVITY = MacroSensitivity(
    interest_rate=Decimal("0.1"),
    unemployment_rate=Decimal("0.2"),
    model="customer",
    model_version="v1",
)


def test_the_documented_scenarios_are_data() -> None:
    assert list(STANDARD_SCENARIOS) == [
        *("rate_up_200bp", "unemployment_up_2", "lgd_up_10", "all_three"),
    ]
    assert STANDARD_SCENARIOS["rate_up_200bp"].interest_rate_points == 2


def test_each_step_keeps_the_steps_before_it() -> None:
    """Two points of 0.1 multiply odds by e^0.2, two more of 0.2 by e^0.6 in all."""
    steps = stress_steps(STANDARD_SCENARIOS["all_three"], SENSITIVITY)
    causes = [step.cause for step in steps]
    assert causes == ["interest_rate", "unemployment_rate", "loss_given_default"]
    factors = [float(step.shift.odds_factor) for step in steps]
    assert factors == pytest.approx([math.exp(0.2), math.exp(0.6), math.exp(0.6)], rel=1e-11)
    assert [step.shift.loss_given_default_points for step in steps] == [0, 0, 10]


def test_a_scenario_in_which_nothing_moves_changes_no_odds() -> None:
    assert odds_factor(Decimal(0)) == 1
    steps = stress_steps(StressScenario(name="calm"), SENSITIVITY)
    assert {step.shift.odds_factor for step in steps} == {Decimal(1)}


def test_what_carries_the_answer_is_said_in_words() -> None:
    assert "assumed, not measured" in ASSUMPTION


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"interest_rate": Decimal("-0.1")}, r"sensitivity.interest_rate must be from 0 to 2 log"),
        ({"unemployment_rate": Decimal("NaN")}, "sensitivity.unemployment_rate must be from 0"),
    ],
)
def test_an_effect_that_would_reward_severity_is_refused(
    change: dict[str, Any], message: str
) -> None:
    with pytest.raises(AmountError, match=message):
        replace(SENSITIVITY, **change)


def test_points_that_no_economy_has_seen_are_refused() -> None:
    with pytest.raises(
        AmountError, match="unemployment_rate_points must be from -50 to 50, got 51"
    ):
        StressScenario(name="x", unemployment_rate_points=Decimal(51))
