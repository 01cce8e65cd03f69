"""From a probability of default to points: more points mean less risk."""

import math
from dataclasses import dataclass

from models.errors import DeclarationError, ProbabilityError


@dataclass(frozen=True, slots=True, kw_only=True)
class PointsToDoubleOdds:
    """Where a log-odds scale sits: `base_score` at `base_odds`, and `pdo` points to double them."""

    base_score: float = 600.0
    base_odds: float = 50.0  # good : bad
    pdo: float = 20.0

    def __post_init__(self) -> None:
        """Refuse a scale on which more points would not mean less risk."""
        if self.base_odds <= 0 or self.pdo <= 0:
            message = "a scale needs base_odds > 0 and pdo > 0"
            raise DeclarationError(message)


def score_from_probability(probability_of_default: float, scale: PointsToDoubleOdds) -> float:
    """Put one probability of default on an additive log-odds scale, unrounded.

    `score = base_score + pdo * log2(odds / base_odds)` with `odds = (1 - p) / p`, good to bad.
    Source: Siddiqi, Intelligent Credit Scoring, 2nd ed., 2017.

    Raises
    ------
    ProbabilityError
        If the probability is not strictly between 0 and 1.
    """
    if not 0.0 < probability_of_default < 1.0:
        raise ProbabilityError(probability_of_default)
    odds = (1.0 - probability_of_default) / probability_of_default
    return scale.base_score + scale.pdo * math.log2(odds / scale.base_odds)
