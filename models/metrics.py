"""Performance metrics of default probabilities, with bootstrap intervals and paired tests.

`labels` are 0 or 1 (1 = default), `probabilities` in (0, 1), both of shape `(n,)`. With `weights`
`(n,)`, every figure is that of the applications that the rows stand for.
"""

from dataclasses import dataclass
from statistics import NormalDist
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from models.errors import DataError
from models.weighting import Weights, select_weights, weigh, weighted_mean

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


class Metric(Protocol):
    """A figure of probabilities against outcomes."""

    def __call__(
        self, labels: Labels, probabilities: Probabilities, weights: Weights | None = None
    ) -> float:
        """Return the figure."""


def auc(labels: Labels, probabilities: Probabilities, weights: Weights | None = None) -> float:
    """Return the probability that a default ranks above a non-default; ties count half."""
    bad, good = labels == 1, labels == 0
    below = share_below(probabilities[good], select_weights(weights, good), probabilities[bad])
    return weighted_mean(below, select_weights(weights, bad))


def share_below(
    sample: Probabilities, weights: Weights | None, values: Probabilities
) -> Probabilities:
    """Return the share of a sample that is below each value; what equals it counts half."""
    order = np.argsort(sample, kind="stable")
    rising = sample[order]
    counts = np.append(0.0, np.cumsum(weigh(np.ones(len(sample)), weights)[order]))
    low, high = (np.searchsorted(rising, values, side=side) for side in ("left", "right"))
    shares: Probabilities = (counts[low] + counts[high]) / (2.0 * counts[-1])
    return shares


def gini(labels: Labels, probabilities: Probabilities, weights: Weights | None = None) -> float:
    """Return `2 AUC - 1`."""
    return 2.0 * auc(labels, probabilities, weights) - 1.0


def ks(labels: Labels, probabilities: Probabilities, weights: Weights | None = None) -> float:
    """Return the largest gap between the distributions of defaults and non-defaults, in [0, 1]."""
    values, group_indices = np.unique(probabilities, return_inverse=True)
    bads, goods = (
        np.bincount(group_indices, weights=weigh(outcomes, weights), minlength=len(values)).cumsum()
        for outcomes in (labels, 1 - labels)
    )
    return float(np.abs(bads / bads[-1] - goods / goods[-1]).max())


def brier(labels: Labels, probabilities: Probabilities, weights: Weights | None = None) -> float:
    """Return the mean squared error of the probabilities."""
    return weighted_mean(row_brier(labels, probabilities), weights)


def row_brier(labels: Labels, probabilities: Probabilities) -> NDArray[np.float64]:
    """Return the squared error of each row."""
    return (probabilities - labels) ** 2


def log_loss(labels: Labels, probabilities: Probabilities, weights: Weights | None = None) -> float:
    """Return the mean negative log-likelihood, in nats."""
    return weighted_mean(row_log_loss(labels, probabilities), weights)


def row_log_loss(labels: Labels, probabilities: Probabilities) -> NDArray[np.float64]:
    """Return the negative log-likelihood of each row."""
    return -np.log(np.where(labels == 1, probabilities, 1.0 - probabilities))


def accuracy(
    labels: Labels,
    probabilities: Probabilities,
    default_from: float = HALF,
    weights: Weights | None = None,
) -> float:
    """Return the share of rows that are classified correctly."""
    return weighted_mean((probabilities >= default_from) == (labels == 1), weights)


def precision(
    labels: Labels,
    probabilities: Probabilities,
    default_from: float = HALF,
    weights: Weights | None = None,
) -> float:
    """Return the share of defaults among rows classified as default; 0 if there are none."""
    flagged = probabilities >= default_from
    if not flagged.any():
        return 0.0
    return weighted_mean(labels[flagged], select_weights(weights, flagged))


def recall(
    labels: Labels,
    probabilities: Probabilities,
    default_from: float = HALF,
    weights: Weights | None = None,
) -> float:
    """Return the share of defaults that are classified as default."""
    bad = labels == 1
    return weighted_mean((probabilities >= default_from)[bad], select_weights(weights, bad))


def f1(
    labels: Labels,
    probabilities: Probabilities,
    default_from: float = HALF,
    weights: Weights | None = None,
) -> float:
    """Return the harmonic mean of precision and recall; 0 if both are 0."""
    p, r = (metric(labels, probabilities, default_from, weights) for metric in (precision, recall))
    return 2 * p * r / (p + r) if p + r else 0.0


METRICS: dict[str, Metric] = {
    "auc": auc,
    "gini": gini,
    "ks": ks,
    "brier": brier,
    "log_loss": log_loss,
}
CLASSIFYING = {"accuracy": accuracy, "precision": precision, "recall": recall, "f1": f1}


def measure_figure(
    figure: str,
    labels: Labels,
    probabilities: Probabilities,
    weights: Weights | None = None,
    *,
    default_from: float = HALF,
) -> float:
    """Compute one metric by its name."""
    if figure in CLASSIFYING:
        return CLASSIFYING[figure](labels, probabilities, default_from, weights)
    return METRICS[figure](labels, probabilities, weights)


def evaluate(
    labels: Labels,
    probabilities: Probabilities,
    seed: int,
    default_from: float = HALF,
    weights: Weights | None = None,
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
        resamples.append(sample.measure(weigh(counts, weights)))
    values = {
        name: measure_figure(name, labels, probabilities, weights, default_from=default_from)
        for name in (*METRICS, *CLASSIFYING)
    }
    return {
        name: _estimate_interval(value, [one[name] for one in resamples])
        for name, value in values.items()
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


def auc_difference(
    labels: Labels,
    first: Probabilities,
    second: Probabilities,
    weights: Weights | None = None,
) -> PairedDifference:
    """Return the AUC of `first` minus that of `second`, with DeLong's standard error.

    With weights the error is that of weighted means of the same placements, whose rows were drawn
    independently. Source: Sun & Xu, Fast implementation of DeLong's algorithm, IEEE SPL 21 (2014).
    """
    placements = [place_rows(labels, scores, weights) for scores in (first, second)]
    variance = 0.0
    for i, outcome in enumerate((1, 0)):
        difference = placements[0][i] - placements[1][i]
        variance += variance_of_mean(difference, select_weights(weights, labels == outcome))
    bad_weights = select_weights(weights, labels == 1)
    values = [weighted_mean(bads, bad_weights) for bads, _ in placements]
    return PairedDifference(value=values[0] - values[1], standard_error=variance**0.5)


def auc_with_error(
    labels: Labels, probabilities: Probabilities, weights: Weights | None = None
) -> tuple[float, float]:
    """Return the AUC of at least two rows of each outcome, and its standard error by DeLong.

    Source: Sun & Xu, Fast implementation of DeLong's algorithm, IEEE SPL 21 (2014).
    """
    bad_weights = select_weights(weights, labels == 1)
    of_bads, of_goods = place_rows(labels, probabilities, weights)
    variance = variance_of_mean(of_bads, bad_weights)
    variance += variance_of_mean(of_goods, select_weights(weights, labels == 0))
    return weighted_mean(of_bads, bad_weights), variance**0.5


def place_rows(
    labels: Labels, scores: Probabilities, weights: Weights | None = None
) -> tuple[Probabilities, Probabilities]:
    """Return the placements of the defaults and of the other rows.

    A row's placement is the share of rows of the other label that it ranks on the right side of.
    """
    bad, good = labels == 1, labels == 0
    return (
        share_below(scores[good], select_weights(weights, good), scores[bad]),
        1.0 - share_below(scores[bad], select_weights(weights, bad), scores[good]),
    )


def variance_of_mean(values: Probabilities, weights: Weights | None = None) -> float:
    """Return the variance of a mean of at least two independent rows `(n,)`."""
    count = len(values)
    shares = weigh(np.ones(count), weights)
    deviations = shares * (values - weighted_mean(values, weights)) / shares.sum()
    return float(np.sum(deviations**2)) * count / (count - 1)


def bootstrap_loss_difference(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    confidence: float,
    seed: int,
    weights: Weights | None = None,
) -> LossDifference:
    """Bootstrap the mean of `first - second`, the losses of two models on the same rows.

    More than `MOST_BLOCKS` rows are drawn in blocks of random rows, which is as exact and faster.
    """
    random = np.random.default_rng(seed)
    size = -(-len(first) // MOST_BLOCKS)
    count = len(first) // size
    order = random.permutation(len(first))[: size * count].reshape(count, size)
    shares = weigh(np.ones(len(first)), weights)
    weighted = shares * (first - second)
    totals, sums = shares[order].sum(axis=1), weighted[order].sum(axis=1)
    means = []
    for _ in range(RESAMPLES):
        drawn = random.integers(count, size=count)
        means.append(float(sums[drawn].sum() / totals[drawn].sum()))
    value = float(weighted.sum() / shares.sum())
    return LossDifference(value, float(np.quantile(means, confidence)))
