"""The scorer: validated applications in, decisions with scores and reasons out."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from models.annotations import Columns
from models.calibration import BetaCalibration, calibrate
from models.contract import CreditModel
from models.estimators.families import Estimator, LogOdds
from models.features import (
    Matrix,
    columns_from_applications,
    columns_from_fields,
    features,
    matrix_from_columns,
)
from models.metrics import Probabilities
from models.points import points_from_contributions
from models.policy import RISK_LEVELS, Cutoffs, DecisionName, RiskLevel, decide
from models.reasons import (
    AdverseReason,
    Baseline,
    ExplainedRows,
    matrix_from_baseline,
    select_reasons,
)
from models.score_scale import Bands, Scale, rating_from_score, scores_from_probabilities
from models.table import Table, table_from_applications

LOG_ODDS_LIMIT = 20.0  # a probability of 2e-9; keeps probabilities strictly between 0 and 1


class Decision(NamedTuple):
    """The decision on one application, with its probability in (0, 1) and its unrounded score.

    `rating` is None if the model declares no bands. `reasons` is None if the application is
    approved and no reasons were requested.
    """

    probability_of_default: float
    credit_score: float
    risk_level: RiskLevel
    decision: DecisionName
    rating: str | None = None
    reasons: tuple[AdverseReason, ...] | None = None


class Scored(NamedTuple):
    """Decisions, and the feature matrix they are based on."""

    decisions: list[Decision]
    matrix: Matrix


@dataclass(frozen=True)
class Scorer:
    """A credit model with a fitted estimator and the calibration, scale and policy to decide by."""

    model: type[CreditModel]
    estimator: Estimator
    calibration: BetaCalibration
    baseline: Baseline
    scale: Scale
    policy: Cutoffs
    bands: Bands | None = None

    @classmethod
    def from_catalogue(
        cls,
        model: type[CreditModel],
        estimator: Estimator,
        calibration: BetaCalibration,
        baseline: Baseline,
        policy: Cutoffs,
    ) -> Self:
        """Create a scorer with the scale and bands that the catalogue declares."""
        return cls(model, estimator, calibration, baseline, model.scale, policy, model.bands)

    def decide(
        self, applications: Sequence[CreditModel], *, with_reasons: bool = False
    ) -> list[Decision]:
        """Decide on applications. A decision never depends on the applications beside it.

        Every application that is not approved gets reasons. With `with_reasons` all get them.
        """
        table = table_from_applications(self.model, applications)
        return self.decide_table(table, with_reasons=with_reasons).decisions

    def decide_table(self, table: Table, *, with_reasons: bool = False) -> Scored:
        """Decide on a table of applications, and return the features as well."""
        if not len(table):
            return Scored([], np.empty((0, len(features(self.model)))))
        columns = columns_from_fields(self.model, table.numbers)
        matrix = matrix_from_columns(self.model, columns)
        decisions = self.decisions_from_matrix(matrix)
        row_indices = [
            i for i, d in enumerate(decisions) if with_reasons or d.decision != "approve"
        ]
        if row_indices:
            selected = {name: column[row_indices] for name, column in columns.items()}
            reasons = self.explain_rows(selected, matrix[row_indices])
            for i, row_reasons in zip(row_indices, reasons, strict=True):
                decisions[i] = decisions[i]._replace(reasons=row_reasons)
        return Scored(decisions, matrix)

    def decisions_from_matrix(self, matrix: Matrix) -> list[Decision]:
        """Decide on rows of the feature matrix, without reasons."""
        return self._decide(probabilities_from_log_odds(self.log_odds_from_matrix(matrix)))

    def decide_without_reasons(self, applications: Sequence[CreditModel]) -> list[Decision]:
        """Decide on applications without reasons, which take longer to compute than decisions."""
        return self._decide(probabilities_from_log_odds(self.log_odds(applications)))

    def explain_rows(self, columns: Columns, matrix: Matrix) -> list[tuple[AdverseReason, ...]]:
        """Return the reasons of rows, given as columns and as the matrix built from them."""
        contributions = self.estimator.contributions(matrix, self._baseline_row)
        points = points_from_contributions(contributions, self.points_from_log_odds)
        rows = ExplainedRows(columns, matrix, contributions.values, points)
        return select_reasons(self.model, self.estimator, self._baseline_row, rows)

    @cached_property
    def _baseline_row(self) -> Matrix:
        return matrix_from_baseline(self.model, self.baseline)

    def log_odds(self, applications: Sequence[CreditModel]) -> LogOdds:
        """Return calibrated log-odds of default, shape `(n,)`."""
        if not applications:
            return np.empty(0)
        columns = columns_from_applications(self.model, applications)
        return self.log_odds_from_matrix(matrix_from_columns(self.model, columns))

    def log_odds_from_matrix(self, matrix: Matrix) -> LogOdds:
        """Return calibrated log-odds of rows of the feature matrix, shape `(n,)`."""
        return calibrate(self.estimator.log_odds(matrix), self.calibration)

    def points_from_log_odds(self, log_odds: LogOdds) -> NDArray[np.float64]:
        """Return unrounded scores for log-odds before calibration, shape `(n,)`."""
        probabilities = probabilities_from_log_odds(calibrate(log_odds, self.calibration))
        return np.array(scores_from_probabilities(probabilities.tolist(), self.scale))

    def _decide(self, column: Probabilities) -> list[Decision]:
        probabilities = column.tolist()
        scores = scores_from_probabilities(probabilities, self.scale)
        decisions = [decide(probability, self.policy) for probability in probabilities]
        levels = map(RISK_LEVELS.__getitem__, decisions)
        ratings = [rating_from_score(s, self.bands) for s in scores] if self.bands else repeat(None)
        return list(map(Decision, probabilities, scores, levels, decisions, ratings))


def probabilities_from_log_odds(log_odds: LogOdds) -> Probabilities:
    """Return probabilities strictly between 0 and 1; log-odds are clipped to `LOG_ODDS_LIMIT`."""
    clipped = np.minimum(np.maximum(log_odds, -LOG_ODDS_LIMIT), LOG_ODDS_LIMIT)
    probabilities: Probabilities = 1.0 / (1.0 + np.exp(-clipped))
    return probabilities
