"""How a score comes about: what each characteristic adds to the base, in log-odds and in points.

Log-odds are before calibration, where contributions are additive. Both columns of figures add up:
base plus contributions is the total, to the last digits of double precision.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.contract import CreditModel, characteristics
from models.estimators.families import Base, Contributions, LogOdds
from models.features import (
    columns_from_applications,
    find_column_indices,
    matrix_from_columns,
    value_from_column,
)
from models.points import points_from_contributions
from models.reasons import columns_from_baseline
from models.scorer import Scorer

Said = str | float | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Log-odds of default before calibration, and the unrounded score they mean."""

    log_odds: float
    credit_score: float


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one characteristic adds to the base; `log_odds` above 0 and `points` below are risk."""

    characteristic: str
    value: Said
    reference: Said
    log_odds: float
    points: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """From the base to the total; contributions strongest first, of every scored characteristic.

    The base is the reference's standing for formulas and for trees that of the mean log-odds of
    the training rows, from which they count whatever the reference is.
    """

    base_of: Base
    base: Standing
    total: Standing
    contributions: tuple[Contribution, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One bar of a waterfall: from one score to the next; what is left over has no contribution."""

    contribution: Contribution | None
    start: float
    end: float

    @property
    def points(self) -> float:
        """How far the bar goes; below 0 is risk."""
        return self.end - self.start


def explain_applications(scorer: Scorer, applications: Sequence[CreditModel]) -> list[Explanation]:
    """Explain the scores of at least one application, each as if it were alone."""
    columns = columns_from_applications(scorer.model, applications)
    matrix = matrix_from_columns(scorer.model, columns)
    typical = columns_from_baseline(scorer.model, scorer.baseline)
    reference = matrix_from_columns(scorer.model, typical)
    log_odds = scorer.estimator.log_odds(matrix)
    found = _exact(scorer.estimator.contributions(matrix, reference), log_odds)
    points = points_from_contributions(found, scorer.points_from_log_odds)
    base = Standing(found.base, float(scorer.points_from_log_odds(np.array([found.base]))[0]))
    totals = zip(log_odds.tolist(), scorer.points_from_log_odds(log_odds).tolist(), strict=True)
    scored = [c for c in characteristics(scorer.model) if not c.protected]
    places = [list(find_column_indices(scorer.model, c)) for c in scored]

    def explained(row: int, total: Standing) -> Explanation:
        contributions = [
            Contribution(
                c.name,
                value_from_column(c, float(columns[c.name][row])),
                value_from_column(c, float(typical[c.name][0])),
                float(found.values[row, group].sum()),
                float(points[row, group].sum()),
            )
            for c, group in zip(scored, places, strict=True)
        ]
        contributions.sort(key=lambda c: -abs(c.log_odds))
        return Explanation(scorer.estimator.base, base, total, tuple(contributions))

    return [explained(row, Standing(*total)) for row, total in enumerate(totals)]


def waterfall(explanation: Explanation, most: int) -> list[Step]:
    """Bars from the base to the total: the strongest contributions, then the others in one."""
    steps = []
    score = explanation.base.credit_score
    for contribution in explanation.contributions[:most]:
        steps.append(Step(contribution, score, score + contribution.points))
        score += contribution.points
    if len(explanation.contributions) > most:
        steps.append(Step(None, score, explanation.total.credit_score))
    return steps


def _exact(found: Contributions, log_odds: LogOdds) -> Contributions:
    """Contributions that add up to log-odds; trees answer in single precision, off by up to 1e-4.

    What is missing is shared in proportion to size.
    """
    sizes = np.abs(found.values)
    whole = sizes.sum(axis=1, keepdims=True)
    missing = log_odds - found.base - found.values.sum(axis=1)
    shares = np.divide(sizes, whole, out=np.zeros_like(sizes), where=whole > 0)
    return Contributions(found.base, found.values + shares * missing[:, None])
