"""The core: applications in, decisions out."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from models.annotations import Columns
from models.calibration import BetaCalibration, calibrated
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
from models.reasons import AdverseReason, Baseline, Rows, adverse_reasons, matrix_from_baseline
from models.score_scale import Bands, Scale, rating_from_score, score_from_probability
from models.table import Table, table_from_applications

LOG_ODDS_LIMIT = 20.0  # a probability of 2e-9; beyond it a double could round to 0 or 1


class Decision(NamedTuple):
    """What one application gets: a probability in (0, 1), unrounded points, and what follows.

    `rating` is None where the model declares no bands; `reasons` is None where none were asked
    for and the decision is to approve.
    """

    probability_of_default: float
    credit_score: float
    risk_level: RiskLevel
    decision: DecisionName
    rating: str | None = None
    reasons: tuple[AdverseReason, ...] | None = None


class Scored(NamedTuple):
    """Decisions, and the matrix they were made from."""

    decisions: list[Decision]
    matrix: Matrix


@dataclass(frozen=True)
class Scorer:
    """A credit model with a fitted estimator, and what it was published with to decide by."""

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
        """Score with the scale and bands the catalogue declares now."""
        return cls(model, estimator, calibration, baseline, model.scale, policy, model.bands)

    def decide(
        self, applications: Sequence[CreditModel], *, with_reasons: bool = False
    ) -> list[Decision]:
        """Decide on applications, each as if it were alone.

        Reasons are given to those that are not approved, and to all `with_reasons`.
        """
        table = table_from_applications(self.model, applications)
        return self.decide_table(table, with_reasons=with_reasons).decisions

    def decide_table(self, table: Table, *, with_reasons: bool = False) -> Scored:
        """Decide as `decide` does, and tell from which features."""
        if not len(table):
            return Scored([], np.empty((0, len(features(self.model)))))
        columns = columns_from_fields(self.model, table.numbers)
        matrix = matrix_from_columns(self.model, columns)
        decisions = self.decisions_from_matrix(matrix)
        wanted = [i for i, d in enumerate(decisions) if with_reasons or d.decision != "approve"]
        if wanted:
            chosen = {name: column[wanted] for name, column in columns.items()}
            found = self._reasons(chosen, matrix[wanted])
            for i, reasons in zip(wanted, found, strict=True):
                decisions[i] = decisions[i]._replace(reasons=reasons)
        return Scored(decisions, matrix)

    def decisions_from_matrix(self, matrix: Matrix) -> list[Decision]:
        """Decide on rows of the model's matrix, without reasons."""
        probabilities = probabilities_from_log_odds(self.log_odds_from_matrix(matrix))
        return [self._decision(probability) for probability in probabilities.tolist()]

    def decide_without_reasons(self, applications: Sequence[CreditModel]) -> list[Decision]:
        """Decide on applications and leave reasons out, which cost more than they."""
        probabilities = probabilities_from_log_odds(self.log_odds(applications))
        return [self._decision(probability) for probability in probabilities.tolist()]

    def _reasons(self, columns: Columns, matrix: Matrix) -> list[tuple[AdverseReason, ...]]:
        log_odds = self.estimator.contributions(matrix, self._typical)
        points = points_from_contributions(log_odds, self.points_from_log_odds)
        rows = Rows(columns, matrix, log_odds.values, points)
        return adverse_reasons(self.model, self.estimator, self._typical, rows)

    @cached_property
    def _typical(self) -> Matrix:
        return matrix_from_baseline(self.model, self.baseline)

    def log_odds(self, applications: Sequence[CreditModel]) -> LogOdds:
        """Calibrated log-odds of default, shape `(n,)`."""
        if not applications:
            return np.empty(0)
        columns = columns_from_applications(self.model, applications)
        return self.log_odds_from_matrix(matrix_from_columns(self.model, columns))

    def log_odds_from_matrix(self, matrix: Matrix) -> LogOdds:
        """Calibrated log-odds of rows of the model's matrix."""
        return calibrated(self.estimator.log_odds(matrix), self.calibration)

    def points_from_log_odds(self, log_odds: LogOdds) -> NDArray[np.float64]:
        """Unrounded scores of log-odds before calibration, shape `(n,)`."""
        probabilities = probabilities_from_log_odds(calibrated(log_odds, self.calibration))
        return np.array([score_from_probability(p, self.scale) for p in probabilities.tolist()])

    def _decision(self, probability: float) -> Decision:
        decision = decide(probability, self.policy)
        score = score_from_probability(probability, self.scale)
        rating = rating_from_score(score, self.bands) if self.bands else None
        return Decision(probability, score, RISK_LEVELS[decision], decision, rating)


def probabilities_from_log_odds(log_odds: LogOdds) -> Probabilities:
    """Probabilities strictly between 0 and 1; log-odds are held within `LOG_ODDS_LIMIT`."""
    held = np.minimum(np.maximum(log_odds, -LOG_ODDS_LIMIT), LOG_ODDS_LIMIT)
    probabilities: Probabilities = 1.0 / (1.0 + np.exp(-held))
    return probabilities
