"""What follows from a probability of default: a decision and a risk level, by declared cut-offs."""

import math
from dataclasses import dataclass
from typing import Literal

from models.errors import DeclarationError

DecisionName = Literal["approve", "refer", "decline"]
RiskLevel = Literal["low", "medium", "high"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutoffs:
    """Approve below one probability of default, decline from another, refer between them."""

    approve_below: float
    decline_from: float

    def __post_init__(self) -> None:
        """Refuse cut-offs that leave a gap or overlap."""
        if not 0.0 < self.approve_below <= self.decline_from < 1.0:
            message = "cut-offs must satisfy 0 < approve_below <= decline_from < 1"
            raise DeclarationError(message)


@dataclass(frozen=True, slots=True)
class Fixed:
    """A cut-off that is a number."""

    probability: float

    def __post_init__(self) -> None:
        """Refuse what is no probability."""
        if not 0.0 < self.probability < 1.0:
            message = "a fixed cut-off is between 0 and 1"
            raise DeclarationError(message)


@dataclass(frozen=True, slots=True)
class RecallAtPrecision:
    """The cut-off that finds most defaults, while of those it finds this share are defaults."""

    precision: float

    def __post_init__(self) -> None:
        """Refuse a share that is none."""
        if not 0.0 < self.precision < 1.0:
            message = "a precision is between 0 and 1"
            raise DeclarationError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeastCost:
    """The cut-off where approving a bad credit costs, on average, what refusing a good one does.

    For calibrated probabilities no other one is cheaper: `good_refused / (good_refused +
    bad_approved)`. Source: Elkan, The foundations of cost-sensitive learning, IJCAI 2001.
    """

    bad_approved: float
    good_refused: float

    def __post_init__(self) -> None:
        """Refuse what is no cost."""
        if not (0 < self.bad_approved < math.inf and 0 < self.good_refused < math.inf):
            message = "costs are above 0 and finite"
            raise DeclarationError(message)


CutoffRule = Fixed | RecallAtPrecision | LeastCost


@dataclass(frozen=True, slots=True, kw_only=True)
class CutoffRules:
    """Cut-offs that training chooses on out-of-fold predictions; the version records both."""

    approve_below: CutoffRule
    decline_from: CutoffRule

    def __post_init__(self) -> None:
        """Refuse numbers that cross."""
        if isinstance(self.approve_below, Fixed) and isinstance(self.decline_from, Fixed):
            Cutoffs(
                approve_below=self.approve_below.probability,
                decline_from=self.decline_from.probability,
            )


def decide(probability_of_default: float, policy: Cutoffs) -> DecisionName:
    """Decide on the unrounded probability; each cut-off belongs to the riskier side."""
    if probability_of_default < policy.approve_below:
        return "approve"
    return "refer" if probability_of_default < policy.decline_from else "decline"


RISK_LEVELS: dict[DecisionName, RiskLevel] = {
    "approve": "low",
    "refer": "medium",
    "decline": "high",
}
