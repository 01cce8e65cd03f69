"""Exact SHAP values of trees by lookup in precomputed tables (Fast TreeSHAP).

A leaf contributes to the features on its path. The contribution depends only on which splits of
the path a row passes, and a path of five splits has only 32 such subsets. Source: Yang, Fast
TreeSHAP: accelerating SHAP value computation for trees, arXiv:2109.09847, version 2 of the
algorithm. Here up to four leaves, those two levels below one split, share a block and are looked
up together. That costs one split more in each key and saves two thirds of the work.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Self

import numpy as np

from models.estimators.flat_trees import FlatTrees, Floats, Ints, Singles, Truths
from models.estimators.lazy import BuildOnSecondUse
from models.estimators.turn_tables import TurnTables

MOST_CELLS = 2**22  # 16 MB if each leaf were a block, a quarter of it in full trees
BLOCKS_AT_ONCE = 64
FEW_ROWS = 8
ROWS_AT_ONCE = 32  # whose ways stay in the processor's cache


class PathTables:
    """What each block of leaves adds to the features of its splits, for every way a row can turn.

    The splits of a block are the two above its leaves, the one above those two, and the path from
    there to the root. A row's *way* through a block has one bit for each of these splits: 1 where
    the row turns right. If a path splits twice on one feature, the contribution of both splits is
    stored at the first of them.

    Invariant: the table has `2 ** (depth + 1)` lines for each block, one for each way, and one
    column for each split. The line of block `b` and way `w` is `(b << depth + 1) + w`. The first
    few rows are computed without the table, by the same arithmetic and so to the same bits.
    """

    def __init__(self, trees: FlatTrees) -> None:
        leaves = np.flatnonzero(np.isinf(trees.thresholds))
        nodes, turns, shares = _trace_paths(trees, leaves)
        tops = nodes[1] if trees.depth > 1 else leaves
        order = np.argsort(tops, kind="stable")
        nodes, turns, shares = nodes[:, order], turns[:, order], shares[:, order]
        tops, counts = np.unique(tops, return_counts=True)
        self._trees = trees
        self._splits = _find_splits(trees, tops, nodes[:, np.cumsum(counts) - counts])
        self._features = trees.features[self._splits].T.ravel()
        self._bits = 1 << np.arange(trees.depth + 1, dtype=np.uint16)[:, None]
        self._lines = np.arange(len(tops)) << trees.depth + 1
        values = trees.values[leaves[order]].astype(np.float64)
        self.expected_value = float(trees.base_margin) + float(values @ shares.prod(axis=0))
        is_right = nodes[0] != np.repeat(self._splits[0], counts)
        first = _find_first_of_feature(trees.features[nodes])
        self._leaves = _Leaves(counts, values, shares, turns, first, is_right)
        self._table = BuildOnSecondUse(self._leaves.build_table)
        self._turns = BuildOnSecondUse(partial(TurnTables.from_splits, trees, self._splits))

    @classmethod
    def from_trees(cls, trees: FlatTrees) -> Self | None:
        """Build the tables, or return None if the trees are too deep for them."""
        leaves = np.count_nonzero(np.isinf(trees.thresholds))
        cells = leaves * (trees.depth + 1) << trees.depth + 1
        return cls(trees) if cells <= MOST_CELLS else None

    def contributions(self, matrix: Floats) -> Floats:
        """Return exact SHAP values in log-odds, in the shape of the matrix.

        `expected_value` plus the sum of a row is the log-odds of the row.
        """
        table = self._table.get() if len(matrix) <= FEW_ROWS else self._table.value
        contributions = np.empty(matrix.shape)
        for i, ways in enumerate(self._find_ways(matrix)):
            if table is None:
                additions = self._leaves.compute_additions(ways)
            else:
                additions = table.take(self._lines + ways, axis=0)
            contributions[i] = np.bincount(
                self._features, additions.ravel(), minlength=matrix.shape[1]
            )
        return contributions

    def _find_ways(self, matrix: Floats) -> Iterator[Ints]:
        """Yield the way of each row through each block."""
        turns = self._turns.value if len(matrix) > FEW_ROWS else None
        if turns is None:
            for row in matrix:
                turned = self._trees.find_right_turns(row).take(self._splits)
                yield np.bitwise_or.reduce(turned * self._bits, axis=0)
            return
        for start in range(0, len(matrix), ROWS_AT_ONCE):
            yield from turns.find_ways(matrix[start : start + ROWS_AT_ONCE])


@dataclass(frozen=True, slots=True, eq=False)
class _Leaves:
    """Leaves in the order of their blocks; `counts` has the number of leaves of each block.

    Invariant: `counts` partitions the second axis of `shares`, `turns` and `first`, and the only
    axis of `values` and `is_right`. Rows of the first axis go from the leaf up to the root: shape
    `(depth, leaves)`.

    - `values` are the values of the leaves.
    - `shares` are the shares of training rows that go on towards the leaf at each split.
    - `turns` tells whether the path turns right at each split.
    - `first` has for each split the index of the first split of the path on the same feature.
    - `is_right` tells which of the two lowest splits of the block a leaf belongs to.
    """

    counts: Ints
    values: Floats
    shares: Floats
    turns: Truths
    first: Ints
    is_right: Truths

    def compute_additions(self, ways: Ints) -> Singles:
        """Compute what blocks add to the features of their splits, shape `(blocks, depth + 1)`."""
        subsets = self.find_subsets(np.repeat(ways, self.counts)[:, None])
        return self.sum_blocks(_add_leaves(self.values, self.shares, self.first, subsets))[:, 0]

    def build_table(self) -> Singles:
        """Compute what blocks add for every way, shape `(blocks << depth + 1, depth + 1)`."""
        depth = len(self.shares)
        table = np.empty((len(self.counts), 2 << depth, depth + 1), np.float32)
        ways, subsets = np.arange(2 << depth)[None], np.arange(1 << depth)[None]
        for start in range(0, len(table), BLOCKS_AT_ONCE):
            blocks = slice(start, start + BLOCKS_AT_ONCE)
            some = self._select(blocks)
            additions = _add_leaves(some.values, some.shares, some.first, subsets)
            passed = some.find_subsets(ways)[:, :, None]
            table[blocks] = some.sum_blocks(np.take_along_axis(additions, passed, 1))
        return table.reshape(-1, depth + 1)

    def _select(self, blocks: slice) -> "_Leaves":
        counts = self.counts[blocks]
        start = int(self.counts[: blocks.start].sum())
        leaves = slice(start, start + int(counts.sum()))
        by_split = self.shares[:, leaves], self.turns[:, leaves], self.first[:, leaves]
        return _Leaves(counts, self.values[leaves], *by_split, self.is_right[leaves])

    def find_subsets(self, ways: Ints) -> Ints:
        """Return the splits that a row passes towards each leaf, as bits.

        `ways` has the shape `(leaves, k)` or `(1, k)`. Bit 0 of a subset is the lowest split. Ways
        have a bit for each of the two lowest splits of a block, of which a leaf uses its own.
        """
        turned = ways >> self.is_right[:, None] & 1
        subsets: Ints = (turned == self.turns[0][:, None]).astype(np.intp)
        for k in range(1, len(self.turns)):
            turned = ways >> k + 1 & 1
            subsets |= (turned == self.turns[k][:, None]).astype(np.intp) << k
        return subsets

    def sum_blocks(self, additions: Floats) -> Singles:
        """Sum `(leaves, k, depth)` over the leaves of each block: `(blocks, k, depth + 1)`."""
        lowest, is_right = additions[:, :, 0], self.is_right[:, None]
        sides = np.where(is_right, 0.0, lowest), np.where(is_right, lowest, 0.0)
        spread = np.dstack([*sides, additions[:, :, 1:]])
        starts = np.cumsum(self.counts) - self.counts
        sums: Singles = np.add.reduceat(spread, starts, axis=0).astype(np.float32)
        return sums


def _trace_paths(trees: FlatTrees, leaves: Ints) -> tuple[Ints, Truths, Floats]:
    """Follow the paths of leaves up to the root, each result of shape `(depth, leaves)`.

    Return the splits, whether the path turns right there, and the share of training rows that
    turn so. Above a root the leaf itself stands for a split, which every row passes.
    """
    parents = np.full(len(trees.features), -1, np.intp)
    splits = np.flatnonzero(~np.isinf(trees.thresholds))
    for side in (0, 1):
        parents[trees.children[2 * splits + side]] = splits
    nodes, turns, shares = [], [], []
    below = leaves
    for _ in range(trees.depth):
        is_above_root = parents[below] < 0
        split = np.where(is_above_root, leaves, parents[below])
        nodes.append(split)
        turns.append(~is_above_root & (trees.children[2 * split + 1] == below))
        shares.append(np.where(is_above_root, 1.0, trees.covers[below] / trees.covers[split]))
        below = np.where(is_above_root, below, split)
    return np.array(nodes), np.array(turns), np.array(shares)


def _find_splits(trees: FlatTrees, tops: Ints, paths: Ints) -> Ints:
    """Return the splits of each block, shape `(depth + 1, blocks)`.

    `tops` are the splits two levels above leaves. In a tree of one split the top is the leaf
    itself. Where a block has fewer splits, a leaf stands for the missing one.
    """
    is_alone = np.isinf(trees.thresholds[tops])
    left = np.where(is_alone, paths[0], trees.children[2 * tops])
    right = np.where(is_alone, tops, trees.children[2 * tops + 1])
    return np.vstack([left, right, paths[1:]])


def _find_first_of_feature(features: Ints) -> Ints:
    """For each split of a path, return the index of the first split on the same feature."""
    same = features[:, None, :] == features[None, :, :]
    first: Ints = same.argmax(axis=0)
    return first


def _add_leaves(values: Floats, shares: Floats, first: Ints, subsets: Ints) -> Floats:
    """Compute what leaves add to the features of their paths, for subsets of passed splits.

    `subsets` has the shape `(leaves, k)` or `(1, k)`, the result `(leaves, k, depth)`.

    Shapley's weights are an integral: `k! (m - 1 - k)! / m!` is that of `t^k (1 - t)^(m - 1 - k)`
    over [0, 1]. So the SHAP value of a feature is the product of three factors: the value of the
    leaf; 1 if the row passes all splits on the feature, else 0, minus the share of rows that do;
    and the integral of a product over the other features. Gauss-Legendre quadrature computes the
    integral exactly.
    """
    depth = len(first)
    split_indices = np.arange(depth)[:, None, None]
    belongs = first == split_indices  # feature (at its first split), split, leaf
    share = np.where(belongs, shares, 1.0).prod(axis=1)[:, :, None]
    splits = np.where(belongs, 1 << split_indices[:, :, 0], 0).sum(axis=1)[:, :, None]
    passed = (subsets & splits) == splits  # feature, leaf, subset
    points, weights = np.polynomial.legendre.leggauss((depth + 1) // 2)
    integrals = np.zeros(passed.shape)
    for point, weight in zip((points + 1) / 2, weights / 2, strict=True):
        integrals += weight * _multiply_others((1 - point) * share + point * passed)
    additions = values[:, None] * (passed - share) * integrals
    return np.moveaxis(additions, 0, -1)


def _multiply_others(factors: Floats) -> Floats:
    """For each index of the first axis, return the product of the factors at all other indices."""
    before, after = np.ones_like(factors), np.ones_like(factors)
    for i in range(1, len(factors)):
        np.multiply(before[i - 1], factors[i - 1], out=before[i])
        np.multiply(after[-i], factors[-i], out=after[-i - 1])
    return before * after
