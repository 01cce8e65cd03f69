"""How well a model ranks: curves, tenths of the rows, and classes at a cut-off."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from models.metrics import Labels, Probabilities, average_ranks
from training.reporting.binning import group_by_mass, thin_out

CURVE_POINTS = 120
TENTHS = 10
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class RankingCurve:
    """What is flagged as the threshold falls, riskiest rows first; shares from 0 to 1.

    `probabilities` are the thresholds, without one for the first point, where nobody is flagged.
    """

    probabilities: tuple[float, ...]
    rows: tuple[float, ...]
    goods: tuple[float, ...]
    bads: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Tenth:
    """One tenth of the rows, from the riskiest, with cumulative shares up to its end."""

    tenth: int
    rows: int
    bads: int
    lowest_probability: float
    highest_probability: float
    mean_probability: float
    default_rate: float
    share_of_rows: float
    share_of_bads: float
    share_of_goods: float
    lift: float
    cumulative_lift: float
    ks: float


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """One line of a classification report."""

    name: str
    precision: float
    recall: float
    f1: float
    rows: int


@dataclass(frozen=True, slots=True)
class Classification:
    """Classes at one cut-off: a row from `cutoff` on is predicted to default."""

    name: str
    cutoff: float
    true_goods: int
    false_bads: int  # good, but predicted to default
    false_goods: int  # in default, but predicted to be good
    true_bads: int
    accuracy: float
    lines: tuple[ClassFigures, ...]  # good, default, macro mean, weighted mean


@dataclass(frozen=True, slots=True)
class AucInterval:
    """An AUC with its 95 % interval, by DeLong's variance."""

    value: float
    low: float
    high: float


def trace_curve(labels: Labels, probabilities: Probabilities) -> RankingCurve:
    """Trace ROC and gains at once. Rows of equal probability are flagged together."""
    values, ties = np.unique(-probabilities, return_inverse=True)
    bads = np.bincount(ties, weights=labels, minlength=len(values)).astype(np.float64)
    counts = np.bincount(ties, minlength=len(values)).astype(np.float64)
    points = thin_out(len(values), CURVE_POINTS)

    def accumulate(weights: Probabilities) -> tuple[float, ...]:
        shares = np.cumsum(weights) / weights.sum()
        return (0.0, *shares[points].tolist())

    thresholds = tuple((-values[points]).tolist())
    return RankingCurve(thresholds, accumulate(counts), accumulate(counts - bads), accumulate(bads))


def tabulate_tenths(labels: Labels, probabilities: Probabilities) -> tuple[Tenth, ...]:
    """Tabulate ten bins of equal mass, the riskiest first."""
    total, bads_in_all = len(labels), int(labels.sum())
    tenths: list[Tenth] = []
    rows_so_far = bads_so_far = 0
    for rows in reversed(group_by_mass(probabilities, TENTHS)):
        bads = int(labels[rows].sum())
        rows_so_far, bads_so_far = rows_so_far + len(rows), bads_so_far + bads
        share_of_bads = bads_so_far / bads_in_all
        share_of_goods = (rows_so_far - bads_so_far) / (total - bads_in_all)
        tenths.append(
            Tenth(
                tenth=len(tenths) + 1,
                rows=len(rows),
                bads=bads,
                lowest_probability=float(probabilities[rows].min()),
                highest_probability=float(probabilities[rows].max()),
                mean_probability=float(probabilities[rows].mean()),
                default_rate=bads / len(rows),
                share_of_rows=rows_so_far / total,
                share_of_bads=share_of_bads,
                share_of_goods=share_of_goods,
                lift=bads / len(rows) / (bads_in_all / total),
                cumulative_lift=share_of_bads / (rows_so_far / total),
                ks=share_of_bads - share_of_goods,
            )
        )
    return tuple(tenths)


def classify(
    name: str, cutoff: float, labels: Labels, probabilities: Probabilities
) -> Classification:
    """Classify rows at a cut-off. A precision, recall or F1 without any row is 0."""
    flagged = (probabilities >= cutoff).astype(np.int64)
    counts = np.bincount(2 * labels + flagged, minlength=4).tolist()
    true_goods, false_bads, false_goods, true_bads = counts
    classes = (
        _measure_class("good", true_goods, true_goods + false_goods, true_goods + false_bads),
        _measure_class("default", true_bads, true_bads + false_bads, true_bads + false_goods),
    )
    supports = [figures.rows for figures in classes]
    means = (_average("macro mean", classes, [1, 1]), _average("weighted mean", classes, supports))
    accuracy = (true_goods + true_bads) / len(labels)
    return Classification(
        name=name,
        cutoff=cutoff,
        true_goods=true_goods,
        false_bads=false_bads,
        false_goods=false_goods,
        true_bads=true_bads,
        accuracy=accuracy,
        lines=(*classes, *means),
    )


def _measure_class(name: str, hits: int, predicted: int, actual: int) -> ClassFigures:
    precision = hits / predicted if predicted else 0.0
    recall = hits / actual if actual else 0.0
    both = precision + recall
    return ClassFigures(
        name, precision, recall, 2 * precision * recall / both if both else 0.0, actual
    )


def _average(name: str, classes: tuple[ClassFigures, ...], weights: list[int]) -> ClassFigures:
    precision, recall, f1 = (
        float(np.average([getattr(figures, metric) for figures in classes], weights=weights))
        for metric in ("precision", "recall", "f1")
    )
    return ClassFigures(name, precision, recall, f1, sum(figures.rows for figures in classes))


def measure_auc(labels: Labels, probabilities: Probabilities) -> AucInterval:
    """Measure the AUC of a sample with at least two rows of each outcome.

    Source: Sun & Xu, Fast implementation of DeLong's algorithm, IEEE SPL 21 (2014).
    """
    bad, good = labels == 1, labels == 0
    ranks = average_ranks(probabilities)
    of_bads = (ranks[bad] - average_ranks(probabilities[bad])) / int(good.sum())
    of_goods = 1.0 - (ranks[good] - average_ranks(probabilities[good])) / int(bad.sum())
    value = float(of_bads.mean())
    variance = float(of_bads.var(ddof=1) / len(of_bads) + of_goods.var(ddof=1) / len(of_goods))
    margin = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * variance**0.5
    return AucInterval(value, max(value - margin, 0.0), min(value + margin, 1.0))
