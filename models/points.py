"""Contributions in score points: a score difference, allocated in proportion to log-odds."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from models.estimators.families import Contributions
from models.features import Matrix

LEAST_LOG_ODDS = 1e-6  # below this distance from the expected value, its slope sets the shares
STEP = 1e-3

Scores = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def points_from_contributions(contributions: Contributions, scores: Scores) -> Matrix:
    """Return the points each feature adds to the score of the expected value.

    The sum of a row is its score minus the score of the expected value. Calibration and a linear
    scale are not linear in log-odds, so points are not additive by themselves. `scores` returns
    the unrounded score of log-odds before calibration.
    """
    expected_value = contributions.expected_value
    totals = contributions.values.sum(axis=1)
    near = np.abs(totals) < LEAST_LOG_ODDS
    # At the expected value itself the ratio is 0 / 0, so the slope around it is used.
    high, low = np.where(near, STEP / 2, totals), np.where(near, -STEP / 2, 0.0)
    differences = scores(expected_value + high) - scores(expected_value + low)
    points: Matrix = contributions.values * (differences / (high - low))[:, None]
    return points
