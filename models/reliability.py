"""Calibration metrics of default probabilities, with the noise floor of a perfect model.

`labels` are 0 or 1 (1 = default), `probabilities` in (0, 1), both of shape `(n,)`. With `weights`
`(n,)`, every figure is that of the applications that the rows stand for. Its error is that of the
rows, however many applications they stand for, and allows that weights differ by outcome.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.metrics import Labels, Probabilities
from models.weighting import Weights, weigh, weighted_mean

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
    labels: Labels,
    probabilities: Probabilities,
    confidence: float,
    seed: int,
    weights: Weights | None = None,
) -> Reliability:
    """Measure calibration. The noise floor is simulated from the probabilities themselves."""
    floor = (
        simulate_ece_floor(probabilities, seed)
        if weights is None
        else simulate_weighted_floor(labels, probabilities, weights, seed)
    )
    slope, slope_error = calibration_slope(labels, probabilities, weights)
    variance = defaults_variance(labels, probabilities, weights)
    total = float(weigh(np.ones(len(labels)), weights).sum())
    return Reliability(
        ece=expected_calibration_error(labels, probabilities, weights),
        ece_floor=float(floor.mean()),
        ece_floor_high=float(np.quantile(floor, confidence)),
        in_the_large=weighted_mean(probabilities, weights) - weighted_mean(labels, weights),
        in_the_large_error=variance**0.5 / total,
        slope=slope,
        slope_error=slope_error,
    )


def defaults_variance(
    labels: Labels, probabilities: Probabilities, weights: Weights | None = None
) -> float:
    """Return the variance of the number of defaults, if the probabilities are right.

    With weights it is estimated from the outcomes: rows may have been drawn by their outcome, and a
    row's own probability is then not its chance of being a default in the sample.
    """
    if weights is None:
        return float(np.sum(probabilities * (1.0 - probabilities)))
    return float(np.sum((weights * (labels - probabilities)) ** 2))


def expected_calibration_error(
    labels: Labels, probabilities: Probabilities, weights: Weights | None = None
) -> float:
    """Return the mean gap between probability and outcome over bins of equal mass.

    Rows of equal probability share their mean outcome, so the order of rows does not matter.
    """
    rising, ties = _sort_with_ties(probabilities)
    order = np.argsort(probabilities, kind="stable")
    if weights is None:
        return _error_from_sorted(labels[order], rising, ties)
    gaps = (weights * (probabilities - labels))[order]
    return _error_from_gaps(gaps, weights[order], ties)


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


def simulate_weighted_floor(
    labels: Labels, probabilities: Probabilities, weights: Weights, seed: int
) -> NDArray[np.float64]:
    """Simulate the errors of a perfect model on weighted rows, shape `(SIMULATIONS,)`.

    The gap of each row gets a random sign. Sums of gaps then have a mean of 0 and the variance that
    they have in the sample. Source: Wu, Jackknife, bootstrap and other resampling methods in
    regression analysis, Annals of Statistics 14 (1986).
    """
    random = np.random.default_rng(seed)
    _, ties = _sort_with_ties(probabilities)
    order = np.argsort(probabilities, kind="stable")
    gaps = (weights * (probabilities - labels))[order]
    return np.array(
        [
            _error_from_gaps(gaps * random.choice((-1.0, 1.0), len(gaps)), weights[order], ties)
            for _ in range(SIMULATIONS)
        ]
    )


def calibration_slope(
    labels: Labels, probabilities: Probabilities, weights: Weights | None = None
) -> tuple[float, float]:
    """Return the slope of a logistic regression of labels on log-odds, and its standard error.

    With weights the error is that of a sandwich estimate. Source: Cox, Two further applications of
    a model for binary regression, Biometrika 45 (1958).
    """
    design = np.column_stack([np.ones(len(labels)), np.log(probabilities / (1 - probabilities))])
    shares = weigh(np.ones(len(labels)), weights)
    line = np.array([0.0, 1.0])
    for _ in range(NEWTON_STEPS):
        fitted = _logistic(design @ line)
        information = (design * (shares * fitted * (1.0 - fitted))[:, None]).T @ design
        # The pseudo-inverse, because constant probabilities make the information matrix singular.
        step = np.linalg.pinv(information) @ (design.T @ (shares * (labels - fitted)))
        reached = _likelihood(design @ line, labels, shares)
        while _likelihood(design @ (line + step), labels, shares) < reached - np.finfo(
            float
        ).eps * float(shares.sum()):
            step /= 2.0
        line = line + step
    covariance = np.linalg.pinv(information)
    if weights is not None:
        slopes = design * (weights * (labels - _logistic(design @ line)))[:, None]
        covariance = covariance @ (slopes.T @ slopes) @ covariance
    return float(line[1]), float(max(covariance[1, 1], 0.0) ** 0.5)


def _logistic(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.exp(-np.logaddexp(0.0, -log_odds))


def _likelihood(log_odds: NDArray[np.float64], labels: Labels, weights: Weights) -> float:
    return float(np.sum(weights * (labels * log_odds - np.logaddexp(0.0, log_odds))))


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


def _error_from_gaps(gaps: NDArray[np.float64], weights: Weights, ties: NDArray[np.int64]) -> float:
    """Return the error from weighted gaps of rows in rising order; ties share their mean gap."""
    shared = (np.bincount(ties, weights=gaps) / np.bincount(ties, weights=weights))[ties] * weights
    counts = np.cumsum(weights) - weights
    edges = np.searchsorted(counts, np.linspace(0.0, float(weights.sum()), BINS + 1)[:-1])
    sums = np.add.reduceat(shared, np.unique(np.minimum(edges, len(gaps) - 1)))
    return float(np.abs(sums).sum() / weights.sum())
