"""Population stability: PSI from the training part to the test part, and what chance allows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from models.annotations import Column
from models.contract import Characteristic
from models.metrics import Probabilities
from models.stability import bound_of_chance, count_bins, index_from_counts
from models.weighting import Weights, count_effective, select_weights
from training.model_review import name_edges
from training.reporting.binning import Indices, bin_indices, edges_of_equal_mass

BINS = 10
LEAST_BOUND = 0.10
CHANCE = 0.001

WeightPair = tuple[Weights | None, Weights | None]


@dataclass(frozen=True, slots=True)
class StabilityBin:
    """The shares of both parts in one bin."""

    name: str
    expected: float
    actual: float
    difference: float


@dataclass(frozen=True, slots=True)
class FieldStability:
    """The population stability index of one field, or of the score.

    `bound` is the larger of 0.10 and what chance alone exceeds once in a thousand times.
    """

    field: str
    psi: float
    bound: float
    bins: tuple[StabilityBin, ...]


def measure_field_stability(
    c: Characteristic, expected: Column, actual: Column, weights: WeightPair = (None, None)
) -> FieldStability:
    """Compare a field: tenths of its amounts, and each level, special code and absence by itself.

    Both columns have levels as their indices and absent values as NaN. `weights` are those of both.
    """
    if c.levels:
        edges, names = None, [str(level) for level in c.levels]
    else:
        is_amount = ~np.isnan(expected) & ~np.isin(expected, tuple(c.special))
        edges = edges_of_equal_mass(
            expected[is_amount], BINS, select_weights(weights[0], is_amount)
        )
        names = name_bins(edges)
    names += [f"code {code}" for code in c.special]
    indices = [_find_bins(c, column, edges) for column in (expected, actual)]
    return _measure(c.name, [*names, "absent"], (indices[0], indices[1]), weights)


def _find_bins(c: Characteristic, column: Column, edges: Column | None) -> Indices:
    """Return the bin of each row: a level or a tenth, then the special codes, then absence."""
    is_absent = np.isnan(column)
    if edges is None:
        bins, count = np.where(is_absent, 0.0, column).astype(np.intp), len(c.levels)
    else:
        bins, count = bin_indices(column, edges), len(edges) + 1
    for i, code in enumerate(c.special):
        bins = np.where(column == code, count + i, bins)
    return np.where(is_absent, count + len(c.special), bins)


def measure_score_stability(
    expected: Probabilities, actual: Probabilities, weights: WeightPair = (None, None)
) -> FieldStability:
    """Compare scores by tenths of the expected ones."""
    edges = edges_of_equal_mass(expected, BINS, weights[0])
    indices = bin_indices(expected, edges), bin_indices(actual, edges)
    return _measure("score", name_bins(edges), indices, weights)


def psi_bound(bins: int, first: float, second: float) -> float:
    """Return the index from which two samples of these sizes differ: at least 0.10."""
    if bins < 2:  # noqa: PLR2004 -- one bin cannot differ
        return LEAST_BOUND
    return max(LEAST_BOUND, bound_of_chance(bins - 1, CHANCE, (first, second)))


def name_bins(edges: Column) -> list[str]:
    """Name the bins between edges, and the open ones at both ends."""
    marks = name_edges(edges)
    if not marks:
        return ["all amounts"]
    between = [f"{low} to {high}" for low, high in pairwise(marks)]
    return [f"below {marks[0]}", *between, f"from {marks[-1]}"]


def _measure(
    field: str, names: Sequence[str], indices: tuple[Indices, Indices], weights: WeightPair
) -> FieldStability:
    """Measure PSI over the bins that either part has rows in."""
    pair = tuple(zip(indices, weights, strict=True))
    table = np.array([count_bins(bins, len(names), w) for bins, w in pair])
    used = table.sum(axis=0) > 0
    sizes = [count_effective(len(bins), w) for bins, w in pair]
    exact = table / table.sum(axis=1, keepdims=True)
    described = tuple(
        StabilityBin(name, first_share, second_share, second_share - first_share)
        for j, name in enumerate(names)
        if used[j]
        for first_share, second_share in [exact[:, j].tolist()]
    )
    return FieldStability(
        field=field,
        psi=index_from_counts(table[0, used], table[1, used]),
        bound=psi_bound(int(used.sum()), sizes[0], sizes[1]),
        bins=described,
    )


def measure_stability(
    fields: Sequence[Characteristic],
    expected: Mapping[str, Column],
    actual: Mapping[str, Column],
    weights: WeightPair = (None, None),
) -> tuple[FieldStability, ...]:
    """Measure every field that has a column, the least stable first."""
    figures = [
        measure_field_stability(c, expected[c.name], actual[c.name], weights)
        for c in fields
        if c.name in expected
    ]
    return tuple(sorted(figures, key=lambda one: -one.psi / one.bound))
