"""Which way a row turns at many splits at once, by lookup: for each feature and each value's place.

A row turns right at a split if its value is at least the threshold. So all that matters of a value
is how many thresholds of its feature it reaches, and for each such number the splits it passes to
the right are bits that are computed once. Source of the idea: Lucchese et al., QuickScorer: a fast
algorithm to rank documents with additive ensembles of regression trees, SIGIR 2015.
"""

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from models.estimators.flat_trees import FlatTrees, Floats, Ints

Bits = NDArray[np.uint8] | NDArray[np.uint16]
MOST_CELLS = 2**25  # 32 MB of single bytes
BITS_OF_A_BYTE = 8


class _Feature(NamedTuple):
    """One feature: its thresholds in order, and the bits of each number of them that is reached.

    `bits` has a line for each number from none to all of the thresholds, then one for a missing
    value: shape `(thresholds + 2, blocks)`.
    """

    feature: int
    thresholds: Floats
    bits: Bits


class TurnTables:
    """The ways of rows through blocks of splits, as `PathTables` numbers them."""

    def __init__(self, features: list[_Feature]) -> None:
        self._features = features

    @classmethod
    def from_splits(cls, trees: FlatTrees, splits: Ints) -> Self | None:
        """Build the tables for splits of shape `(k, blocks)`; None if they would be too large.

        Bit `k` of a block's way is 1 where the row turns right at split `k`.
        """
        features, thresholds = trees.features[splits], trees.thresholds[splits]
        positions = [(f, *np.nonzero(features == f)) for f in np.unique(features)]
        distinct = [np.unique(thresholds[k, b]) for _, k, b in positions]
        if sum(len(t) + 2 for t in distinct) * splits.shape[1] > MOST_CELLS:
            return None
        kind = np.uint8 if len(splits) <= BITS_OF_A_BYTE else np.uint16
        tables = []
        for (index, k, blocks), edges in zip(positions, distinct, strict=True):
            bit = (1 << k).astype(kind)
            bits = np.zeros((len(edges) + 2, splits.shape[1]), kind)
            reached = np.searchsorted(edges, thresholds[k, blocks]) + 1
            np.bitwise_or.at(bits, (reached, blocks), bit)
            np.bitwise_or.accumulate(bits[:-1], axis=0, out=bits[:-1])
            missing = np.where(trees.is_missing_right[splits[k, blocks]], bit, 0).astype(kind)
            np.bitwise_or.at(bits[-1], blocks, missing)
            tables.append(_Feature(int(index), edges, bits))
        return cls(tables)

    def find_ways(self, matrix: Floats) -> Bits:
        """Return the way of each row through each block, shape `(n, blocks)`."""
        singles = matrix.astype(np.float32)
        first = self._features[0].bits
        ways: Bits = np.zeros((len(matrix), first.shape[1]), first.dtype)
        for feature, thresholds, bits in self._features:
            values = singles[:, feature]
            lines = np.searchsorted(thresholds, values, side="right")
            lines[np.isnan(values)] = len(bits) - 1
            np.bitwise_or(ways, bits.take(lines, axis=0), out=ways)
        return ways
