"""From a probability of default to points and a rating: more points mean less risk."""

import math
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from models.errors import DeclarationError, ProbabilityError


@dataclass(frozen=True, slots=True, kw_only=True)
class PointsToDoubleOdds:
    """Where a log-odds scale sits: `base_score` at `base_odds`, and `pdo` points to double them."""

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
        """Say it in a sentence's words."""
        return (
            f"{self.base_score:g} points at odds of {self.base_odds:g} good to 1 bad; "
            f"{self.pdo:g} points double the odds"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearScale:
    """A straight line: `highest` points at a probability of 0, `lowest` at 1."""

    kind: Literal["linear"] = "linear"
    lowest: float
    highest: float

    def __post_init__(self) -> None:
        """Refuse a scale on which more points would not mean less risk."""
        if not -math.inf < self.lowest < self.highest < math.inf:
            message = "a scale needs finite numbers, lowest < highest"
            raise DeclarationError(message)

    def __str__(self) -> str:
        """Say it in a sentence's words."""
        return (
            f"{self.highest:g} points at a probability of 0, {self.lowest:g} at 1, straight between"
        )


Scale = PointsToDoubleOdds | LinearScale


@dataclass(frozen=True, slots=True)
class Bands:
    """Ratings by unrounded score, without gaps: each holds from its score up to the next one's."""

    lowest: str
    rising: tuple[tuple[float, str], ...]

    def __post_init__(self) -> None:
        """Refuse bands out of order."""
        starts = [start for start, _ in self.rising]
        if not all(map(math.isfinite, starts)) or any(a >= b for a, b in pairwise(starts)):
            message = "bands must rise, from finite scores"
            raise DeclarationError(message)


def score_from_probability(probability_of_default: float, scale: Scale) -> float:
    """Put one probability of default on a scale, unrounded.

    Points to double the odds: `score = base_score + pdo * log2(odds / base_odds)` with
    `odds = (1 - p) / p`, good to bad. Source: Siddiqi, Intelligent Credit Scoring, 2nd ed., 2017.
    Linear: `score = highest - (highest - lowest) * p`.

    Raises
    ------
    ProbabilityError
        If the probability is not strictly between 0 and 1.
    """
    if not 0.0 < probability_of_default < 1.0:
        raise ProbabilityError(probability_of_default)
    if isinstance(scale, LinearScale):
        return scale.highest - (scale.highest - scale.lowest) * probability_of_default
    odds = (1.0 - probability_of_default) / probability_of_default
    return scale.base_score + scale.pdo * math.log2(odds / scale.base_odds)


def probability_from_score(credit_score: float, scale: LinearScale) -> float:
    """Lowest probability of default that scores less than this: a cut-off that is a score.

    Exact: `score_from_probability` gives at least `credit_score` below it, and less from it on.
    """
    found = (scale.highest - credit_score) / (scale.highest - scale.lowest)
    while score_from_probability(math.nextafter(found, 0.0), scale) < credit_score:
        found = math.nextafter(found, 0.0)
    while score_from_probability(found, scale) >= credit_score:
        found = math.nextafter(found, 1.0)
    return found


def rating_from_score(credit_score: float, bands: Bands) -> str:
    """Rate an unrounded score; a band's own start belongs to it."""
    place = bisect_right([start for start, _ in bands.rising], credit_score)
    return bands.rising[place - 1][1] if place else bands.lowest
