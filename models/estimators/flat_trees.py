"""Boosted trees as flat arrays: the log-odds of one row without XGBoost's library.

The library is fastest for many rows; for one, what it does before and after costs four times the
traversal here. Log-odds are the same to the last bit: leaves are added in single precision, in the
library's order.
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
    """All nodes of all trees; a leaf is its own child on both sides, and every row goes left there.

    `children` holds left and right of each node in turn.
    """

    width: int
    base: np.float32
    roots: Ints
    depth: int
    features: Ints
    thresholds: Singles
    missing_right: Truths
    children: Ints
    values: Singles
    covers: Floats

    @classmethod
    def from_ubjson(cls, ubj: bytes) -> Self:
        """Read XGBoost's UBJSON.

        Raises
        ------
        ModelRefusedError
            If it is not a binary classifier of plain trees.
        """
        try:
            learner = read_ubjson(ubj)["learner"]
            trees = learner["gradient_booster"]["model"]["trees"]
            parameters = learner["learner_model_param"]
            _require_plain(learner["objective"]["name"], trees)
            chance = np.float32(parameters["base_score"].strip("[]"))
            return cls._joined(trees, int(parameters["num_feature"]), chance)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            message = "estimator: not a classifier of plain trees"
            raise ModelRefusedError(message) from error

    @classmethod
    def _joined(cls, trees: list[dict[str, Any]], width: int, chance: np.float32) -> Self:
        sizes = [len(tree["left_children"]) for tree in trees]
        roots = np.cumsum([0, *sizes[:-1]], dtype=np.intp)
        shift = np.repeat(roots, sizes)

        def joined(name: str) -> NDArray[Any]:
            return np.concatenate([tree[name] for tree in trees])

        is_leaf = joined("left_children") < 0
        itself = np.arange(len(is_leaf))
        sides = [joined(f"{side}_children") + shift for side in ("left", "right")]
        children = np.column_stack([np.where(is_leaf, itself, side) for side in sides]).ravel()
        conditions = joined("split_conditions").astype(np.float32)
        return cls(
            width=width,
            base=margin_from_base_score(chance),
            roots=roots,
            depth=_depth(roots, children),
            features=np.where(is_leaf, 0, joined("split_indices")).astype(np.intp),
            thresholds=np.where(is_leaf, np.float32(np.inf), conditions),
            missing_right=~is_leaf & (joined("default_left") == 0),
            children=children,
            values=conditions,  # of a leaf; nothing reads the others
            covers=joined("sum_hessian").astype(np.float64),
        )

    def log_odds(self, row: Floats) -> float:
        """Log-odds of one row of the matrix, shape `(p,)`; NaN means missing."""
        turns = self.turns(row)
        nodes = self.roots
        for _ in range(self.depth):
            nodes = self.children.take(2 * nodes + turns.take(nodes))
        leaves = self.values.take(nodes)
        leaves[0] += self.base
        return float(np.add.accumulate(leaves)[-1])  # in order, as the library adds

    def turns(self, row: Floats) -> Truths:
        """Whether the row would go right, at every node."""
        single = row.astype(np.float32)
        turns: Truths = single.take(self.features) >= self.thresholds
        missing = np.isnan(single)
        if missing.any():
            turns |= missing.take(self.features) & self.missing_right
        return turns


def _require_plain(objective: str, trees: list[dict[str, Any]]) -> None:
    several = any(tree["tree_param"]["size_leaf_vector"] not in {"0", "1"} for tree in trees)
    if objective != "binary:logistic" or several or any(t["split_type"].any() for t in trees):
        raise ValueError(objective)


def _depth(roots: Ints, children: Ints) -> int:
    depth, level = 0, roots
    while len(level):
        below = children.reshape(-1, 2)[level]
        level = below[below != level[:, None]]
        depth += 1
        if depth > len(children) or len(level) > len(children):
            message = "trees with a cycle"
            raise ValueError(message)
    return max(depth - 1, 1)
