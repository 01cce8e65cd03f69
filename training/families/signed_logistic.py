"""Logistic regression with sign constraints on its weights."""

from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from models.metrics import Labels
from models.weighting import Weights, weighted_mean


class SignedLogisticRegression(LogisticRegression):  # type: ignore[misc]  # it has no types
    """A logistic regression that drops features with the wrong sign and fits again without them.

    `signs` has +1, -1 or 0 (unconstrained) for each column. Source: common practice for scorecards,
    Siddiqi, Intelligent Credit Scoring, 2nd ed., 2017.
    """

    def __init__(
        self,
        *,
        signs: Sequence[int] = (),
        C: float = 1.0,  # noqa: N803 -- scikit-learn's name of the inverse strength
        max_iter: int = 100,
    ) -> None:
        super().__init__(C=C, max_iter=max_iter)
        self.signs = signs

    def fit(
        self,
        X: NDArray[np.float64],  # noqa: N803 -- scikit-learn's names
        y: Labels,
        sample_weight: Weights | None = None,
    ) -> Self:
        """Fit until no weight of a remaining feature has the wrong sign."""
        signs, is_active = np.array(self.signs), np.ones(X.shape[1], dtype=bool)
        weights = np.zeros(X.shape[1])
        while is_active.any():
            super().fit(X[:, is_active], y, sample_weight)
            weights[:] = 0.0
            weights[is_active] = self.coef_[0]
            is_wrong = weights * signs < 0
            if not is_wrong.any():
                break
            is_active &= ~is_wrong
        if not is_active.any():
            weights[:] = 0.0
            rate = weighted_mean(y, sample_weight)
            self.intercept_ = np.log([rate / (1.0 - rate)])
        self.coef_: NDArray[np.float64] = weights[None, :]
        self.n_features_in_ = X.shape[1]
        return self
