"""The baseline applicant of explanations, and the spreads of numbers for recourse."""

import numpy as np

from models.annotations import Column, Columns
from models.contract import Characteristic, CreditModel, characteristics
from models.explaining.recourse_grid import Spread, Spreads
from models.features import Matrix, features, value_from_column
from models.metrics import Labels
from models.reasons import Baseline


def fit_baseline(model: type[CreditModel], columns: Columns, labels: Labels) -> Baseline:
    """Return the typical applicant without a default: the median of numbers, the mode of levels.

    A number that is mostly absent or special has its most frequent value. Each field is computed
    separately, so the baseline is not the application of a real person.
    """
    return {
        c.name: value_from_column(c, _choose_typical(c, columns[c.name][labels == 0]))
        for c in characteristics(model)
        if c.compute is None and not c.protected
    }


def spreads_from_matrix(model: type[CreditModel], matrix: Matrix) -> Spreads:
    """Return the spread of each number over a feature matrix, without absent and special values."""
    fields = {c.name for c in characteristics(model) if c.compute is None and not c.levels}
    spreads = {}
    for feature, column in zip(features(model), matrix.T, strict=True):
        amounts = column[~np.isnan(column)]
        if feature.equals is None and feature.name in fields and len(amounts):
            first, lower, upper, last = np.quantile(amounts, (0.01, 0.25, 0.75, 0.99)).tolist()
            spreads[feature.name] = Spread(
                lowest=first, highest=last, interquartile_range=upper - lower
            )
    return spreads


def _choose_typical(c: Characteristic, column: Column) -> float:
    is_amount = ~np.isnan(column) & ~np.isin(column, tuple(c.special))
    if (c.levels and not c.is_ordered) or is_amount.sum() <= len(column) / 2:
        values, counts = np.unique(column, return_counts=True)
        return float(values[counts.argmax()])
    return float(np.quantile(column[is_amount], 0.5, method="lower"))
