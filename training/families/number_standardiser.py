"""Numbers that are imputed by their median and standardised, with sample weights."""

from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import StandardScaler

from models.annotations import Column
from models.features import Matrix
from models.metrics import Labels
from models.weighting import Weights, weighted_quantiles


class NumberStandardiser(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # it has no types
    """Impute and standardise the first `count` columns of a matrix, and pass the others through.

    `medians_`, `means_` and `scales_` have one entry for each number. A column without any value
    has a median of 0.
    """

    def __init__(self, *, count: int = 0) -> None:
        self.count = count

    def fit(self, X: Matrix, y: Labels, sample_weight: Weights | None = None) -> Self:  # noqa: ARG002, N803 -- scikit-learn's names
        """Find median, mean and standard deviation of each number."""
        self.medians_ = np.array(
            [_find_median(column, sample_weight) for column in X[:, : self.count].T]
        )
        self.means_, self.scales_ = np.empty(0), np.empty(0)
        if self.count:
            scaler = StandardScaler().fit(self._impute(X), sample_weight=sample_weight)
            self.means_, self.scales_ = scaler.mean_, scaler.scale_
        return self

    def transform(self, X: Matrix) -> Matrix:  # noqa: N803 -- scikit-learn's names
        """Return the standardised numbers, and the other columns as they are."""
        standardised = (self._impute(X) - self.means_) / self.scales_
        return np.hstack([standardised, X[:, self.count :]])

    def _impute(self, matrix: Matrix) -> Matrix:
        numbers = matrix[:, : self.count]
        return np.where(np.isnan(numbers), self.medians_, numbers)


def _find_median(column: Column, weights: Weights | None) -> float:
    is_present = ~np.isnan(column)
    if not is_present.any():
        return 0.0
    if weights is None:
        return float(np.median(column[is_present]))
    return float(weighted_quantiles(column[is_present], [0.5], weights[is_present])[0])
