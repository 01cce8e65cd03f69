"""What follows from a probability of default: a decision and a risk level, by declared cut-offs."""

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
