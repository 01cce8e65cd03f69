"""Calibration by bins of probability, with what chance allows in each."""

from dataclasses import dataclass

from scipy.stats import chi2

from models.metrics import Labels, Probabilities
from models.reliability import defaults_variance
from models.weighting import Weights, count_weighted, select_weights, weighted_mean
from training.reporting.binning import group_by_mass

BINS = 20
STANDARD_ERRORS = 2.0


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """One bin of equal mass. A perfect model's default rate is in `low` to `high` 95 % of times."""

    rows: int
    bads: int
    mean_probability: float
    default_rate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class HosmerLemeshow:
    """The Hosmer-Lemeshow statistic over the bins, which is reported and decides nothing."""

    statistic: float
    degrees: int
    p_value: float


def tabulate_reliability(
    labels: Labels, probabilities: Probabilities, weights: Weights | None = None
) -> tuple[ReliabilityBin, ...]:
    """Tabulate bins of equal mass, safest first. `rows` and `bads` count rows."""
    bins = []
    for rows in group_by_mass(probabilities, BINS, weights):
        own = select_weights(weights, rows)
        mean = weighted_mean(probabilities[rows], own)
        variance = defaults_variance(labels[rows], probabilities[rows], own)
        margin = STANDARD_ERRORS * variance**0.5 / count_weighted(len(rows), own)
        bads, rate = int(labels[rows].sum()), weighted_mean(labels[rows], own)
        low, high = max(mean - margin, 0.0), min(mean + margin, 1.0)
        bins.append(ReliabilityBin(len(rows), bads, mean, rate, low, high))
    return tuple(bins)


def judge_hosmer_lemeshow(bins: tuple[ReliabilityBin, ...]) -> HosmerLemeshow:
    """Compare observed and expected defaults. On untouched rows each bin is a degree of freedom.

    The rows must count once each: of weighted rows the statistic has no such distribution.
    """
    statistic = sum(
        one.rows
        * (one.default_rate - one.mean_probability) ** 2
        / (one.mean_probability * (1 - one.mean_probability))
        for one in bins
    )
    return HosmerLemeshow(statistic, len(bins), float(chi2.sf(statistic, len(bins))))
