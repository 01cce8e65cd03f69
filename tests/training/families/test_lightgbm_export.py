"""LightGBM's trees in XGBoost's format: the same leaf for every row, whatever the row holds."""

import copy
from typing import Any

import lightgbm
import numpy as np
import pytest
import xgboost
from numpy.typing import NDArray

from models.errors import ModelRefusedError
from models.estimators.families import estimator_from_bytes
from models.estimators.flat_trees import FlatTrees
from models.features import LARGEST as LARGEST_FEATURE
from models.features import Matrix
from tests.support.counts import counts
from training.families.lightgbm_export import (
    LARGEST,
    list_nodes,
    threshold_from_lightgbm,
    ubjson_from_lightgbm,
)

pytestmark = pytest.mark.soak

WIDTH = 6
ROWS = counts().tree_rows


def rows(count: int, seed: int) -> NDArray[np.float32]:
    """Numbers of several sizes; the first two columns have missing values, the last is a count."""
    random = np.random.default_rng(seed)
    matrix = random.normal(size=(count, WIDTH)) * 10.0 ** np.array([-3, 0, 3, 0, 1, 0])
    matrix[:, -1] = random.integers(0, 3, count)
    matrix[random.random(count) < 0.2, 0] = np.nan
    matrix[random.random(count) < 0.05, 1] = np.nan
    return matrix.astype(np.float32)


@pytest.fixture(scope="module")
def fitted() -> lightgbm.Booster:
    matrix = rows(4_000, seed=1)
    risk = np.nan_to_num(matrix[:, 1]) + matrix[:, -1] - 1e-3 * matrix[:, 2]
    risk += 2 * np.isnan(matrix[:, 0])
    labels = risk + np.random.default_rng(2).normal(size=len(risk)) > 1
    return (
        lightgbm.LGBMClassifier(
            n_estimators=80,
            num_leaves=12,
            monotone_constraints=[0, 1, -1, 0, 0, 1],
            monotone_constraints_method="advanced",
            deterministic=True,
            force_row_wise=True,
            n_jobs=2,
            random_state=1,
            verbose=-1,
        )
        .fit(matrix, labels)
        .booster_
    )


@pytest.fixture(scope="module")
def dump(fitted: lightgbm.Booster) -> dict[str, Any]:
    document: dict[str, Any] = fitted.dump_model()
    return document


def odd_rows() -> NDArray[np.float32]:
    """Rows as training never had them, in which every column may be missing."""
    matrix, random = rows(ROWS // 4, seed=3), np.random.default_rng(4)
    holes = matrix.copy()
    holes[random.random(matrix.shape) < 0.5] = np.nan
    return np.vstack([-matrix, matrix * 0, matrix * np.float32(1e6), holes])


def on_thresholds(fitted: lightgbm.Booster) -> NDArray[np.float32]:
    """Rows that lie on a threshold, or one step of single precision beside it."""
    nodes = [
        node
        for tree in fitted.dump_model()["tree_info"]
        for node in list_nodes(tree["tree_structure"])[0]
        if "threshold" in node
    ]
    matrix = rows(3 * len(nodes), seed=5)
    for i, node in enumerate(nodes):
        nearest = np.float32(min(float(node["threshold"]), LARGEST_FEATURE))
        steps = (nearest, np.nextafter(nearest, LARGEST), np.nextafter(nearest, -LARGEST))
        matrix[3 * i : 3 * i + 3, node["split_feature"]] = steps
    return matrix


@pytest.mark.parametrize("kind", ["ordinary", "odd", "on thresholds"])
def test_every_row_reaches_the_same_leaf_of_every_tree(
    fitted: lightgbm.Booster, dump: dict[str, Any], kind: str
) -> None:
    make = {"ordinary": lambda: rows(ROWS, 6), "odd": odd_rows}
    matrix = make.get(kind, lambda: on_thresholds(fitted))()
    ours = xgboost.Booster()
    ours.load_model(bytearray(ubjson_from_lightgbm(dump)))
    reached = ours.predict(xgboost.DMatrix(matrix), pred_leaf=True).astype(int)
    expected = np.asarray(fitted.predict(matrix, pred_leaf=True))
    for i, tree in enumerate(dump["tree_info"]):
        nodes, _ = list_nodes(tree["tree_structure"])
        leaf_indices = np.array([node.get("leaf_index", -1) for node in nodes])
        np.testing.assert_array_equal(leaf_indices[reached[:, i]], expected[:, i])


@pytest.mark.parametrize("kind", ["ordinary", "odd"])
def test_margins_are_those_of_lightgbm(
    fitted: lightgbm.Booster, dump: dict[str, Any], kind: str
) -> None:
    matrix = rows(ROWS, 7) if kind == "ordinary" else odd_rows()
    estimator = estimator_from_bytes("lightgbm", ubjson_from_lightgbm(dump))
    served = estimator.log_odds(matrix.astype(np.float64))
    expected = np.asarray(fitted.predict(matrix, raw_score=True))
    np.testing.assert_allclose(served, expected, rtol=0, atol=5e-6)


def test_one_row_scores_as_the_library_scores_it_to_the_last_bit(dump: dict[str, Any]) -> None:
    ubj = ubjson_from_lightgbm(dump)
    trees, library = FlatTrees.from_ubjson(ubj), xgboost.Booster()
    library.load_model(bytearray(ubj))
    matrix = np.vstack([rows(500, 8), odd_rows()[::50]])
    expected = library.predict(xgboost.DMatrix(matrix), output_margin=True)
    alone = [trees.log_odds(row) for row in matrix.astype(np.float64)]
    np.testing.assert_array_equal(np.array(alone, np.float32), expected)


def test_contributions_are_those_of_lightgbm(
    fitted: lightgbm.Booster, dump: dict[str, Any]
) -> None:
    matrix = np.vstack([rows(300, 9), odd_rows()[::100]])
    expected = np.asarray(fitted.predict(matrix, pred_contrib=True))
    double: Matrix = matrix.astype(np.float64)
    estimator = estimator_from_bytes("lightgbm", ubjson_from_lightgbm(dump))
    contributions = estimator.contributions(double, double[:1])
    np.testing.assert_allclose(contributions.values, expected[:, :-1], rtol=0, atol=5e-6)
    assert contributions.expected_value == pytest.approx(expected[0, -1], abs=5e-6)


def test_a_tree_without_a_split_is_its_only_leaf() -> None:
    matrix, labels = rows(300, 1), np.arange(300) % 2
    booster = (
        lightgbm.LGBMClassifier(n_estimators=2, min_child_samples=200, verbose=-1)
        .fit(matrix, labels)
        .booster_
    )
    estimator = estimator_from_bytes("lightgbm", ubjson_from_lightgbm(booster.dump_model()))
    expected = np.asarray(booster.predict(matrix[:5], raw_score=True))
    np.testing.assert_allclose(estimator.log_odds(matrix[:5].astype(float)), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [
        (0.5, np.nextafter(np.float32(0.5), np.float32(1))),  # 0.5 itself turns left
        (0.1, np.float32(0.1)),  # which is above 0.1
        (0.7, np.nextafter(np.float32(0.7), np.float32(1))),  # single precision rounds .7 down
        (1e300, LARGEST),
        (float(LARGEST), LARGEST),
    ],
)
def test_a_threshold_becomes_the_next_single_precision_number(
    threshold: float, expected: np.float32
) -> None:
    assert threshold_from_lightgbm(threshold) == expected


def test_a_split_of_missing_values_alone_is_not_read_as_a_leaf() -> None:
    """LightGBM writes the threshold 1e300 if every number turns left, and NaN right."""
    leaves = [{"leaf_index": i, "leaf_value": i - 0.5, "leaf_count": 5} for i in range(2)]
    split = {
        "split_feature": 0,
        "split_gain": 1.0,
        "threshold": 1e300,
        "decision_type": "<=",
        "default_left": False,
        "missing_type": "NaN",
        "internal_value": 0.0,
        "internal_count": 10,
        "left_child": leaves[0],
        "right_child": leaves[1],
    }
    dump = {
        "objective": "binary sigmoid:1",
        "average_output": False,
        "max_feature_idx": 0,
        "tree_info": [{"tree_structure": split}],
    }
    trees = FlatTrees.from_ubjson(ubjson_from_lightgbm(dump))
    assert np.count_nonzero(np.isinf(trees.thresholds)) == 2
    assert trees.log_odds(np.array([1e38])) == -0.5
    assert trees.log_odds(np.array([np.nan])) == 0.5


def edit_root(dump: dict[str, Any], **changes: str) -> dict[str, Any]:
    edited = copy.deepcopy(dump)
    edited["tree_info"][0]["tree_structure"].update(changes)
    return edited


def test_what_numeric_trees_cannot_express_is_refused_by_name(dump: dict[str, Any]) -> None:
    for edited, fault in (
        (edit_root(dump, decision_type="=="), "a split by =="),
        (edit_root(dump, missing_type="Zero"), "the missing type Zero"),
        (dump | {"average_output": True}, "averaged trees"),
        (dump | {"objective": "regression"}, "the objective regression"),
        (dump | {"objective": "binary sigmoid:2"}, "the objective binary sigmoid:2"),
    ):
        with pytest.raises(ModelRefusedError, match=fault):
            ubjson_from_lightgbm(edited)
