"""Calibration metrics of default probabilities, with the noise floor of a perfect model.

`labels` are 0 or 1 (1 = default), `probabilities` in (0, 1), both of shape `(n,)`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.metrics import Labels, Probabilities

BINS = 20  # of equal mass
SIMULATIONS = 500
NEWTON_STEPS = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """Calibration metrics of one model on one sample.

    - `ece` is the expected calibration error. A perfectly calibrated model has `ece_floor` on
      average, and stays below `ece_floor_high` with the requested confidence.
    - `in_the_large` is the mean probability minus the share of defaults.
    - `slope` is the slope of labels on log-odds. 1 is correct. Below 1 the probabilities are too
      extreme.
    """

    ece: float
    ece_floor: float
    ece_floor_high: float
    in_the_large: float
    in_the_large_error: float
    slope: float
    slope_error: float


def measure_reliability(
    labels: Labels, probabilities: Probabilities, confidence: float, seed: int
) -> Reliability:
    """Measure calibration. The noise floor is simulated from the probabilities themselves."""
    floor = simulate_ece_floor(probabilities, seed)
    slope, slope_error = calibration_slope(labels, probabilities)
    variance = float(np.sum(probabilities * (1.0 - probabilities)))
    return Reliability(
        ece=expected_calibration_error(labels, probabilities),
        ece_floor=float(floor.mean()),
        ece_floor_high=float(np.quantile(floor, confidence)),
        in_the_large=float(probabilities.mean() - labels.mean()),
        in_the_large_error=variance**0.5 / len(labels),
        slope=slope,
        slope_error=slope_error,
    )


def expected_calibration_error(labels: Labels, probabilities: Probabilities) -> float:
    """Return the mean gap between probability and outcome over bins of equal mass.

    Rows of equal probability share their mean outcome, so the order of rows does not matter.
    """
    rising, ties = _sort_with_ties(probabilities)
    return _error_from_sorted(labels[np.argsort(probabilities, kind="stable")], rising, ties)


def simulate_ece_floor(probabilities: Probabilities, seed: int) -> NDArray[np.float64]:
    """Simulate the errors of a perfect model with these probabilities, shape `(SIMULATIONS,)`."""
    random = np.random.default_rng(seed)
    rising, ties = _sort_with_ties(probabilities)
    return np.array(
        [
            _error_from_sorted((random.random(len(rising)) < rising).astype(np.int64), rising, ties)
            for _ in range(SIMULATIONS)
        ]
    )


def calibration_slope(labels: Labels, probabilities: Probabilities) -> tuple[float, float]:
    """Return the slope of a logistic regression of labels on log-odds, and its standard error.

    Source: Cox, Two further applications of a model for binary regression, Biometrika 45 (1958).
    """
    design = np.column_stack([np.ones(len(labels)), np.log(probabilities / (1 - probabilities))])
    weights = np.array([0.0, 1.0])
    for _ in range(NEWTON_STEPS):
        fitted = _logistic(design @ weights)
        information = (design * (fitted * (1.0 - fitted))[:, None]).T @ design
        # The pseudo-inverse, because constant probabilities make the information matrix singular.
        step = np.linalg.pinv(information) @ (design.T @ (labels - fitted))
        while _likelihood(design @ (weights + step), labels) < _likelihood(
            design @ weights, labels
        ) - np.finfo(float).eps * len(labels):
            step /= 2.0
        weights = weights + step
    return float(weights[1]), float(max(np.linalg.pinv(information)[1, 1], 0.0) ** 0.5)


def _logistic(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.exp(-np.logaddexp(0.0, -log_odds))


def _likelihood(log_odds: NDArray[np.float64], labels: Labels) -> float:
    return float(np.sum(labels * log_odds - np.logaddexp(0.0, log_odds)))


def _sort_with_ties(
    probabilities: Probabilities,
) -> tuple[Probabilities, NDArray[np.int64]]:
    """Return probabilities in rising order, and for each the index of its group of equal ones."""
    rising = np.sort(probabilities, kind="stable")
    return rising, np.concatenate([[0], np.cumsum(np.diff(rising) > 0)]).astype(np.int64)


def _error_from_sorted(
    labels: Labels, probabilities: Probabilities, ties: NDArray[np.int64]
) -> float:
    shared = (np.bincount(ties, weights=labels) / np.bincount(ties))[ties]
    edges = np.linspace(0, len(labels), min(BINS, len(labels)) + 1).astype(int)[:-1]
    gaps = np.add.reduceat(probabilities - shared, edges)
    return float(np.abs(gaps).sum() / len(labels))
