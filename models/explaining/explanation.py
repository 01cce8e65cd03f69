"""Explanation of a score: what each characteristic contributes, in log-odds and in points.

Log-odds are those before calibration, where contributions are additive. Both log-odds and points
add up: the base plus all contributions is the total, to the last digits of double precision.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.annotations import Columns
from models.contract import Characteristic, CreditModel, characteristics
from models.estimators.families import Contributions, LogOdds, StartingPoint
from models.features import (
    Matrix,
    columns_from_applications,
    find_column_indices,
    matrix_from_columns,
    value_from_column,
)
from models.points import points_from_contributions
from models.reasons import columns_from_baseline
from models.scorer import Scorer

FieldValue = str | int | float | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Log-odds of default before calibration, and the unrounded score they correspond to."""

    log_odds: float
    credit_score: float


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one characteristic adds to the base.

    More risk means `log_odds` above 0 and `points` below 0. `reference` is the value of the
    baseline applicant.
    """

    characteristic: str
    value: FieldValue
    reference: FieldValue
    log_odds: float
    points: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """The base, the total, and the contributions of all scored characteristics, strongest first.

    For formulas the base is the baseline applicant's standing. For trees it is the standing of the
    mean log-odds of the training rows, whatever the baseline applicant is.
    """

    base_of: StartingPoint
    base: Standing
    total: Standing
    contributions: tuple[Contribution, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One bar of a waterfall chart, from one score to the next.

    `contribution` is None for the bar that combines all remaining contributions.
    """

    contribution: Contribution | None
    start: float
    end: float

    @property
    def points(self) -> float:
        """Length of the bar; below 0 means more risk."""
        return self.end - self.start


@dataclass(frozen=True, slots=True, eq=False)
class _Explained:
    """Rows and the baseline applicant as columns, with contributions in log-odds and points."""

    scored: tuple[Characteristic, ...]
    column_indices: tuple[list[int], ...]  # of each scored characteristic
    columns: Columns
    baseline: Columns
    log_odds: Matrix
    points: Matrix


def explain_applications(scorer: Scorer, applications: Sequence[CreditModel]) -> list[Explanation]:
    """Explain the scores of at least one application, each independently of the others."""
    columns = columns_from_applications(scorer.model, applications)
    matrix = matrix_from_columns(scorer.model, columns)
    baseline = columns_from_baseline(scorer.model, scorer.baseline)
    baseline_row = matrix_from_columns(scorer.model, baseline)
    log_odds = scorer.estimator.log_odds(matrix)
    shap_values = scorer.estimator.contributions(matrix, baseline_row)
    contributions = _distribute_rounding(shap_values, log_odds)
    expected_value = contributions.expected_value
    points = points_from_contributions(contributions, scorer.points_from_log_odds)
    [base_score] = scorer.points_from_log_odds(np.array([expected_value])).tolist()
    base = Standing(expected_value, base_score)
    totals = zip(log_odds.tolist(), scorer.points_from_log_odds(log_odds).tolist(), strict=True)
    scored = tuple(c for c in characteristics(scorer.model) if c.is_scored)
    column_indices = tuple(list(find_column_indices(scorer.model, c)) for c in scored)
    rows = _Explained(scored, column_indices, columns, baseline, contributions.values, points)
    return [
        Explanation(
            scorer.estimator.starting_point, base, Standing(*total), _list_contributions(rows, i)
        )
        for i, total in enumerate(totals)
    ]


def _list_contributions(rows: _Explained, row_index: int) -> tuple[Contribution, ...]:
    """List the contributions to one row, strongest first."""
    contributions = [
        Contribution(
            c.name,
            value_from_column(c, float(rows.columns[c.name][row_index])),
            value_from_column(c, float(rows.baseline[c.name][0])),
            float(rows.log_odds[row_index, indices].sum()),
            float(rows.points[row_index, indices].sum()),
        )
        for c, indices in zip(rows.scored, rows.column_indices, strict=True)
    ]
    return tuple(sorted(contributions, key=lambda c: -abs(c.log_odds)))


def waterfall(explanation: Explanation, most: int) -> list[Step]:
    """Build the bars from the base to the total.

    The `most` strongest contributions have a bar each. One more bar combines all others.
    """
    steps = []
    score = explanation.base.credit_score
    for contribution in explanation.contributions[:most]:
        steps.append(Step(contribution, score, score + contribution.points))
        score += contribution.points
    if len(explanation.contributions) > most:
        steps.append(Step(None, score, explanation.total.credit_score))
    return steps


def _distribute_rounding(contributions: Contributions, log_odds: LogOdds) -> Contributions:
    """Adjust contributions so that they add up to the log-odds exactly.

    Trees compute in single precision and are off by up to 1e-4. The difference is distributed in
    proportion to the size of the contributions.
    """
    expected_value = contributions.expected_value
    sizes = np.abs(contributions.values)
    totals = sizes.sum(axis=1, keepdims=True)
    differences = log_odds - expected_value - contributions.values.sum(axis=1)
    shares = np.divide(sizes, totals, out=np.zeros_like(sizes), where=totals > 0)
    return Contributions(expected_value, contributions.values + shares * differences[:, None])
