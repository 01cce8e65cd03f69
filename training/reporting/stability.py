"""Population stability: PSI from the training part to the test part, and what chance allows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from models.annotations import Column
from models.contract import Characteristic
from models.metrics import Probabilities
from models.stability import chi_squared_quantile
from training.model_review import name_edges
from training.reporting.binning import bin_indices, edges_of_equal_mass

BINS = 10
LEAST_BOUND = 0.10
CONFIDENCE = 0.999
SMOOTHING = 0.5  # rows added to each bin, so that an empty one does not make the index infinite


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


def measure_field_stability(c: Characteristic, expected: Column, actual: Column) -> FieldStability:
    """Compare a field: tenths of its amounts, and each level, special code and absence by itself.

    Both columns have levels as their indices and absent values as NaN.
    """
    if c.levels:
        names = [str(level) for level in c.levels]
        counts = [
            [int((column == index).sum()) for index in range(len(names))]
            for column in (expected, actual)
        ]
    else:
        is_amount = [~np.isnan(x) & ~np.isin(x, tuple(c.special)) for x in (expected, actual)]
        edges = edges_of_equal_mass(expected[is_amount[0]], BINS)
        names = _name_bins(edges) + [f"code {code}" for code in c.special]
        counts = [
            _count(column[mask], edges) + [int((column == code).sum()) for code in c.special]
            for column, mask in zip((expected, actual), is_amount, strict=True)
        ]
    names.append("absent")
    for column, row in zip((expected, actual), counts, strict=True):
        row.append(int(np.isnan(column).sum()))
    return _measure(c.name, names, counts)


def measure_score_stability(expected: Probabilities, actual: Probabilities) -> FieldStability:
    """Compare scores by tenths of the expected ones."""
    edges = edges_of_equal_mass(expected, BINS)
    return _measure("score", _name_bins(edges), [_count(x, edges) for x in (expected, actual)])


def psi_bound(bins: int, first: int, second: int) -> float:
    """Return the index from which two samples of these sizes differ: at least 0.10.

    Without a real difference, PSI is about chi-square with `bins - 1` degrees, times
    `1/first + 1/second`. Source: Yurdakul & Naranjo, J. Risk Model Validation 14 (2020).
    """
    if bins < 2:  # noqa: PLR2004 -- one bin cannot differ
        return LEAST_BOUND
    by_chance = chi_squared_quantile(CONFIDENCE, bins - 1) * (1 / first + 1 / second)
    return max(LEAST_BOUND, by_chance)


def _name_bins(edges: Column) -> list[str]:
    marks = name_edges(edges)
    if not marks:
        return ["all amounts"]
    between = [f"{low} to {high}" for low, high in pairwise(marks)]
    return [f"below {marks[0]}", *between, f"from {marks[-1]}"]


def _count(values: Column, edges: Column) -> list[int]:
    counts: list[int] = np.bincount(bin_indices(values, edges), minlength=len(edges) + 1).tolist()
    return counts


def _measure(field: str, names: Sequence[str], counts: Sequence[Sequence[int]]) -> FieldStability:
    """Measure PSI over the bins that either part has rows in."""
    table = np.array(counts, dtype=np.float64)
    used = table.sum(axis=0) > 0
    first, second = table.sum(axis=1).astype(int).tolist()
    smoothed = table[:, used] + SMOOTHING
    shares = smoothed / smoothed.sum(axis=1, keepdims=True)
    psi = float(np.sum((shares[1] - shares[0]) * np.log(shares[1] / shares[0])))
    exact = table / table.sum(axis=1, keepdims=True)
    bins = tuple(
        StabilityBin(name, first_share, second_share, second_share - first_share)
        for j, name in enumerate(names)
        if used[j]
        for first_share, second_share in [exact[:, j].tolist()]
    )
    return FieldStability(field, psi, psi_bound(int(used.sum()), first, second), bins)


def measure_stability(
    fields: Sequence[Characteristic], expected: Mapping[str, Column], actual: Mapping[str, Column]
) -> tuple[FieldStability, ...]:
    """Measure every field that has a column, the least stable first."""
    figures = [
        measure_field_stability(c, expected[c.name], actual[c.name])
        for c in fields
        if c.name in expected
    ]
    return tuple(sorted(figures, key=lambda one: -one.psi / one.bound))
