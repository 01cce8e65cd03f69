"""Score scales and rating bands: from a probability of default to points, more is safer."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from models.errors import DeclarationError, ProbabilityError


@dataclass(frozen=True, slots=True, kw_only=True)
class PointsToDoubleOdds:
    """A log-odds scale: `base_score` at `base_odds`, and `pdo` points to double the odds."""

    kind: Literal["points_to_double_odds"] = "points_to_double_odds"
    base_score: float = 600.0
    base_odds: float = 50.0  # good : bad
    pdo: float = 20.0

    def __post_init__(self) -> None:
        """Refuse a scale on which more points would not mean less risk."""
        numbers = (self.base_score, self.base_odds, self.pdo)
        if not all(map(math.isfinite, numbers)) or self.base_odds <= 0 or self.pdo <= 0:
            message = "a scale needs finite numbers, base_odds > 0 and pdo > 0"
            raise DeclarationError(message)

    def __str__(self) -> str:
        """Describe the scale in words, for reports."""
        return (
            f"{self.base_score:g} points at odds of {self.base_odds:g} good to 1 bad; "
            f"{self.pdo:g} points double the odds"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearScale:
    """A scale linear in the probability: `highest` points at 0, `lowest` points at 1."""

    kind: Literal["linear"] = "linear"
    lowest: float
    highest: float

    def __post_init__(self) -> None:
        """Refuse a scale on which more points would not mean less risk."""
        if not -math.inf < self.lowest < self.highest < math.inf:
            message = "a scale needs finite numbers, lowest < highest"
            raise DeclarationError(message)

    def __str__(self) -> str:
        """Describe the scale in words, for reports."""
        return (
            f"{self.highest:g} points at a probability of 0, {self.lowest:g} at 1, straight between"
        )


Scale = PointsToDoubleOdds | LinearScale


@dataclass(frozen=True, slots=True)
class Bands:
    """Ratings by unrounded score, without gaps: each applies from its score up to the next."""

    lowest: str
    rising: tuple[tuple[float, str], ...]

    def __post_init__(self) -> None:
        """Refuse bands that are out of order."""
        starts = [start for start, _ in self.rising]
        if not all(map(math.isfinite, starts)) or any(a >= b for a, b in pairwise(starts)):
            message = "bands must rise, from finite scores"
            raise DeclarationError(message)


def score_from_probability(probability_of_default: float, scale: Scale) -> float:
    """Convert a probability of default to an unrounded score.

    Points to double the odds: `score = base_score + pdo * log2(odds / base_odds)` with
    `odds = (1 - p) / p`, good to bad. Source: Siddiqi, Intelligent Credit Scoring, 2nd ed., 2017.
    Linear: `score = highest - (highest - lowest) * p`.

    Raises
    ------
    ProbabilityError
        If the probability is not strictly between 0 and 1.
    """
    return scores_from_probabilities([probability_of_default], scale)[0]


def scores_from_probabilities(probabilities: Sequence[float], scale: Scale) -> list[float]:
    """Convert many probabilities of default as `score_from_probability` does."""
    for probability in probabilities:
        if not 0.0 < probability < 1.0:
            raise ProbabilityError(probability)
    if isinstance(scale, LinearScale):
        highest, span = scale.highest, scale.highest - scale.lowest
        return [highest - span * p for p in probabilities]
    base_score, base_odds, pdo, log2 = scale.base_score, scale.base_odds, scale.pdo, math.log2
    return [base_score + pdo * log2((1.0 - p) / p / base_odds) for p in probabilities]


def probability_from_score(credit_score: float, scale: LinearScale) -> float:
    """Return the lowest probability of default that scores below `credit_score`.

    Use it to declare a cut-off as a score. It is exact: any lower probability scores at least
    `credit_score`, and this one and any higher probability score less.
    """
    probability = (scale.highest - credit_score) / (scale.highest - scale.lowest)
    while score_from_probability(math.nextafter(probability, 0.0), scale) < credit_score:
        probability = math.nextafter(probability, 0.0)
    while score_from_probability(probability, scale) >= credit_score:
        probability = math.nextafter(probability, 1.0)
    return probability


def rating_from_score(credit_score: float, bands: Bands) -> str:
    """Rate an unrounded score. A score equal to the start of a band belongs to that band."""
    count = bisect_right([start for start, _ in bands.rising], credit_score)
    return bands.rising[count - 1][1] if count else bands.lowest
