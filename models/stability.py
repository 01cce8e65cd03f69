"""Population stability index (PSI) of a score, with a bound that knows the size of the samples.

Both samples are probabilities or scores of shape `(n,)` and `(m,)`.
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

BINS = 10  # of equal mass in the reference
HALF_A_ROW = 0.5  # added to each bin, because an empty one has no logarithm

Sample = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Stability:
    """A PSI and the bound above which it is neither small nor chance."""

    psi: float
    bound: float


def measure_stability(
    reference: Sample, sample: Sample, least: float, probability: float
) -> Stability:
    """Compare a sample with its reference.

    The bound is `max(least, critical value x (1/n + 1/m))`. Two samples of one population exceed
    it with at most `probability`: PSI divided by `1/n + 1/m` is then chi-squared with one degree
    of freedom less than there are bins. Source: Yurdakul, Statistical properties of the population
    stability index, Western Michigan University (2018).
    """
    edges = bin_edges(reference)
    psi = population_stability_index(reference, sample, edges)
    critical = chi_squared_quantile(1 - probability, max(len(edges), 1))
    return Stability(psi, max(least, critical * (1 / len(reference) + 1 / len(sample))))


def bin_edges(reference: Sample) -> Sample:
    """Return the inner edges of bins of equal mass, without repetitions."""
    return np.unique(np.quantile(reference, np.linspace(0, 1, BINS + 1)[1:-1]))


def population_stability_index(reference: Sample, sample: Sample, edges: Sample) -> float:
    """Return the sum of `(q - p) ln(q / p)` over bins; 0 if both have the same distribution."""
    shares = []
    for values in (reference, sample):
        indices = np.searchsorted(edges, values, side="right")
        counts = np.bincount(indices, minlength=len(edges) + 1) + HALF_A_ROW
        shares.append(counts / counts.sum())
    p, q = shares
    return float(np.sum((q - p) * np.log(q / p)))


def chi_squared_quantile(probability: float, degrees: int) -> float:
    """Return a high quantile of the chi-squared distribution, up to 3 % too large.

    Source: Wilson & Hilferty, The distribution of chi-square, PNAS 17 (1931).
    """
    spread = 2 / (9 * degrees)
    return float(degrees * (1 - spread + NormalDist().inv_cdf(probability) * spread**0.5) ** 3)
