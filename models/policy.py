"""Decision policy: cut-offs on the probability of default, decisions and risk levels."""

import math
from dataclasses import dataclass
from typing import Literal

from models.errors import DeclarationError

DecisionName = Literal["approve", "refer", "decline"]
RiskLevel = Literal["low", "medium", "high"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutoffs:
    """Approve below `approve_below`, decline from `decline_from`, refer in between."""

    approve_below: float
    decline_from: float

    def __post_init__(self) -> None:
        """Refuse cut-offs that leave a gap or overlap."""
        if not 0.0 < self.approve_below <= self.decline_from < 1.0:
            message = "cut-offs must satisfy 0 < approve_below <= decline_from < 1"
            raise DeclarationError(message)


@dataclass(frozen=True, slots=True)
class Fixed:
    """A cut-off that is declared as a number."""

    probability: float

    def __post_init__(self) -> None:
        """Refuse a number that is not a probability."""
        if not 0.0 < self.probability < 1.0:
            message = f"Fixed: probability must be between 0 and 1, got {self.probability}"
            raise DeclarationError(message)


@dataclass(frozen=True, slots=True)
class RecallAtPrecision:
    """The cut-off with the highest recall of defaults at no less than this precision."""

    precision: float

    def __post_init__(self) -> None:
        """Refuse a number that is not a share."""
        if not 0.0 < self.precision < 1.0:
            message = f"RecallAtPrecision: precision must be between 0 and 1, got {self.precision}"
            raise DeclarationError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeastCost:
    """The cut-off at which approving and refusing have the same expected cost.

    With calibrated probabilities it is the cheapest cut-off: `good_refused / (good_refused +
    bad_approved)`. Source: Elkan, The foundations of cost-sensitive learning, IJCAI 2001.
    """

    bad_approved: float
    good_refused: float

    def __post_init__(self) -> None:
        """Refuse numbers that are not costs."""
        if not (0 < self.bad_approved < math.inf and 0 < self.good_refused < math.inf):
            message = "LeastCost: bad_approved and good_refused must be above 0 and finite"
            raise DeclarationError(message)


CutoffRule = Fixed | RecallAtPrecision | LeastCost


@dataclass(frozen=True, slots=True, kw_only=True)
class CutoffRules:
    """Rules from which training chooses cut-offs. A version records the rules and the numbers."""

    approve_below: CutoffRule
    decline_from: CutoffRule

    def __post_init__(self) -> None:
        """Refuse fixed cut-offs that overlap."""
        if isinstance(self.approve_below, Fixed) and isinstance(self.decline_from, Fixed):
            Cutoffs(
                approve_below=self.approve_below.probability,
                decline_from=self.decline_from.probability,
            )


def decide(probability_of_default: float, policy: Cutoffs) -> DecisionName:
    """Decide on the unrounded probability. A cut-off belongs to its riskier side."""
    if probability_of_default < policy.approve_below:
        return "approve"
    return "refer" if probability_of_default < policy.decline_from else "decline"


RISK_LEVELS: dict[DecisionName, RiskLevel] = {
    "approve": "low",
    "refer": "medium",
    "decline": "high",
}
