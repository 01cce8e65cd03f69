"""How well a model ranks: curves, tenths of the rows, and classes at a cut-off."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from models.metrics import Labels, Probabilities, auc_with_error
from models.weighting import Weights, weigh, weighted_mean
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


def trace_curve(
    labels: Labels, probabilities: Probabilities, weights: Weights | None = None
) -> RankingCurve:
    """Trace ROC and gains at once. Rows of equal probability are flagged together."""
    values, ties = np.unique(-probabilities, return_inverse=True)
    shares = weigh(np.ones(len(labels)), weights)
    bads, counts = (
        np.bincount(ties, weights=totals, minlength=len(values)).astype(np.float64)
        for totals in (shares * labels, shares)
    )
    points = thin_out(len(values), CURVE_POINTS)

    def accumulate(totals: Probabilities) -> tuple[float, ...]:
        sums = np.cumsum(totals) / totals.sum()
        return (0.0, *sums[points].tolist())

    thresholds = tuple((-values[points]).tolist())
    return RankingCurve(thresholds, accumulate(counts), accumulate(counts - bads), accumulate(bads))


def tabulate_tenths(
    labels: Labels, probabilities: Probabilities, weights: Weights | None = None
) -> tuple[Tenth, ...]:
    """Tabulate ten bins of equal mass, the riskiest first. `rows` and `bads` count rows."""
    shares = weigh(np.ones(len(labels)), weights)
    total, bads_in_all = float(shares.sum()), float(shares @ labels)
    tenths: list[Tenth] = []
    all_so_far = bads_so_far = 0.0
    for rows in reversed(group_by_mass(probabilities, TENTHS, weights)):
        here, bads = float(shares[rows].sum()), float(shares[rows] @ labels[rows])
        all_so_far, bads_so_far = all_so_far + here, bads_so_far + bads
        share_of_bads = bads_so_far / bads_in_all
        share_of_goods = (all_so_far - bads_so_far) / (total - bads_in_all)
        tenths.append(
            Tenth(
                tenth=len(tenths) + 1,
                rows=len(rows),
                bads=int(labels[rows].sum()),
                lowest_probability=float(probabilities[rows].min()),
                highest_probability=float(probabilities[rows].max()),
                mean_probability=weighted_mean(probabilities[rows], shares[rows]),
                default_rate=bads / here,
                share_of_rows=all_so_far / total,
                share_of_bads=share_of_bads,
                share_of_goods=share_of_goods,
                lift=bads / here / (bads_in_all / total),
                cumulative_lift=share_of_bads / (all_so_far / total),
                ks=share_of_bads - share_of_goods,
            )
        )
    return tuple(tenths)


def classify(
    cutoff: tuple[str, float],
    labels: Labels,
    probabilities: Probabilities,
    weights: Weights | None = None,
) -> Classification:
    """Classify rows at a named cut-off. A precision, recall or F1 without any row is 0.

    With weights the counts are of applications, rounded.
    """
    flagged = (probabilities >= cutoff[1]).astype(np.int64)
    shares = weigh(np.ones(len(labels)), weights)
    counts = np.bincount(2 * labels + flagged, weights=shares, minlength=4).tolist()
    true_goods, false_bads, false_goods, true_bads = counts
    classes = (
        _measure_class("good", true_goods, true_goods + false_goods, true_goods + false_bads),
        _measure_class("default", true_bads, true_bads + false_bads, true_bads + false_goods),
    )
    supports = [true_goods + false_bads, true_bads + false_goods]
    means = (_average("macro mean", classes, [1, 1]), _average("weighted mean", classes, supports))
    return Classification(
        name=cutoff[0],
        cutoff=cutoff[1],
        true_goods=round(true_goods),
        false_bads=round(false_bads),
        false_goods=round(false_goods),
        true_bads=round(true_bads),
        accuracy=(true_goods + true_bads) / float(shares.sum()),
        lines=(*classes, *means),
    )


def _measure_class(name: str, hits: float, predicted: float, actual: float) -> ClassFigures:
    precision = hits / predicted if predicted else 0.0
    recall = hits / actual if actual else 0.0
    both = precision + recall
    return ClassFigures(
        name, precision, recall, 2 * precision * recall / both if both else 0.0, round(actual)
    )


def _average(name: str, classes: tuple[ClassFigures, ...], supports: list[float]) -> ClassFigures:
    precision, recall, f1 = (
        float(np.average([getattr(figures, metric) for figures in classes], weights=supports))
        for metric in ("precision", "recall", "f1")
    )
    return ClassFigures(name, precision, recall, f1, sum(figures.rows for figures in classes))


def measure_auc(
    labels: Labels, probabilities: Probabilities, weights: Weights | None = None
) -> AucInterval:
    """Measure the AUC of a sample with at least two rows of each outcome."""
    value, error = auc_with_error(labels, probabilities, weights)
    margin = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * error
    return AucInterval(value, max(value - margin, 0.0), min(value + margin, 1.0))
