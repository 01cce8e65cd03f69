"""The baseline applicant of explanations, and the spreads of numbers for recourse."""

import numpy as np

from models.annotations import Column, Columns
from models.contract import Characteristic, CreditModel, characteristics
from models.explaining.recourse_grid import Spread, Spreads
from models.features import Matrix, features, value_from_column
from models.metrics import Labels
from models.reasons import Baseline
from models.weighting import Weights, select_weights, weigh, weighted_quantiles

QUANTILES = (0.01, 0.25, 0.75, 0.99)


def fit_baseline(
    model: type[CreditModel],
    columns: Columns,
    labels: Labels,
    weights: Weights | None = None,
) -> Baseline:
    """Return the typical applicant without a default: the median of numbers, the mode of levels.

    A number that is mostly absent or special has its most frequent value. Each field is computed
    separately, so the baseline is not the application of a real person.
    """
    good = labels == 0
    shares = weigh(np.ones(len(labels)), weights)[good]
    return {
        c.name: value_from_column(c, _choose_typical(c, columns[c.name][good], shares))
        for c in characteristics(model)
        if c.compute is None and not c.protected
    }


def spreads_from_matrix(
    model: type[CreditModel], matrix: Matrix, weights: Weights | None = None
) -> Spreads:
    """Return the spread of each number over a feature matrix, without absent and special values."""
    fields = {c.name for c in characteristics(model) if c.compute is None and not c.levels}
    spreads = {}
    for feature, column in zip(features(model), matrix.T, strict=True):
        is_amount = ~np.isnan(column)
        amounts, shares = column[is_amount], select_weights(weights, is_amount)
        if feature.equals is None and feature.name in fields and len(amounts):
            first, lower, upper, last = weighted_quantiles(amounts, QUANTILES, shares).tolist()
            spreads[feature.name] = Spread(
                lowest=first, highest=last, interquartile_range=upper - lower
            )
    return spreads


def _choose_typical(c: Characteristic, column: Column, weights: Weights) -> float:
    is_amount = ~np.isnan(column) & ~np.isin(column, tuple(c.special))
    if (c.levels and not c.is_ordered) or weights[is_amount].sum() <= weights.sum() / 2:
        values, indices = np.unique(column, return_inverse=True)
        return float(values[np.bincount(indices, weights=weights).argmax()])
    return _find_lower_median(column[is_amount], weights[is_amount])


def _find_lower_median(column: Column, weights: Weights) -> float:
    """Return the least value that at least half of the applications do not exceed."""
    order = np.argsort(column, kind="stable")
    counts = np.cumsum(weights[order])
    return float(column[order[np.searchsorted(counts, counts[-1] / 2)]])
