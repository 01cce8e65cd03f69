"""Bins of equal mass, in which rows of equal value stay together."""

import numpy as np
from numpy.typing import NDArray

from models.annotations import Column
from models.weighting import Weights

Indices = NDArray[np.intp]


def edges_of_equal_mass(values: Column, count: int, weights: Weights | None = None) -> Column:
    """Return the inner edges, at most `count - 1`; values with few distinct ones have fewer."""
    if not len(values):
        return np.empty(0)
    probabilities = np.linspace(0, 1, count + 1)[1:-1]
    if weights is None:
        edges = np.unique(np.quantile(values, probabilities, method="higher"))
    else:
        order = np.argsort(values, kind="stable")
        below = np.cumsum(weights[order]) - weights[order]
        indices = np.searchsorted(below, probabilities * weights.sum())
        edges = np.unique(values[order[np.minimum(indices, len(values) - 1)]])
    inner: Column = edges[edges > values.min()]
    return inner


def bin_indices(values: Column, edges: Column) -> Indices:
    """Return the bin of each value, shape `(n,)`. A value equal to an edge is above it."""
    return np.searchsorted(edges, values, side="right")


def group_by_mass(values: Column, count: int, weights: Weights | None = None) -> list[Indices]:
    """Return the row indices of each bin of equal mass, lowest values first; none is empty."""
    bins = bin_indices(values, edges_of_equal_mass(values, count, weights))
    groups = (np.flatnonzero(bins == index) for index in range(int(bins.max(initial=-1)) + 1))
    return [rows for rows in groups if len(rows)]


def thin_out(length: int, count: int) -> Indices:
    """Return at most `count` indices, evenly spaced, with the first and the last."""
    return np.unique(np.linspace(0, length - 1, min(count, length)).round().astype(np.intp))
