"""Performance metrics of default probabilities, with bootstrap intervals and paired tests.

`labels` are 0 or 1 (1 = default), `probabilities` in (0, 1), both of shape `(n,)`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from statistics import NormalDist
from typing import Self

import numpy as np
from numpy.typing import NDArray

from models.errors import DataError

Labels = NDArray[np.int64]
Probabilities = NDArray[np.float64]

HALF = 0.5  # from this probability on, classification metrics call a row a default, by default
RESAMPLES = 500
MOST_BLOCKS = 20_000  # that a bootstrap of a mean draws from
COVERAGE = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A metric with its 95 % confidence interval."""

    value: float
    low: float
    high: float


def auc(labels: Labels, probabilities: Probabilities) -> float:
    """Return the probability that a default ranks above a non-default; ties count half."""
    bads = int(labels.sum())
    goods = len(labels) - bads
    bad_ranks = average_ranks(probabilities)[labels == 1].sum()
    return float((bad_ranks - bads * (bads + 1) / 2) / (bads * goods))


def average_ranks(values: Probabilities) -> Probabilities:
    """Return ranks from 1. Ties share their mean rank."""
    _, group_indices, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[group_indices]


def gini(labels: Labels, probabilities: Probabilities) -> float:
    """Return `2 AUC - 1`."""
    return 2.0 * auc(labels, probabilities) - 1.0


def ks(labels: Labels, probabilities: Probabilities) -> float:
    """Return the largest gap between the distributions of defaults and non-defaults, in [0, 1]."""
    values, group_indices = np.unique(probabilities, return_inverse=True)
    bads = np.bincount(group_indices, weights=labels, minlength=len(values)).cumsum()
    goods = np.bincount(group_indices, weights=1 - labels, minlength=len(values)).cumsum()
    return float(np.abs(bads / bads[-1] - goods / goods[-1]).max())


def brier(labels: Labels, probabilities: Probabilities) -> float:
    """Return the mean squared error of the probabilities."""
    return float(np.mean(row_brier(labels, probabilities)))


def row_brier(labels: Labels, probabilities: Probabilities) -> NDArray[np.float64]:
    """Return the squared error of each row."""
    return (probabilities - labels) ** 2


def log_loss(labels: Labels, probabilities: Probabilities) -> float:
    """Return the mean negative log-likelihood, in nats."""
    return float(np.mean(row_log_loss(labels, probabilities)))


def row_log_loss(labels: Labels, probabilities: Probabilities) -> NDArray[np.float64]:
    """Return the negative log-likelihood of each row."""
    return -np.log(np.where(labels == 1, probabilities, 1.0 - probabilities))


def accuracy(labels: Labels, probabilities: Probabilities, default_from: float = HALF) -> float:
    """Return the share of rows that are classified correctly."""
    return float(np.mean((probabilities >= default_from) == (labels == 1)))


def precision(labels: Labels, probabilities: Probabilities, default_from: float = HALF) -> float:
    """Return the share of defaults among rows classified as default; 0 if there are none."""
    flagged = probabilities >= default_from
    return float(labels[flagged].mean()) if flagged.any() else 0.0


def recall(labels: Labels, probabilities: Probabilities, default_from: float = HALF) -> float:
    """Return the share of defaults that are classified as default."""
    return float((probabilities >= default_from)[labels == 1].mean())


def f1(labels: Labels, probabilities: Probabilities, default_from: float = HALF) -> float:
    """Return the harmonic mean of precision and recall; 0 if both are 0."""
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


def measure_figure(
    figure: str, labels: Labels, probabilities: Probabilities, *, default_from: float = HALF
) -> float:
    """Compute one metric by its name."""
    if figure in CLASSIFYING:
        return CLASSIFYING[figure](labels, probabilities, default_from)
    return METRICS[figure](labels, probabilities)


def evaluate(
    labels: Labels, probabilities: Probabilities, seed: int, default_from: float = HALF
) -> dict[str, Estimate]:
    """Compute all metrics, with percentile intervals of a bootstrap stratified by label.

    Metrics of classes call a row a default if its probability is at least `default_from`.

    Raises
    ------
    DataError
        If the labels are all 0 or all 1, because ranking needs both.
    """
    bads, goods = np.flatnonzero(labels == 1), np.flatnonzero(labels == 0)
    if not len(bads) or not len(goods):
        message = "the test part needs defaults and non-defaults; it has only one of them"
        raise DataError(message)
    random = np.random.default_rng(seed)
    sample = _SortedSample.from_rows(labels, probabilities, default_from)
    resamples = []
    for _ in range(RESAMPLES):
        rows = [random.choice(bads, len(bads)), random.choice(goods, len(goods))]
        counts = np.bincount(np.concatenate(rows), minlength=len(labels))
        resamples.append(sample.measure(counts.astype(np.float64)))
    classifying = {n: partial(m, default_from=default_from) for n, m in CLASSIFYING.items()}
    return {
        name: _estimate_interval(metric(labels, probabilities), [one[name] for one in resamples])
        for name, metric in (METRICS | classifying).items()
    }


@dataclass(frozen=True, slots=True, eq=False)
class _SortedSample:
    """What the metrics of every resample are made of, so that none of them sorts its rows.

    `ties` has for each row the index of its probability among the distinct ones, lowest first.
    """

    labels: Probabilities
    ties: NDArray[np.intp]
    squared_errors: Probabilities
    losses: Probabilities
    flagged: Probabilities

    @classmethod
    def from_rows(cls, labels: Labels, probabilities: Probabilities, default_from: float) -> Self:
        return cls(
            labels=labels.astype(np.float64),
            ties=np.unique(probabilities, return_inverse=True)[1],
            squared_errors=(probabilities - labels) ** 2,
            losses=row_log_loss(labels, probabilities),
            flagged=(probabilities >= default_from).astype(np.float64),
        )

    def measure(self, counts: Probabilities) -> dict[str, float]:
        """Measure every metric of the sample in which row i occurs `counts[i]` times."""
        rows = float(counts.sum())
        bads = np.bincount(self.ties, weights=counts * self.labels)
        goods = np.bincount(self.ties, weights=counts * (1.0 - self.labels))
        bads_below, goods_below = np.cumsum(bads), np.cumsum(goods)
        bads_in_all, goods_in_all = float(bads_below[-1]), float(goods_below[-1])
        ranked = float(np.sum(bads * (goods_below - goods / 2)))
        auc = ranked / (bads_in_all * goods_in_all)
        gaps = bads_below / bads_in_all - goods_below / goods_in_all
        flagged = float(np.sum(counts * self.flagged))
        hits = float(np.sum(counts * self.flagged * self.labels))
        precision, recall = hits / flagged if flagged else 0.0, hits / bads_in_all
        both = precision + recall
        return {
            "auc": auc,
            "gini": 2.0 * auc - 1.0,
            "ks": float(np.abs(gaps).max()),
            "brier": float(np.sum(counts * self.squared_errors)) / rows,
            "log_loss": float(np.sum(counts * self.losses)) / rows,
            "accuracy": (rows - bads_in_all - flagged + 2.0 * hits) / rows,
            "precision": precision,
            "recall": recall,
            "f1": 2.0 * precision * recall / both if both else 0.0,
        }


def _estimate_interval(value: float, values: list[float]) -> Estimate:
    tail = (1 - COVERAGE) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return Estimate(value=value, low=float(low), high=float(high))


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """A difference of two models on the same rows, and its standard error."""

    value: float
    standard_error: float

    def lower_bound(self, confidence: float = 0.95) -> float:
        """Return the one-sided lower confidence bound."""
        return self.value - NormalDist().inv_cdf(confidence) * self.standard_error


@dataclass(frozen=True, slots=True)
class LossDifference:
    """A mean difference of losses on the same rows, and its one-sided upper confidence bound."""

    value: float
    upper_bound: float


def auc_difference(labels: Labels, first: Probabilities, second: Probabilities) -> PairedDifference:
    """Return the AUC of `first` minus that of `second`, with DeLong's standard error.

    Source: Sun & Xu, Fast implementation of DeLong's algorithm, IEEE SPL 21 (2014).
    """
    bad, good = labels == 1, labels == 0
    bads, goods = int(bad.sum()), int(good.sum())
    # A row's placement is the share of rows of the other label that it ranks on the right side of.
    bad_placements, good_placements = [], []
    for scores in (first, second):
        ranks = average_ranks(scores)
        bad_placements.append((ranks[bad] - average_ranks(scores[bad])) / goods)
        good_placements.append(1.0 - (ranks[good] - average_ranks(scores[good])) / bads)
    contrast = np.array([1.0, -1.0])
    covariance = np.cov(bad_placements) / bads + np.cov(good_placements) / goods
    variance = float(contrast @ covariance @ contrast)
    return PairedDifference(
        value=float(np.mean(bad_placements[0]) - np.mean(bad_placements[1])),
        standard_error=max(variance, 0.0) ** 0.5,
    )


def bootstrap_loss_difference(
    first: NDArray[np.float64], second: NDArray[np.float64], confidence: float, seed: int
) -> LossDifference:
    """Bootstrap the mean of `first - second`, the losses of two models on the same rows.

    More than `MOST_BLOCKS` rows are drawn in blocks of random rows, which is as exact and faster.
    """
    differences = first - second
    random = np.random.default_rng(seed)
    size = -(-len(differences) // MOST_BLOCKS)
    count = len(differences) // size
    blocks = random.permutation(differences)[: size * count].reshape(count, size).mean(axis=1)
    means = [float(blocks[random.integers(count, size=count)].mean()) for _ in range(RESAMPLES)]
    return LossDifference(float(differences.mean()), float(np.quantile(means, confidence)))
