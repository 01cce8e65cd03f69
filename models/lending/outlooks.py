"""The futures over which a lender weights expected losses, as data."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from models.lending.loan_risk import Outlook
from models.lending.stress import MacroSensitivity, StressScenario, stress_steps


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightedScenario:
    """A scenario and how likely it is."""

    weight: Decimal
    scenario: StressScenario


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlookRules:
    """A versioned choice of futures; the weights sum to 1."""

    name: str
    version: int
    note: str
    scenarios: Sequence[WeightedScenario]

    @property
    def label(self) -> str:
        """Name and version, as a figure quotes them."""
        return f"{self.name}@{self.version}"

    def outlooks(self, sensitivity: MacroSensitivity) -> tuple[Outlook, ...]:
        """Return what each future does to a loan."""
        return tuple(
            Outlook(
                name=weighted.scenario.name,
                weight=weighted.weight,
                shift=stress_steps(weighted.scenario, sensitivity)[-1].shift,
            )
            for weighted in self.scenarios
        )


HOUSE_OUTLOOKS = OutlookRules(
    name="house_outlooks",
    version=1,
    note="weights and points are a starting point of the software's, not a forecast: a lender "
    "replaces them by its own",
    scenarios=(
        WeightedScenario(weight=Decimal("0.5"), scenario=StressScenario(name="base")),
        WeightedScenario(
            weight=Decimal("0.2"),
            scenario=StressScenario(
                name="up",
                interest_rate_points=Decimal("-0.5"),
                unemployment_rate_points=Decimal("-0.5"),
            ),
        ),
        WeightedScenario(
            weight=Decimal("0.3"),
            scenario=StressScenario(
                name="down",
                interest_rate_points=Decimal(1),
                unemployment_rate_points=Decimal(1),
                loss_given_default_points=Decimal(5),
            ),
        ),
    ),
)
