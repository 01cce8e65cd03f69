"""Decisions by columns: the same numbers as `Scorer.decide_table`, to the last bit, without rows.

A batch of millions has no use for one object a row. Probabilities come from the same arithmetic.
The logarithm of a score may differ from the scorer's in its last bit, which matters only at the
edge of a rounded score or a rating: those few rows are computed as the scorer does.
"""

from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from models.annotations import Column
from models.features import Matrix
from models.metrics import Probabilities
from models.policy import DecisionName
from models.score_scale import Bands, LinearScale, Scale, score_from_probability
from models.scorer import Scorer, probabilities_from_log_odds

DECISIONS: tuple[DecisionName, ...] = get_args(DecisionName)
NEAR_EDGE = 1e-6  # points; the logarithms differ by 1e-13 of them


@dataclass(frozen=True, slots=True)
class DecidedColumns:
    """Decisions of many applications, each column of shape `(n,)`.

    `decisions` are indices of `DECISIONS`, and `ratings` indices of `list_ratings`, if the model
    declares bands. `credit_scores` are rounded, half to even.
    """

    probabilities: Probabilities
    credit_scores: NDArray[np.int64]
    decisions: NDArray[np.int8]
    ratings: NDArray[np.int8] | None


def list_ratings(bands: Bands) -> tuple[str, ...]:
    """Return every rating, the riskiest first."""
    return (bands.lowest, *(rating for _, rating in bands.rising))


def decide_columns(scorer: Scorer, matrix: Matrix) -> DecidedColumns:
    """Decide on the rows of a feature matrix, without reasons."""
    probabilities = probabilities_from_log_odds(scorer.log_odds_from_matrix(matrix))
    starts = [start for start, _ in scorer.bands.rising] if scorer.bands else []
    scores = _scores_from_probabilities(probabilities, scorer.scale, starts)
    policy = scorer.policy
    declined = probabilities >= policy.decline_from
    decisions = (probabilities >= policy.approve_below).astype(np.int8) + declined
    ratings = np.searchsorted(starts, scores, side="right").astype(np.int8)
    return DecidedColumns(
        probabilities=probabilities,
        credit_scores=np.rint(scores).astype(np.int64),
        decisions=decisions.astype(np.int8),
        ratings=ratings if scorer.bands else None,
    )


def _scores_from_probabilities(
    probabilities: Probabilities, scale: Scale, starts: list[float]
) -> Column:
    """Return unrounded scores; those near an edge are exactly the scorer's."""
    if isinstance(scale, LinearScale):
        linear: Column = scale.highest - (scale.highest - scale.lowest) * probabilities
        return linear
    odds = (1.0 - probabilities) / probabilities
    scores: Column = scale.base_score + scale.pdo * np.log2(odds / scale.base_odds)
    near = np.abs(scores - np.floor(scores) - 0.5) < NEAR_EDGE
    for start in starts:
        near |= np.abs(scores - start) < NEAR_EDGE
    for i in np.flatnonzero(near).tolist():
        scores[i] = score_from_probability(float(probabilities[i]), scale)
    return scores
