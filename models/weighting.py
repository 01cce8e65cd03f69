"""Sample weights: how many applications each row of a sample stands for.

Weights have shape `(n,)`. None stands for rows that all count once.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Weights = NDArray[np.float64]
Numbers = NDArray[np.float64]
Mask = NDArray[np.bool_]


def select_weights(weights: Weights | None, rows: ArrayLike) -> Weights | None:
    """Return the weights of some rows, by a mask or by indices."""
    return None if weights is None else weights[np.asarray(rows)]


def weigh(values: ArrayLike, weights: Weights | None) -> Numbers:
    """Return values `(n,)`, each times its weight."""
    numbers = np.asarray(values, dtype=np.float64)
    return numbers if weights is None else numbers * weights


def count_weighted(rows: int, weights: Weights | None) -> float:
    """Return the number of applications that the rows stand for."""
    return float(rows) if weights is None else float(weights.sum())


def count_effective(rows: int, weights: Weights | None) -> float:
    """Return the number of unweighted rows whose mean would be as certain.

    It is `(sum of weights)^2 / sum of squared weights`, at most the number of rows. Source: Kish,
    Survey Sampling, 1965.
    """
    if weights is None or not len(weights):
        return float(rows)
    return float(weights.sum() ** 2 / np.sum(weights**2))


def weighted_mean(values: ArrayLike, weights: Weights | None) -> float:
    """Return the mean of values `(n,)`."""
    return float(np.average(np.asarray(values), weights=weights))


def weighted_variance(values: ArrayLike, weights: Weights | None) -> float:
    """Return the variance of values `(n,)`, as of an entire population."""
    numbers = np.asarray(values, dtype=np.float64)
    return weighted_mean((numbers - weighted_mean(numbers, weights)) ** 2, weights)


def weighted_quantiles(
    values: Numbers, probabilities: Sequence[float] | Numbers, weights: Weights | None
) -> Numbers:
    """Return quantiles of values `(n,)`. With integer weights they are those of repeated rows.

    As in `numpy.quantile`, a quantile between two rows is interpolated. Weights below 1 count in
    units of the smallest, so that weights of any one value give the quantiles of the rows.
    """
    if weights is None:
        return np.quantile(values, probabilities)
    order = np.argsort(values, kind="stable")
    unit = min(1.0, float(weights.min()))
    counts = np.cumsum(weights[order]) / unit
    positions = np.asarray(probabilities) * (counts[-1] - 1.0)
    low = np.floor(positions + 1e-9)

    def look_up(position: Numbers) -> Numbers:
        indices = np.searchsorted(counts, position + 1e-9, side="right")
        return values[order[np.minimum(indices, len(values) - 1)]]

    first, second = look_up(low), look_up(low + 1.0)
    quantiles: Numbers = first + np.clip(positions - low, 0.0, 1.0) * (second - first)
    return quantiles
