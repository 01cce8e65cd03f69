"""Scenarios of stress as data, and how a rate or unemployment becomes odds of default.

The chain rests on one assumption, which every answer repeats: `ASSUMPTION`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from models.lending.errors import AmountError
from models.lending.loan_risk import RiskShift
from models.lending.money import ARITHMETIC, exact
from models.lending.term_structure import ONE

FACTOR_PLACES = Decimal("0.000000000001")
MOST_POINTS = Decimal(50)
MOST_SENSITIVITY = Decimal(2)
ASSUMPTION = (
    "Each point of a macroeconomic input moves the log-odds of default of every loan by the same "
    "amount: the mean effect that training measured in the model it names, for its own applicants. "
    "The book's own probabilities are moved by it; that borrowers of this book react as those "
    "applicants do is assumed, not measured. Balances, schedules and security stay as they are."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MacroSensitivity:
    """Log-odds of default that a percentage point of each input adds, and who measured it."""

    interest_rate: Decimal
    unemployment_rate: Decimal
    model: str
    model_version: str

    def __post_init__(self) -> None:
        """Refuse an effect below 0: a more severe scenario would then cost less."""
        for name in ("interest_rate", "unemployment_rate"):
            value: Decimal = getattr(self, name)
            if not (value.is_finite() and 0 <= value <= MOST_SENSITIVITY):
                rule = f"must be from 0 to {MOST_SENSITIVITY} log-odds a point, got {value}"
                raise AmountError(field=f"sensitivity.{name}", rule=rule)


@dataclass(frozen=True, slots=True, kw_only=True)
class StressScenario:
    """Percentage points that are added to each input, and to every share that a default loses."""

    name: str
    interest_rate_points: Decimal = Decimal(0)
    unemployment_rate_points: Decimal = Decimal(0)
    loss_given_default_points: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        """Refuse points that no economy has seen."""
        for name in SCENARIO_INPUTS:
            value: Decimal = getattr(self, name)
            if not (value.is_finite() and -MOST_POINTS <= value <= MOST_POINTS):
                rule = f"must be from -{MOST_POINTS} to {MOST_POINTS}, got {value}"
                raise AmountError(field=name, rule=rule)


SCENARIO_INPUTS = (
    "interest_rate_points",
    "unemployment_rate_points",
    "loss_given_default_points",
)
OWN = "own"


def own_scenario(points: Mapping[str, Decimal]) -> StressScenario:
    """Return a scenario of somebody's own; an input without points stays as it is."""
    return StressScenario(name=OWN, **points)


STANDARD_SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        StressScenario(name="rate_up_200bp", interest_rate_points=Decimal(2)),
        StressScenario(name="unemployment_up_2", unemployment_rate_points=Decimal(2)),
        StressScenario(name="lgd_up_10", loss_given_default_points=Decimal(10)),
        StressScenario(
            name="all_three",
            interest_rate_points=Decimal(2),
            unemployment_rate_points=Decimal(2),
            loss_given_default_points=Decimal(10),
        ),
    )
}


@dataclass(frozen=True, slots=True)
class StressStep:
    """The scenario up to one of its inputs: all inputs before it have moved, too."""

    cause: str
    shift: RiskShift


def stress_steps(scenario: StressScenario, sensitivity: MacroSensitivity) -> tuple[StressStep, ...]:
    """Return the ways from things as they stand to the whole scenario, one input after the other.

    The differences between their losses are the waterfall: they sum to the whole change. Their
    order is part of the answer, because odds multiply: what comes later moves a higher base.
    """
    rate = scenario.interest_rate_points * sensitivity.interest_rate
    unemployment = scenario.unemployment_rate_points * sensitivity.unemployment_rate
    with_rate, with_both = odds_factor(rate), odds_factor(rate + unemployment)
    points = scenario.loss_given_default_points
    return (
        StressStep("interest_rate", RiskShift(odds_factor=with_rate)),
        StressStep("unemployment_rate", RiskShift(odds_factor=with_both)),
        StressStep(
            "loss_given_default",
            RiskShift(odds_factor=with_both, loss_given_default_points=points),
        ),
    )


@exact
def odds_factor(log_odds: Decimal) -> Decimal:
    """Return what odds are multiplied by when log-odds grow: `exp`, with twelve places."""
    if not log_odds:
        return ONE
    factor = log_odds.exp()
    return factor.quantize(FACTOR_PLACES, rounding=ROUND_HALF_EVEN, context=ARITHMETIC)
