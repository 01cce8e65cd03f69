"""Flat trees and path tables beside XGBoost: the same bits, the same contributions."""

import gc
import weakref
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from xgboost import XGBClassifier, XGBRegressor, XGBRFClassifier

from models.errors import ModelRefusedError
from models.estimators.families import estimator_from_bytes
from models.estimators.flat_trees import FlatTrees, Floats
from models.estimators.libxgboost import Booster
from models.estimators.tree_shap import PathTables
from tests.support.counts import counts

pytestmark = pytest.mark.soak

ROWS = counts().tree_rows
WIDTH = 12


def rows(count: int, seed: int) -> Floats:
    """Numbers of every size that single precision holds exactly, a fifth of them missing."""
    random = np.random.default_rng(seed)
    matrix = random.normal(size=(count, WIDTH)) * 10.0 ** random.integers(-3, 4, WIDTH)
    matrix[:, 3] = random.integers(0, 3, count)  # equal to thresholds more often than not
    matrix[random.random(matrix.shape) < 0.2] = np.nan
    return matrix.astype(np.float32).astype(np.float64)


def fitted(model: XGBClassifier, count: int = 3_000) -> bytes:
    matrix = rows(count, seed=1)
    risk = np.nan_to_num(matrix[:, 0]) + np.nan_to_num(matrix[:, 3]) ** 2
    labels = risk + np.random.default_rng(2).normal(size=count) > 1
    return bytes(model.fit(matrix, labels).get_booster().save_raw("ubj"))


@pytest.fixture(scope="module")
def boosted() -> bytes:
    return fitted(XGBClassifier(n_estimators=60, max_depth=5, random_state=1))


@pytest.fixture(scope="module")
def forest() -> bytes:
    return fitted(XGBRFClassifier(n_estimators=60, max_depth=8, random_state=1))


@pytest.fixture(scope="module")
def pruned() -> bytes:
    """Trees of unequal depth with deleted nodes, grown leaf by leaf."""
    model = XGBClassifier(
        n_estimators=40, grow_policy="lossguide", max_leaves=9, max_depth=6, gamma=2, random_state=1
    )
    return fitted(model)


@pytest.fixture(scope="module")
def stumps() -> bytes:
    """Trees of one split, and of none."""
    return fitted(XGBClassifier(n_estimators=40, max_depth=1, gamma=20, random_state=1))


@pytest.fixture(scope="module")
def twos() -> bytes:
    """Trees of two levels: each a block, beside leaves that stand alone."""
    return fitted(XGBClassifier(n_estimators=20, max_depth=2, gamma=5, random_state=1))


@pytest.mark.parametrize("grown", ["boosted", "forest", "pruned", "stumps", "twos"])
def test_a_leaf_is_its_own_child_and_no_number_turns_right_there(
    grown: str, request: pytest.FixtureRequest
) -> None:
    trees = FlatTrees.from_ubjson(request.getfixturevalue(grown))
    leaves = np.flatnonzero(np.isinf(trees.thresholds))
    assert (trees.children[2 * leaves] == leaves).all()
    assert (trees.children[2 * leaves + 1] == leaves).all()
    assert not trees.is_missing_right[leaves].any()
    for row in rows(20, seed=11):
        assert not trees.find_right_turns(row)[leaves].any()
    splits = np.flatnonzero(~np.isinf(trees.thresholds))
    below = trees.children.reshape(-1, 2)[splits]
    assert (below != splits[:, None]).all()
    # Every node but the roots is below exactly one split.
    assert sorted({*below.ravel(), *trees.roots}) == list(range(len(trees.thresholds)))


def test_leaves_are_added_in_the_order_of_the_trees() -> None:
    """In single precision 1 is lost beside 1e8, unless both large leaves are added first."""
    leaves = np.arange(3)
    trees = FlatTrees(
        width=1,
        base_margin=np.float32(0),
        roots=leaves,
        depth=1,
        features=np.zeros(3, np.intp),
        thresholds=np.full(3, np.inf, np.float32),
        is_missing_right=np.zeros(3, bool),
        children=np.repeat(leaves, 2),
        values=np.array([1e8, 1, -1e8], np.float32),
        covers=np.ones(3),
    )
    assert trees.log_odds(np.array([0.0])) == 0.0
    assert replace(trees, roots=leaves[[0, 2, 1]]).log_odds(np.array([0.0])) == 1.0


@pytest.mark.parametrize("grown", ["boosted", "forest", "pruned", "stumps", "twos"])
def test_one_row_scores_as_the_library_scores_it_to_the_last_bit(
    grown: str, request: pytest.FixtureRequest
) -> None:
    ubj = request.getfixturevalue(grown)
    trees, library = FlatTrees.from_ubjson(ubj), Booster(ubj)
    matrix = rows(ROWS // 10, seed=3)
    if grown == "boosted":
        matrix = rows(ROWS, seed=3)
    log_odds = np.array([trees.log_odds(row) for row in matrix])
    np.testing.assert_array_equal(log_odds, library.margins(matrix))


@pytest.mark.parametrize("grown", ["boosted", "pruned", "stumps", "twos"])
def test_contributions_are_those_of_the_library(grown: str, request: pytest.FixtureRequest) -> None:
    ubj = request.getfixturevalue(grown)
    tables = PathTables.from_trees(FlatTrees.from_ubjson(ubj))
    assert tables
    matrix = rows(ROWS // 100, seed=4)
    library = Booster(ubj).contributions(matrix)
    # Above 1 of its size: the library adds in single precision.
    bound = 1e-6 * np.maximum(np.abs(library[:, :-1]), 1.0)
    assert (np.abs(tables.contributions(matrix) - library[:, :-1]) <= bound).all()
    np.testing.assert_allclose(tables.expected_value, library[:, -1], atol=1e-6)


@pytest.mark.parametrize("grown", ["boosted", "pruned", "stumps", "twos"])
def test_contributions_without_the_table_have_the_same_bits(
    grown: str, request: pytest.FixtureRequest
) -> None:
    trees = FlatTrees.from_ubjson(request.getfixturevalue(grown))
    matrix = rows(20, seed=9)
    tables = PathTables.from_trees(trees)
    assert tables
    tables.contributions(matrix)
    for row, contributions in zip(matrix, tables.contributions(matrix), strict=True):
        first = PathTables.from_trees(trees)
        assert first
        np.testing.assert_array_equal(first.contributions(row[None])[0], contributions)


def test_contributions_add_up_to_the_log_odds(boosted: bytes) -> None:
    tables = PathTables.from_trees(FlatTrees.from_ubjson(boosted))
    assert tables
    matrix = rows(500, seed=5)
    log_odds = tables.expected_value + tables.contributions(matrix).sum(axis=1)
    np.testing.assert_allclose(log_odds, Booster(boosted).margins(matrix), atol=1e-5)


def test_deep_trees_are_explained_by_the_library(forest: bytes) -> None:
    matrix = rows(20, seed=6)
    estimator = estimator_from_bytes("random_forest", forest)
    repeated = [estimator.contributions(matrix, matrix[:1]) for _ in range(3)]
    library = Booster(forest).contributions(matrix)
    for one in repeated:
        np.testing.assert_array_equal(one.values, library[:, :-1])


def test_the_first_row_and_all_later_ones_score_the_same(boosted: bytes) -> None:
    estimator = estimator_from_bytes("xgboost", boosted)
    row = rows(1, seed=7)
    scores = [estimator.log_odds(row)[0] for _ in range(3)]
    explained = [estimator.contributions(row, row).values for _ in range(3)]
    assert len(set(scores)) == 1
    for one, other in pairwise(explained):
        np.testing.assert_array_equal(one, other)


def test_what_is_no_classifier_is_refused_and_left_to_the_library() -> None:
    matrix = rows(500, seed=8)
    booster = XGBRegressor(n_estimators=3).fit(matrix, np.nan_to_num(matrix[:, 0])).get_booster()
    ubj = bytes(booster.save_raw("ubj"))
    with pytest.raises(ModelRefusedError):
        FlatTrees.from_ubjson(ubj)
    estimator = estimator_from_bytes("xgboost", ubj)
    scores = [estimator.log_odds(matrix[:1])[0] for _ in range(3)]
    assert len(set(scores)) == 1


@pytest.mark.parametrize("cut", [0, 1, 100, -1])
def test_what_is_cut_is_refused(boosted: bytes, cut: int) -> None:
    with pytest.raises(ModelRefusedError):
        FlatTrees.from_ubjson(boosted[:cut])


def test_trees_with_a_cycle_are_refused(boosted: bytes) -> None:
    offset = boosted.index(b"left_children[$l#L") + len(b"left_children[$l#L") + 8
    second = offset + 4  # the left child of the root's left child: the root
    with pytest.raises(ModelRefusedError):
        FlatTrees.from_ubjson(boosted[:second] + bytes(4) + boosted[second + 4 :])


def test_a_version_that_is_replaced_is_gone_at_once(boosted: bytes) -> None:
    estimator = estimator_from_bytes("xgboost", boosted)
    row = rows(1, seed=9)
    for _ in range(2):
        estimator.log_odds(row)
        estimator.contributions(row, row)
    gone = weakref.ref(estimator)
    gc.disable()
    try:
        del estimator
        assert gone() is None
    finally:
        gc.enable()
