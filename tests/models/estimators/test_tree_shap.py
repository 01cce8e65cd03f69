"""SHAP values that a reader can compute by hand; test_flat_trees compares them with XGBoost's."""

import numpy as np
import pytest

from models.estimators.flat_trees import FlatTrees
from models.estimators.tree_shap import PathTables

INF = np.inf
NAN = np.nan


def trees(
    roots: list[int],
    children: list[tuple[int, int]],
    splits: list[tuple[int, float]],
    values: list[float],
    covers: list[float],
) -> FlatTrees:
    """Trees of depth 2 over two features, with a base margin of 0.25.

    A leaf is its own child and splits at infinity.
    """
    is_leaf = np.array([threshold == INF for _, threshold in splits])
    return FlatTrees(
        width=2,
        base_margin=np.float32(0.25),
        roots=np.array(roots, np.intp),
        depth=2,
        features=np.array([feature for feature, _ in splits], np.intp),
        thresholds=np.array([threshold for _, threshold in splits], np.float32),
        is_missing_right=~is_leaf,
        children=np.array(children, np.intp).ravel(),
        values=np.array(values, np.float32),
        covers=np.array(covers, np.float64),
    )


# 4 if both features are at least 0.5, else 0; each half of the rows goes each way.
BOTH = trees(
    roots=[0],
    children=[(1, 2), (1, 1), (3, 4), (3, 3), (4, 4)],
    splits=[(0, 0.5), (0, INF), (1, 0.5), (0, INF), (0, INF)],
    values=[0, 0, 0, 0, 4],
    covers=[100, 50, 50, 25, 25],
)
# 8 if the first feature is at least 2, else 0: its path splits on the same feature twice.
TWICE = trees(
    roots=[0],
    children=[(1, 2), (1, 1), (3, 4), (3, 3), (4, 4)],
    splits=[(0, 1.0), (0, INF), (0, 2.0), (0, INF), (0, INF)],
    values=[0, 0, 0, 0, 8],
    covers=[100, 50, 50, 25, 25],
)
# The first tree again, and one that ends a level earlier: -1 below 0.5 of the second feature, or 1.
UNEQUAL = trees(
    roots=[0, 5],
    children=[(1, 2), (1, 1), (3, 4), (3, 3), (4, 4), (6, 7), (6, 6), (7, 7)],
    splits=[
        *((0, 0.5), (0, INF), (1, 0.5), (0, INF), (0, INF)),
        *((1, 0.5), (0, INF), (0, INF)),
    ],
    values=[0, 0, 0, 0, 4, 0, -1, 1],
    covers=[100, 50, 50, 25, 25, 100, 50, 50],
)
ALL = (BOTH, TWICE, UNEQUAL)


def explain(of: FlatTrees, *rows: tuple[float, float]) -> list[list[float]]:
    tables = PathTables.from_trees(of)
    assert tables
    contributions: list[list[float]] = tables.contributions(np.array(rows)).tolist()
    return contributions


@pytest.mark.parametrize(
    ("row", "contributions"),
    [
        # Without features the mean is 1; with one of them at 1 it is 2, at 0 it is 0.
        ((1.0, 1.0), [((2 - 1) + (4 - 2)) / 2, ((2 - 1) + (4 - 2)) / 2]),
        ((1.0, 0.0), [((2 - 1) + (0 - 0)) / 2, ((0 - 1) + (0 - 2)) / 2]),
        ((0.0, 1.0), [((0 - 1) + (0 - 2)) / 2, ((2 - 1) + (0 - 0)) / 2]),
        ((0.0, 0.0), [((0 - 1) + (0 - 0)) / 2, ((0 - 1) + (0 - 0)) / 2]),
        ((NAN, NAN), [1.5, 1.5]),  # a missing value goes right here
    ],
)
def test_an_interaction_is_shared_by_shapleys_rule(
    row: tuple[float, float], contributions: list[float]
) -> None:
    assert explain(BOTH, row) == [pytest.approx(contributions)]


@pytest.mark.parametrize(("value", "contribution"), [(3.0, 8 - 2), (1.5, 0 - 2), (0.0, 0 - 2)])
def test_two_splits_on_one_feature_are_one_contribution(value: float, contribution: float) -> None:
    assert explain(TWICE, (value, 9.0)) == [pytest.approx([contribution, 0.0])]


def test_contributions_of_trees_add_up_and_a_leaf_below_a_root_counts() -> None:
    assert explain(UNEQUAL, (1.0, 1.0)) == [pytest.approx([1.5, 1.5 + 1])]
    assert explain(UNEQUAL, (1.0, 0.0)) == [pytest.approx([0.5, -1.5 - 1])]


@pytest.mark.parametrize("of", ALL)
def test_the_expected_value_is_the_mean_over_the_training_rows(of: FlatTrees) -> None:
    tables = PathTables.from_trees(of)
    assert tables
    assert tables.expected_value == pytest.approx(0.25 + {id(TWICE): 2.0}.get(id(of), 1.0))


@pytest.mark.parametrize("of", ALL)
def test_every_leaf_is_in_one_block_and_a_block_has_a_line_for_every_way(of: FlatTrees) -> None:
    tables = PathTables(of)
    leaves, table = tables._leaves, tables._table.value  # noqa: SLF001 -- the layout itself
    assert leaves.counts.sum() == np.isinf(of.thresholds).sum()
    assert leaves.counts.max() <= 4
    ways = 2 ** (of.depth + 1)
    assert table.shape == (len(leaves.counts) * ways, of.depth + 1)
    for way in range(ways):
        everywhere = np.full(len(leaves.counts), way)
        lines = table[tables._lines + way]  # noqa: SLF001 -- the layout itself
        np.testing.assert_array_equal(lines, leaves.compute_additions(everywhere))


def test_trees_too_deep_for_a_table_have_none(monkeypatch: pytest.MonkeyPatch) -> None:
    # 3 leaves, each with 3 columns and 8 lines.
    monkeypatch.setattr("models.estimators.tree_shap.MOST_CELLS", 3 * 3 * 8)
    assert PathTables.from_trees(BOTH) is not None
    monkeypatch.setattr("models.estimators.tree_shap.MOST_CELLS", 3 * 3 * 8 - 1)
    assert PathTables.from_trees(BOTH) is None
