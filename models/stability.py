"""Population stability index (PSI) of a score, with a bound that knows the size of the samples.

Both samples are probabilities or scores of shape `(n,)` and `(m,)`. With weights, their shares are
those of the applications that the rows stand for, and their sizes are effective numbers of rows.
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from models.weighting import (
    Weights,
    count_effective,
    weigh,
    weighted_quantiles,
)

BINS = 10  # of equal mass in the reference
HALF_A_ROW = 0.5  # added to each bin, because an empty one has no logarithm

Sample = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Stability:
    """A PSI and the bound above which it is neither small nor chance."""

    psi: float
    bound: float


def measure_stability(
    reference: Sample,
    sample: Sample,
    least: float,
    probability: float,
    weights: tuple[Weights | None, Weights | None] = (None, None),
) -> Stability:
    """Compare a sample with its reference; `weights` are those of both.

    The bound is `max(least, critical value x (1/n + 1/m))`. Two samples of one population exceed
    it with at most `probability`: PSI divided by `1/n + 1/m` is then chi-squared with one degree
    of freedom less than there are bins. Source: Yurdakul, Statistical properties of the population
    stability index, Western Michigan University (2018).
    """
    pair = (reference, sample)
    edges = bin_edges(reference, weights[0])
    counts = [
        count_bins(np.searchsorted(edges, values, side="right"), len(edges) + 1, w)
        for values, w in zip(pair, weights, strict=True)
    ]
    sizes = [count_effective(len(values), w) for values, w in zip(pair, weights, strict=True)]
    by_chance = bound_of_chance(len(edges), probability, (sizes[0], sizes[1]))
    return Stability(index_from_counts(*counts), max(least, by_chance))


def bin_edges(reference: Sample, weights: Weights | None = None) -> Sample:
    """Return the inner edges of bins of equal mass, without repetitions."""
    return np.unique(weighted_quantiles(reference, np.linspace(0, 1, BINS + 1)[1:-1], weights))


def count_bins(
    indices: NDArray[np.int64], bins: int, weights: Weights | None = None
) -> NDArray[np.float64]:
    """Count the rows in each of the bins, whose indices are `(n,)`.

    Weighted rows count by their weights, which are scaled to sum to the effective number of rows.
    """
    shares = weigh(np.ones(len(indices)), weights)
    shares *= count_effective(len(indices), weights) / float(shares.sum())
    return np.bincount(indices, weights=shares, minlength=bins).astype(np.float64)


def index_from_counts(reference: Sample, sample: Sample) -> float:
    """Return the sum of `(q - p) ln(q / p)` over bins; 0 if both have the same distribution."""
    p, q = ((counts + HALF_A_ROW) / (counts + HALF_A_ROW).sum() for counts in (reference, sample))
    return float(np.sum((q - p) * np.log(q / p)))


def bound_of_chance(edges: int, probability: float, sizes: tuple[float, float]) -> float:
    """Return the index that two samples of one population exceed with at most a probability."""
    critical = chi_squared_quantile(1 - probability, max(edges, 1))
    return critical * (1 / sizes[0] + 1 / sizes[1])


def chi_squared_quantile(probability: float, degrees: int) -> float:
    """Return a high quantile of the chi-squared distribution, up to 3 % too large.

    Source: Wilson & Hilferty, The distribution of chi-square, PNAS 17 (1931).
    """
    spread = 2 / (9 * degrees)
    return float(degrees * (1 - spread + NormalDist().inv_cdf(probability) * spread**0.5) ** 3)
