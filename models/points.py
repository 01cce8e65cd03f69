"""Contributions in points: a score difference shared out in proportion to log-odds."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from models.estimators.families import Contributions
from models.features import Matrix

LEAST_LOG_ODDS = 1e-6  # nearer to the base the share is taken from the slope there
STEP = 1e-3

Scores = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def points_from_contributions(found: Contributions, scores: Scores) -> Matrix:
    """Points each feature adds to the base's score; a row's sum is its score less the base's.

    Calibration and a linear scale bend log-odds, so that points are not additive by themselves.
    `scores` gives the unrounded score of log-odds before calibration.
    """
    totals = found.values.sum(axis=1)
    near = np.abs(totals) < LEAST_LOG_ODDS
    # Where the base itself stands, the slope of the score around it.
    high, low = np.where(near, STEP / 2, totals), np.where(near, -STEP / 2, 0.0)
    differences = scores(found.base + high) - scores(found.base + low)
    points: Matrix = found.values * (differences / (high - low))[:, None]
    return points
