"""Boosted trees as flat arrays: log-odds of a single row without XGBoost's library.

The library is fastest for many rows. For one row, its overhead costs four times the traversal here.
Log-odds are equal to the library's to the last bit, because leaves are added in single precision
and in the library's order.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelRefusedError
from models.estimators.libxgboost import margin_from_base_score
from models.estimators.ubjson import read_ubjson

Ints = NDArray[np.intp]
Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Truths = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class FlatTrees:
    """All nodes of all trees, one entry a node.

    `children` holds the left and the right child of each node in turn, so the child of node `i` is
    `children[2 * i]` or `children[2 * i + 1]`.

    Invariant: a leaf is its own child on both sides, and its threshold is infinite, so that no
    number turns right there. A traversal can therefore take exactly `depth` steps in every tree,
    without a test for leaves: a row that reached a leaf early stays there.
    """

    width: int
    base_margin: np.float32
    roots: Ints
    depth: int
    features: Ints
    thresholds: Singles
    is_missing_right: Truths
    children: Ints
    values: Singles
    covers: Floats

    @classmethod
    def from_ubjson(cls, ubj: bytes) -> Self:
        """Read XGBoost's UBJSON.

        Raises
        ------
        ModelRefusedError
            If the bytes are not a binary classifier of numeric trees.
        """
        try:
            learner = read_ubjson(ubj)["learner"]
            trees = learner["gradient_booster"]["model"]["trees"]
            parameters = learner["learner_model_param"]
            _require_numeric(learner["objective"]["name"], trees)
            base_score = np.float32(parameters["base_score"].strip("[]"))
            return cls._from_documents(trees, int(parameters["num_feature"]), base_score)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            message = "estimator: not a binary classifier of numeric trees"
            raise ModelRefusedError(message) from error

    @classmethod
    def _from_documents(
        cls, trees: list[dict[str, Any]], width: int, base_score: np.float32
    ) -> Self:
        sizes = [len(tree["left_children"]) for tree in trees]
        roots = np.cumsum([0, *sizes[:-1]], dtype=np.intp)
        shift = np.repeat(roots, sizes)

        def concatenate(name: str) -> NDArray[Any]:
            return np.concatenate([tree[name] for tree in trees])

        is_leaf = concatenate("left_children") < 0
        itself = np.arange(len(is_leaf))
        sides = [concatenate(f"{side}_children") + shift for side in ("left", "right")]
        children = np.column_stack([np.where(is_leaf, itself, side) for side in sides]).ravel()
        conditions = concatenate("split_conditions").astype(np.float32)
        return cls(
            width=width,
            base_margin=margin_from_base_score(base_score),
            roots=roots,
            depth=_measure_depth(roots, children),
            features=np.where(is_leaf, 0, concatenate("split_indices")).astype(np.intp),
            thresholds=np.where(is_leaf, np.float32(np.inf), conditions),
            is_missing_right=~is_leaf & (concatenate("default_left") == 0),
            children=children,
            values=conditions,  # the values of leaves; those of splits are never read
            covers=concatenate("sum_hessian").astype(np.float64),
        )

    def log_odds(self, row: Floats) -> float:
        """Return the log-odds of one row of the matrix, shape `(p,)`; NaN means missing."""
        turns = self.find_right_turns(row)
        nodes = self.roots
        for _ in range(self.depth):
            nodes = self.children.take(2 * nodes + turns.take(nodes))
        leaves = self.values.take(nodes)
        leaves[0] += self.base_margin
        # Not `leaves.sum()`, which adds in pairs: accumulation adds in the library's order.
        return float(np.add.accumulate(leaves)[-1])

    def find_right_turns(self, row: Floats) -> Truths:
        """Return for every node whether the row turns right there."""
        single = row.astype(np.float32)
        turns: Truths = single.take(self.features) >= self.thresholds
        missing = np.isnan(single)
        if missing.any():
            turns |= missing.take(self.features) & self.is_missing_right
        return turns


def _require_numeric(objective: str, trees: list[dict[str, Any]]) -> None:
    is_vector = any(tree["tree_param"]["size_leaf_vector"] not in {"0", "1"} for tree in trees)
    if objective != "binary:logistic" or is_vector or any(t["split_type"].any() for t in trees):
        raise ValueError(objective)


def _measure_depth(roots: Ints, children: Ints) -> int:
    depth, level = 0, roots
    while len(level):
        below = children.reshape(-1, 2)[level]
        level = below[below != level[:, None]]
        depth += 1
        if depth > len(children) or len(level) > len(children):
            message = "trees with a cycle"
            raise ValueError(message)
    return max(depth - 1, 1)
