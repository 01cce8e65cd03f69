"""The core: applications in, decisions out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from models.contract import CreditModel
from models.estimators import Estimator, LogOdds
from models.features import columns_from_applications, matrix_from_columns
from models.policy import RISK_LEVELS, Cutoffs, DecisionName, RiskLevel, decide
from models.scorecard import PointsToDoubleOdds, score_from_probability

LOG_ODDS_LIMIT = 20.0  # a probability of 2e-9; beyond it a double could round to 0 or 1


@dataclass(frozen=True, slots=True)
class Decision:
    """What one application gets: a probability in (0, 1), unrounded points, and what follows."""

    probability_of_default: float
    credit_score: float
    risk_level: RiskLevel
    decision: DecisionName


@dataclass(frozen=True, slots=True)
class Scorer:
    """A credit model with a fitted estimator, and the scale and policy it was published with."""

    model: type[CreditModel]
    estimator: Estimator
    scale: PointsToDoubleOdds
    policy: Cutoffs

    @classmethod
    def of(cls, model: type[CreditModel], estimator: Estimator) -> Self:
        """Score with the scale and policy the catalogue declares now."""
        return cls(model, estimator, model.scale, model.policy)

    def score(self, applications: Sequence[CreditModel]) -> list[Decision]:
        """Decide on applications, each as if it were alone."""
        return [self._decision(margin) for margin in self.log_odds(applications).tolist()]

    def log_odds(self, applications: Sequence[CreditModel]) -> LogOdds:
        """Log-odds of default, shape `(n,)`, as the estimator gives them."""
        if not applications:
            return np.empty(0)
        columns = columns_from_applications(self.model, applications)
        return self.estimator.log_odds(matrix_from_columns(self.model, columns))

    def _decision(self, margin: float) -> Decision:
        probability = probability_from_log_odds(margin)
        decision = decide(probability, self.policy)
        return Decision(
            probability_of_default=probability,
            credit_score=score_from_probability(probability, self.scale),
            risk_level=RISK_LEVELS[decision],
            decision=decision,
        )


def probability_from_log_odds(log_odds: float) -> float:
    """Probability strictly between 0 and 1; log-odds are held within `LOG_ODDS_LIMIT`."""
    held = min(max(log_odds, -LOG_ODDS_LIMIT), LOG_ODDS_LIMIT)
    return 1.0 / (1.0 + math.exp(-held))
