"""How well probabilities of default rank and fit, with intervals; numpy only.

`labels` are 0 or 1 (1 = default), `probabilities` in (0, 1), both of shape `(n,)`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from models.errors import DataError

Labels = NDArray[np.int64]
Probabilities = NDArray[np.float64]

HALF = 0.5  # where accuracy, precision, recall and F1 begin to call a row a default, if not told
RESAMPLES = 500
COVERAGE = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


def auc(labels: Labels, probabilities: Probabilities) -> float:
    """Probability that a default is ranked above a non-default; ties count half."""
    bads = int(labels.sum())
    goods = len(labels) - bads
    bad_ranks = average_ranks(probabilities)[labels == 1].sum()
    return float((bad_ranks - bads * (bads + 1) / 2) / (bads * goods))


def average_ranks(values: Probabilities) -> Probabilities:
    """Ranks from 1, ties sharing their mean rank."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[place]


def gini(labels: Labels, probabilities: Probabilities) -> float:
    """`2 AUC - 1`."""
    return 2.0 * auc(labels, probabilities) - 1.0


def ks(labels: Labels, probabilities: Probabilities) -> float:
    """Largest distance between the distributions of defaults and of non-defaults, in [0, 1]."""
    values, place = np.unique(probabilities, return_inverse=True)
    bads = np.bincount(place, weights=labels, minlength=len(values)).cumsum()
    goods = np.bincount(place, weights=1 - labels, minlength=len(values)).cumsum()
    return float(np.abs(bads / bads[-1] - goods / goods[-1]).max())


def brier(labels: Labels, probabilities: Probabilities) -> float:
    """Mean squared error of the probabilities."""
    return float(np.mean((probabilities - labels) ** 2))


def log_loss(labels: Labels, probabilities: Probabilities) -> float:
    """Mean negative log-likelihood, in nats."""
    return float(np.mean(row_log_loss(labels, probabilities)))


def row_log_loss(labels: Labels, probabilities: Probabilities) -> NDArray[np.float64]:
    """Negative log-likelihood of each row."""
    return -np.log(np.where(labels == 1, probabilities, 1.0 - probabilities))


def accuracy(labels: Labels, probabilities: Probabilities, default_from: float = HALF) -> float:
    """Share classified rightly."""
    return float(np.mean((probabilities >= default_from) == (labels == 1)))


def precision(labels: Labels, probabilities: Probabilities, default_from: float = HALF) -> float:
    """Share of defaults among those classified as default; 0 when none is."""
    flagged = probabilities >= default_from
    return float(labels[flagged].mean()) if flagged.any() else 0.0


def recall(labels: Labels, probabilities: Probabilities, default_from: float = HALF) -> float:
    """Share of the defaults that is classified as default."""
    return float((probabilities >= default_from)[labels == 1].mean())


def f1(labels: Labels, probabilities: Probabilities, default_from: float = HALF) -> float:
    """Harmonic mean of precision and recall; 0 when both are."""
    p, r = (metric(labels, probabilities, default_from) for metric in (precision, recall))
    return 2 * p * r / (p + r) if p + r else 0.0


METRICS: dict[str, Callable[[Labels, Probabilities], float]] = {
    "auc": auc,
    "gini": gini,
    "ks": ks,
    "brier": brier,
    "log_loss": log_loss,
}
CLASSIFYING = {"accuracy": accuracy, "precision": precision, "recall": recall, "f1": f1}


def evaluate(
    labels: Labels, probabilities: Probabilities, seed: int, default_from: float = HALF
) -> dict[str, Estimate]:
    """All metrics, with percentile intervals of a bootstrap stratified by label.

    Those that classify call a row a default from `default_from` on.

    Raises
    ------
    DataError
        If there is no default or nothing but defaults: then nothing can be ranked.
    """
    bads, goods = np.flatnonzero(labels == 1), np.flatnonzero(labels == 0)
    if not len(bads) or not len(goods):
        message = "the test part needs defaults and non-defaults; it has only one of them"
        raise DataError(message)
    random = np.random.default_rng(seed)
    resamples = [
        np.concatenate([random.choice(bads, len(bads)), random.choice(goods, len(goods))])
        for _ in range(RESAMPLES)
    ]
    classifying = {n: partial(m, default_from=default_from) for n, m in CLASSIFYING.items()}
    return {
        name: _interval(metric(labels, probabilities), values)
        for name, metric in (METRICS | classifying).items()
        for values in [[metric(labels[rows], probabilities[rows]) for rows in resamples]]
    }


def _interval(value: float, values: list[float]) -> Estimate:
    tail = (1 - COVERAGE) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return Estimate(value=value, low=float(low), high=float(high))


@dataclass(frozen=True, slots=True)
class Difference:
    """A paired difference and its standard error."""

    value: float
    standard_error: float

    def lower_bound(self, confidence: float = 0.95) -> float:
        """One-sided lower confidence bound."""
        return self.value - NormalDist().inv_cdf(confidence) * self.standard_error


def auc_difference(labels: Labels, first: Probabilities, second: Probabilities) -> Difference:
    """AUC of `first` minus AUC of `second` on the same rows, with DeLong's standard error.

    Source: Sun & Xu, Fast implementation of DeLong's algorithm, IEEE SPL 21 (2014).
    """
    bad, good = labels == 1, labels == 0
    bads, goods = int(bad.sum()), int(good.sum())
    bad_places, good_places = [], []
    for scores in (first, second):
        ranks = average_ranks(scores)
        bad_places.append((ranks[bad] - average_ranks(scores[bad])) / goods)
        good_places.append(1.0 - (ranks[good] - average_ranks(scores[good])) / bads)
    contrast = np.array([1.0, -1.0])
    covariance = np.cov(bad_places) / bads + np.cov(good_places) / goods
    variance = float(contrast @ covariance @ contrast)
    return Difference(
        value=float(np.mean(bad_places[0]) - np.mean(bad_places[1])),
        standard_error=max(variance, 0.0) ** 0.5,
    )


def log_loss_difference(labels: Labels, first: Probabilities, second: Probabilities) -> Difference:
    """Log-loss of `first` minus that of `second` on the same rows; negative = first is better."""
    differences = row_log_loss(labels, first) - row_log_loss(labels, second)
    error = float(differences.std(ddof=1)) / len(differences) ** 0.5
    return Difference(value=float(differences.mean()), standard_error=error)
