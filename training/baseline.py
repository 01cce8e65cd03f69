"""The baseline applicant of explanations, and the spreads of numbers for recourse."""

import statistics
from collections import Counter
from collections.abc import Sequence

import numpy as np

from models.contract import Characteristic, CreditModel, characteristics
from models.explaining.recourse_grid import Spread, Spreads
from models.features import Matrix, features
from models.metrics import Labels
from models.reasons import Baseline


def fit_baseline(
    model: type[CreditModel], applications: Sequence[CreditModel], labels: Labels
) -> Baseline:
    """Return the typical applicant without a default: the median of numbers, the mode of levels.

    A number that is mostly absent or special has its most frequent value. Each field is computed
    separately, so the baseline is not the application of a real person.
    """
    good = [a for a, label in zip(applications, labels, strict=True) if label == 0]
    return {
        c.name: _choose_typical(c, [getattr(a, c.name) for a in good])
        for c in characteristics(model)
        if c.compute is None and not c.protected
    }


def spreads_from_matrix(model: type[CreditModel], matrix: Matrix) -> Spreads:
    """Return the spread of each number over a feature matrix, without absent and special values."""
    fields = {c.name for c in characteristics(model) if c.compute is None}
    spreads = {}
    for feature, column in zip(features(model), matrix.T, strict=True):
        amounts = column[~np.isnan(column)]
        if feature.equals is None and feature.name in fields and len(amounts):
            first, lower, upper, last = np.quantile(amounts, (0.01, 0.25, 0.75, 0.99)).tolist()
            spreads[feature.name] = Spread(
                lowest=first, highest=last, interquartile_range=upper - lower
            )
    return spreads


def _choose_typical(
    c: Characteristic, values: list[str | int | float | None]
) -> str | int | float | None:
    amounts = [v for v in values if isinstance(v, int | float) and v not in c.special]
    if c.levels or len(amounts) <= len(values) / 2:
        counts = Counter(values)
        return max(counts, key=lambda value: (counts[value], str(value)))
    return statistics.median_low(amounts)
