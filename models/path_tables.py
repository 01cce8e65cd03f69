"""Exact contributions of trees: a lookup in a table that is made once.

A leaf adds to the features of its path what follows from which of the path's splits a row passes,
and a path of five splits has but 32 such subsets. Source: Yang, Fast TreeSHAP: accelerating SHAP
value computation for trees, arXiv:2109.09847, version 2 of the algorithm.
"""

from functools import partial
from typing import Self

import numpy as np

from models.flat_trees import FlatTrees, Floats, Ints, Singles, Truths
from models.later import Later

MOST_CELLS = 2**21  # 8 MB; the tables of deep trees would fill gigabytes
LEAVES_AT_ONCE = 256
FEW_ROWS = 8


class PathTables:
    """What each leaf adds to each feature of its path, for every subset of the path's splits.

    Splits on one feature are told together, at the first of them. Arrays have the shape
    `(depth, leaves)`. The table has one line a leaf and subset, one column a split; the first few
    rows are answered without it, by the same arithmetic and so with the same bits.
    """

    def __init__(self, trees: FlatTrees) -> None:
        leaves = np.flatnonzero(np.isinf(trees.thresholds))
        self._trees = trees
        self._nodes, self._turns, shares = _paths(trees, leaves)
        features = trees.features[self._nodes]
        self._features = features.T.ravel()
        self._bits = 1 << np.arange(trees.depth, dtype=np.uint16)[:, None]
        self._lines = np.arange(len(leaves)) << trees.depth
        values = trees.values[leaves].astype(np.float64)
        self.base = float(trees.base) + float(values @ shares.prod(axis=0))
        self._leaves = values, shares, _first_of_feature(features)
        self._table = Later(partial(_table, *self._leaves))

    @classmethod
    def of(cls, trees: FlatTrees) -> Self | None:
        """Make the tables, unless the trees are too deep for them."""
        leaves = np.count_nonzero(np.isinf(trees.thresholds))
        cells = leaves * trees.depth << trees.depth
        return cls(trees) if cells <= MOST_CELLS else None

    def contributions(self, matrix: Floats) -> Floats:
        """Exact SHAP values in log-odds, of the matrix's shape; they add up from `base`."""
        table = self._table.get() if len(matrix) <= FEW_ROWS else self._table.now
        found = np.empty(matrix.shape)
        for i, row in enumerate(matrix):
            passed = self._trees.turns(row).take(self._nodes) == self._turns
            subsets = np.bitwise_or.reduce(passed * self._bits, axis=0)
            if table is None:
                added = _added(*self._leaves, subsets[:, None])
            else:
                added = table.take(self._lines + subsets, axis=0)
            found[i] = np.bincount(self._features, added.ravel(), minlength=matrix.shape[1])
        return found


def _paths(trees: FlatTrees, leaves: Ints) -> tuple[Ints, Truths, Floats]:
    """From leaves up: each split, whether the path turns right, and the share of it that does.

    Above a root the leaf itself stands, which every row passes.
    """
    parents = np.full(len(trees.features), -1, np.intp)
    splits = np.flatnonzero(~np.isinf(trees.thresholds))
    for side in (0, 1):
        parents[trees.children[2 * splits + side]] = splits
    nodes, turns, shares = [], [], []
    below = leaves
    for _ in range(trees.depth):
        ended = parents[below] < 0
        split = np.where(ended, leaves, parents[below])
        nodes.append(split)
        turns.append(~ended & (trees.children[2 * split + 1] == below))
        shares.append(np.where(ended, 1.0, trees.covers[below] / trees.covers[split]))
        below = np.where(ended, below, split)
    return np.array(nodes), np.array(turns), np.array(shares)


def _table(values: Floats, shares: Floats, first: Ints) -> Singles:
    depth = len(first)
    subsets = np.arange(2**depth)[None]
    found = np.empty((len(values), 2**depth, depth), np.float32)
    for at in range(0, len(values), LEAVES_AT_ONCE):
        some = slice(at, at + LEAVES_AT_ONCE)
        found[some] = _added(values[some], shares[:, some], first[:, some], subsets)
    return found.reshape(-1, depth)


def _first_of_feature(features: Ints) -> Ints:
    """For each split of a path, the place of the first split on the same feature."""
    same = features[:, None, :] == features[None, :, :]
    first: Ints = same.argmax(axis=0)
    return first


def _added(values: Floats, shares: Floats, first: Ints, subsets: Ints) -> Singles:
    """What leaves add to the features of their paths, for subsets of their splits.

    `subsets` has the shape `(leaves, k)` or `(1, k)`, the result `(leaves, k, depth)`.

    Shapley's weights are an integral: `k! (m - 1 - k)! / m!` is that of `t^k (1 - t)^(m - 1 - k)`
    over [0, 1]. So a feature's value is the leaf's, times what its splits let through less their
    share, times the integral of a product over the other features, which Gauss and Legendre's rule
    gives exactly.
    """
    depth = len(first)
    places = np.arange(depth)[:, None, None]
    belongs = first == places  # place, split, leaf
    share = np.where(belongs, shares, 1.0).prod(axis=1)[:, :, None]
    splits = np.where(belongs, 1 << places[:, :, 0], 0).sum(axis=1)[:, :, None]
    passed = (subsets & splits) == splits  # place, leaf, subset
    points, weights = np.polynomial.legendre.leggauss((depth + 1) // 2)
    found = np.zeros(passed.shape)
    for point, weight in zip((points + 1) / 2, weights / 2, strict=True):
        found += weight * _products_of_others((1 - point) * share + point * passed)
    added = values[:, None] * (passed - share) * found
    singles: Singles = np.moveaxis(added, 0, -1).astype(np.float32)
    return singles


def _products_of_others(factors: Floats) -> Floats:
    """For each place along the first axis the product of all other places."""
    before, after = np.ones_like(factors), np.ones_like(factors)
    for place in range(1, len(factors)):
        np.multiply(before[place - 1], factors[place - 1], out=before[place])
        np.multiply(after[-place], factors[-place], out=after[-place - 1])
    return before * after
