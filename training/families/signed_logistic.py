"""A logistic regression that never goes against a documented sign."""

from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from models.metrics import Labels


class SignedLogisticRegression(LogisticRegression):  # type: ignore[misc]  # it has no types
    """Leaves out features whose weight would have the wrong sign, and fits again without them.

    `signs` has +1, -1 or 0 (free) for each column. Source: the usual practice of scorecards,
    Siddiqi, Intelligent Credit Scoring, 2nd ed., 2017.
    """

    def __init__(self, *, signs: Sequence[int] = (), max_iter: int = 100) -> None:
        super().__init__(max_iter=max_iter)
        self.signs = signs

    def fit(self, X: NDArray[np.float64], y: Labels) -> Self:  # noqa: N803 -- scikit-learn's names
        """Fit until no weight of a kept feature has the wrong sign."""
        signs, kept = np.array(self.signs), np.ones(X.shape[1], dtype=bool)
        weights = np.zeros(X.shape[1])
        while kept.any():
            super().fit(X[:, kept], y)
            weights[:] = 0.0
            weights[kept] = self.coef_[0]
            wrong = weights * signs < 0
            if not wrong.any():
                break
            kept &= ~wrong
        if not kept.any():
            weights[:] = 0.0
            self.intercept_ = np.log([y.mean() / (1.0 - y.mean())])
        self.coef_: NDArray[np.float64] = weights[None, :]
        self.n_features_in_ = X.shape[1]
        return self
