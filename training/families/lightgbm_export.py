"""LightGBM's trees as the UBJSON that XGBoost reads, so that one library serves both.

LightGBM turns left at `x <= t` in double precision, XGBoost at `x < t` in single precision. For
inputs that are single-precision numbers the two agree if the second threshold is the smallest
single-precision number above the first. The pipeline therefore rounds its inputs first.
"""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import xgboost

from models.errors import ModelRefusedError

LARGEST = np.finfo(np.float32).max  # an infinite threshold would be read as that of a leaf
NO_PARENT = 2**31 - 1  # how XGBoost marks a root
NO_CHILD = -1
VERSION = (3, 2, 0)  # of the layout

Node = dict[str, Any]  # as LightGBM's `dump_model` describes it


def ubjson_from_lightgbm(dump: Node) -> bytes:
    """Convert the dump of a binary LightGBM classifier to XGBoost's UBJSON.

    Raises
    ------
    ModelRefusedError
        If the model has something that XGBoost's numeric trees cannot express.
    """
    if not str(dump["objective"]).startswith("binary sigmoid:1"):
        _refuse(f"the objective {dump['objective']}")
    if dump["average_output"]:
        _refuse("averaged trees")
    width = int(dump["max_feature_idx"]) + 1
    trees = [_convert_tree(tree, width, i) for i, tree in enumerate(dump["tree_info"])]
    booster = xgboost.Booster()
    booster.load_model(bytearray(json.dumps(_build_document(trees, width)).encode()))
    return bytes(booster.save_raw("ubj"))


def list_nodes(root: Node) -> tuple[list[Node], list[int]]:
    """List the nodes of a tree and the index of each node's left child, -1 for a leaf.

    Invariant: the right child stands directly after the left one, where XGBoost's predictor looks
    for it. In any other order it reads wrong leaves without an error.
    """
    nodes, left = [root], [NO_CHILD]
    for i, node in enumerate(nodes):  # which grows while it is read
        if "left_child" in node:
            left[i] = len(nodes)
            nodes += [node["left_child"], node["right_child"]]
            left += [NO_CHILD, NO_CHILD]
    return nodes, left


def threshold_from_lightgbm(threshold: float) -> np.float32:
    """Return the smallest single-precision number above a threshold, at most `LARGEST`."""
    if threshold >= float(LARGEST):
        return LARGEST
    single = np.float32(threshold)
    above = single if float(single) > threshold else np.nextafter(single, np.float32(np.inf))
    return np.float32(above)


@dataclass(frozen=True, slots=True)
class _Split:
    """A node as XGBoost describes it: what it tests, or the value of a leaf."""

    feature: int
    condition: float
    is_missing_left: bool
    gain: float
    cover: float
    value: float


def _convert_tree(tree: Node, width: int, index: int) -> dict[str, Any]:
    nodes, left = list_nodes(tree["tree_structure"])
    splits = [_convert_node(node) for node in nodes]
    parents = np.full(len(nodes), NO_PARENT)
    for i, child in enumerate(left):
        if child != NO_CHILD:
            parents[[child, child + 1]] = i
    zeros = [0] * len(nodes)
    return {
        "base_weights": [split.value for split in splits],
        "categories": [],
        "categories_nodes": [],
        "categories_segments": [],
        "categories_sizes": [],
        "default_left": [int(split.is_missing_left) for split in splits],
        "id": index,
        "left_children": left,
        "loss_changes": [split.gain for split in splits],
        "parents": parents.tolist(),
        "right_children": [child + 1 if child != NO_CHILD else NO_CHILD for child in left],
        "split_conditions": [split.condition for split in splits],
        "split_indices": [split.feature for split in splits],
        "split_type": zeros,
        "sum_hessian": [split.cover for split in splits],
        "tree_param": {
            "num_deleted": "0",
            "num_feature": str(width),
            "num_nodes": str(len(nodes)),
            "size_leaf_vector": "1",
        },
    }


def _convert_node(node: Node) -> _Split:
    if "left_child" not in node:
        value = float(np.float32(node["leaf_value"]))
        # Covers are rows, not hessians: LightGBM's own contributions weigh by rows.
        return _Split(0, value, False, 0.0, float(node.get("leaf_count", 1)), value)  # noqa: FBT003 -- a leaf
    if node["decision_type"] != "<=":
        _refuse(f"a split by {node['decision_type']}")
    if node["missing_type"] not in ("NaN", "None"):
        _refuse(f"the missing type {node['missing_type']}")
    threshold = float(node["threshold"])
    # Where training had no missing value, LightGBM treats one as 0.
    is_missing_left = node["default_left"] if node["missing_type"] == "NaN" else threshold >= 0.0
    return _Split(
        feature=int(node["split_feature"]),
        condition=float(threshold_from_lightgbm(threshold)),
        is_missing_left=bool(is_missing_left),
        gain=float(node["split_gain"]),
        cover=float(node["internal_count"]),
        value=float(node["internal_value"]),
    )


def _build_document(trees: list[dict[str, Any]], width: int) -> dict[str, Any]:
    count = len(trees)
    return {
        "learner": {
            "attributes": {},
            "feature_names": [],
            "feature_types": [],
            "gradient_booster": {
                "model": {
                    "gbtree_model_param": {"num_parallel_tree": "1", "num_trees": str(count)},
                    "iteration_indptr": list(range(count + 1)),
                    "tree_info": [0] * count,
                    "trees": trees,
                },
                "name": "gbtree",
            },
            "learner_model_param": {
                "base_score": "[5E-1]",  # log-odds of 0: LightGBM's first tree has the base rate
                "boost_from_average": "1",
                "num_class": "0",
                "num_feature": str(width),
                "num_target": "1",
            },
            "objective": {
                "name": "binary:logistic",
                "reg_loss_param": {"scale_pos_weight": "1"},
            },
        },
        "version": list(VERSION),
    }


def _refuse(fault: str) -> None:
    message = f"lightgbm: {fault} cannot be exported to XGBoost's numeric trees"
    raise ModelRefusedError(message)
