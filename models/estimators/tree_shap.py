"""Exact contributions of trees: a lookup in a table that is made once.

A leaf adds to the features of its path what follows from which of the path's splits a row passes,
and a path of five splits has but 32 such subsets. Source: Yang, Fast TreeSHAP: accelerating SHAP
value computation for trees, arXiv:2109.09847, version 2 of the algorithm. Here the leaves two
levels below one split, up to four, are looked up together: one split more, a third of the work.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from models.estimators.flat_trees import FlatTrees, Floats, Ints, Singles, Truths
from models.estimators.lazy import BuildOnSecondUse

MOST_CELLS = 2**22  # 16 MB if each leaf were a block, a quarter of it in full trees
BLOCKS_AT_ONCE = 64
FEW_ROWS = 8


class PathTables:
    """What each block of leaves adds to the features of its splits, whichever way a row goes there.

    A block's splits are the two above its leaves, the one above those, and the path from there to
    the root. Splits of a leaf's path on one feature are told together, at the first of them. The
    table has one line a block and way, one column a split; the first few rows are answered without
    it, by the same arithmetic and so with the same bits.
    """

    def __init__(self, trees: FlatTrees) -> None:
        leaves = np.flatnonzero(np.isinf(trees.thresholds))
        nodes, turns, shares = _paths(trees, leaves)
        tops = nodes[1] if trees.depth > 1 else leaves
        order = np.argsort(tops, kind="stable")
        nodes, turns, shares = nodes[:, order], turns[:, order], shares[:, order]
        tops, counts = np.unique(tops, return_counts=True)
        self._trees = trees
        self._splits = _splits(trees, tops, nodes[:, np.cumsum(counts) - counts])
        self._features = trees.features[self._splits].T.ravel()
        self._bits = 1 << np.arange(trees.depth + 1, dtype=np.uint16)[:, None]
        self._lines = np.arange(len(tops)) << trees.depth + 1
        values = trees.values[leaves[order]].astype(np.float64)
        self.base = float(trees.base) + float(values @ shares.prod(axis=0))
        is_right = nodes[0] != np.repeat(self._splits[0], counts)
        first = _first_of_feature(trees.features[nodes])
        self._leaves = _Leaves(counts, values, shares, turns, first, is_right)
        self._table = BuildOnSecondUse(self._leaves.table)

    @classmethod
    def from_trees(cls, trees: FlatTrees) -> Self | None:
        """Make the tables, unless the trees are too deep for them."""
        leaves = np.count_nonzero(np.isinf(trees.thresholds))
        cells = leaves * (trees.depth + 1) << trees.depth + 1
        return cls(trees) if cells <= MOST_CELLS else None

    def contributions(self, matrix: Floats) -> Floats:
        """Exact SHAP values in log-odds, of the matrix's shape; they add up from `base`."""
        table = self._table.get() if len(matrix) <= FEW_ROWS else self._table.now
        found = np.empty(matrix.shape)
        for i, row in enumerate(matrix):
            turned = self._trees.turns(row).take(self._splits)
            ways = np.bitwise_or.reduce(turned * self._bits, axis=0)
            if table is None:
                added = self._leaves.added(ways)
            else:
                added = table.take(self._lines + ways, axis=0)
            found[i] = np.bincount(self._features, added.ravel(), minlength=matrix.shape[1])
        return found


@dataclass(frozen=True, slots=True, eq=False)
class _Leaves:
    """Leaves, block after block: `counts` has how many each has.

    Of each leaf its value, its path's shares and turns from the leaf up, shape `(depth, leaves)`,
    the first split on each split's feature, and which of its block's two lowest splits it is under.
    """

    counts: Ints
    values: Floats
    shares: Floats
    turns: Truths
    first: Ints
    is_right: Truths

    def added(self, ways: Ints) -> Singles:
        """What blocks add to the features of their splits, shape `(blocks, depth + 1)`."""
        subsets = self.subsets(np.repeat(ways, self.counts)[:, None])
        return self.summed(_added(self.values, self.shares, self.first, subsets))[:, 0]

    def table(self) -> Singles:
        """What blocks add whichever way a row goes, shape `(blocks << depth + 1, depth + 1)`."""
        depth = len(self.shares)
        found = np.empty((len(self.counts), 2 << depth, depth + 1), np.float32)
        ways, subsets = np.arange(2 << depth)[None], np.arange(1 << depth)[None]
        for at in range(0, len(found), BLOCKS_AT_ONCE):
            some = self._some(slice(at, at + BLOCKS_AT_ONCE))
            added = _added(some.values, some.shares, some.first, subsets)
            passed = some.subsets(ways)[:, :, None]
            found[at : at + BLOCKS_AT_ONCE] = some.summed(np.take_along_axis(added, passed, 1))
        return found.reshape(-1, depth + 1)

    def _some(self, blocks: slice) -> "_Leaves":
        counts = self.counts[blocks]
        start = int(self.counts[: blocks.start].sum())
        some = slice(start, start + int(counts.sum()))
        by_split = self.shares[:, some], self.turns[:, some], self.first[:, some]
        return _Leaves(counts, self.values[some], *by_split, self.is_right[some])

    def subsets(self, ways: Ints) -> Ints:
        """Which splits of its path each leaf is reached by, of ways `(leaves, k)` or `(1, k)`."""
        turned = ways >> self.is_right[:, None] & 1
        subsets: Ints = (turned == self.turns[0][:, None]).astype(np.intp)
        for k in range(1, len(self.turns)):
            turned = ways >> k + 1 & 1
            subsets |= (turned == self.turns[k][:, None]).astype(np.intp) << k
        return subsets

    def summed(self, added: Floats) -> Singles:
        """Over each block's leaves, of `(leaves, k, depth)`: sums `(blocks, k, depth + 1)`."""
        lowest, is_right = added[:, :, 0], self.is_right[:, None]
        sides = np.where(is_right, 0.0, lowest), np.where(is_right, lowest, 0.0)
        spread = np.dstack([*sides, added[:, :, 1:]])
        starts = np.cumsum(self.counts) - self.counts
        sums: Singles = np.add.reduceat(spread, starts, axis=0).astype(np.float32)
        return sums


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


def _splits(trees: FlatTrees, tops: Ints, paths: Ints) -> Ints:
    """Splits of each block, shape `(depth + 1, blocks)`; where there is none, a leaf stands.

    `tops` are the splits two levels above leaves: in a tree of one split the leaf itself.
    """
    alone = np.isinf(trees.thresholds[tops])
    left = np.where(alone, paths[0], trees.children[2 * tops])
    right = np.where(alone, tops, trees.children[2 * tops + 1])
    return np.vstack([left, right, paths[1:]])


def _first_of_feature(features: Ints) -> Ints:
    """For each split of a path, the place of the first split on the same feature."""
    same = features[:, None, :] == features[None, :, :]
    first: Ints = same.argmax(axis=0)
    return first


def _added(values: Floats, shares: Floats, first: Ints, subsets: Ints) -> Floats:
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
    return np.moveaxis(added, 0, -1)


def _products_of_others(factors: Floats) -> Floats:
    """For each place along the first axis the product of all other places."""
    before, after = np.ones_like(factors), np.ones_like(factors)
    for place in range(1, len(factors)):
        np.multiply(before[place - 1], factors[place - 1], out=before[place])
        np.multiply(after[-place], factors[-place], out=after[-place - 1])
    return before * after
