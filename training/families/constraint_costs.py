"""What documented signs cost: accuracy of trees that are free, constrained, or lack one sign.

A sign is knowledge that data may contradict: by chance, because a code is read as a number, or
because it is wrong. One that costs accuracy deserves a second look at its field.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
from sklearn.pipeline import Pipeline
from xgboost import XGBClassifier

from models.features import features
from models.metrics import Probabilities, auc, auc_difference
from models.scorer import probabilities_from_log_odds
from training.families.candidates import Candidate, Fit
from training.families.folds import FoldedData, predict_folds
from training.progress import show_steps

MOST_COST = 0.001  # of AUC, above which a sign is named
TREES, LEARNING_RATE = 100, 0.1  # fewer and faster than those that are served


@dataclass(frozen=True, slots=True, kw_only=True)
class SignCost:
    """The AUC that trees gain without one documented sign, with its 95 % interval."""

    feature: str
    sign: int
    cost: float
    low: float
    high: float

    @property
    def is_high(self) -> bool:
        """Whether the sign costs more than it may. On few rows chance alone can do that."""
        return self.cost > MOST_COST


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstraintCosts:
    """Out-of-fold AUC on training rows, without any sign and with all, and each sign's cost."""

    free_auc: float
    constrained_auc: float
    cost: float
    low: float
    high: float
    signs: tuple[SignCost, ...]

    @property
    def costly(self) -> tuple[SignCost, ...]:
        """The signs that cost more than they may, the costliest first."""
        high = [sign for sign in self.signs if sign.is_high]
        return tuple(sorted(high, key=lambda sign: -sign.cost))


def measure_constraint_costs(fit: Fit, data: FoldedData) -> ConstraintCosts | None:
    """Measure what all documented signs cost together, and each one by itself.

    None if the model documents no sign.
    """
    signs = {f.characteristic: f.sign for f in features(fit.model) if f.sign}
    if not signs:
        return None
    labels = data.labels
    with show_steps("costs of documented signs", len(data.folds) * (len(signs) + 2)) as advance:
        constrained = _predict(fit, data, (), advance)
        free = _predict(fit, data, signs, advance)
        costs = []
        for name, sign in signs.items():
            without = _predict(fit, data, (name,), advance)
            cost, low, high = _compare(data, without, constrained)
            costs.append(SignCost(feature=name, sign=sign, cost=cost, low=low, high=high))
    cost, low, high = _compare(data, free, constrained)
    return ConstraintCosts(
        free_auc=auc(labels, free, data.weights),
        constrained_auc=auc(labels, constrained, data.weights),
        cost=cost,
        low=low,
        high=high,
        signs=tuple(costs),
    )


def _predict(
    fit: Fit, data: FoldedData, without: Collection[str], advance: Callable[[], None]
) -> Probabilities:
    """Predict every row by a fit without it, whose trees lack the signs of some fields."""
    signs = tuple(0 if f.characteristic in without else f.sign for f in features(fit.model))
    candidate = Candidate("xgboost", lambda _: _build_trees(fit, signs))
    log_odds = np.empty(len(data.labels))
    for held, predicted in predict_folds(candidate, fit, data):
        log_odds[held] = predicted
        advance()
    return probabilities_from_log_odds(log_odds)


def _build_trees(fit: Fit, signs: tuple[int, ...]) -> Pipeline:
    # Without sampling of rows and columns: two fits then differ by their signs alone.
    classify = XGBClassifier(
        n_estimators=TREES,
        learning_rate=LEARNING_RATE,
        max_depth=4,
        min_child_weight=10,
        reg_lambda=5,
        monotone_constraints=signs,
        random_state=fit.seed,
        n_jobs=fit.threads,
    )
    return Pipeline([("classify", classify)])


def _compare(
    data: FoldedData, first: Probabilities, second: Probabilities
) -> tuple[float, float, float]:
    """Return the AUC of the first less that of the second, and the ends of its interval."""
    difference = auc_difference(data.labels, first, second, data.weights)
    half = (difference.value - difference.lower_bound(0.975)) if difference.standard_error else 0.0
    return difference.value, difference.value - half, difference.value + half
