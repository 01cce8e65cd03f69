"""Ways by lookup are those that each row takes by comparing, at any value a threshold may have."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.estimators import turn_tables
from models.estimators.flat_trees import FlatTrees
from models.estimators.tree_shap import FEW_ROWS, PathTables
from models.estimators.turn_tables import TurnTables
from tests.models.estimators.test_tree_shap import BOTH, TWICE, UNEQUAL

VALUES = st.sampled_from([-0.0, 0.0, 0.49999997, 0.5, 1.0, 1.5, 2.0, np.inf, -np.inf, np.nan])
ROWS = st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=40)


def ways_by_comparing(of: FlatTrees, row: tuple[float, float]) -> list[int]:
    splits = PathTables(of)._splits  # noqa: SLF001 -- the layout itself
    values = np.array(row, np.float32)[of.features[splits]]
    turned = (values >= of.thresholds[splits]) | (np.isnan(values) & of.is_missing_right[splits])
    ways: list[int] = (turned * 2 ** np.arange(len(splits))[:, None]).sum(axis=0).tolist()
    return ways


@pytest.mark.parametrize("of", [BOTH, TWICE, UNEQUAL], ids=["both", "twice", "unequal"])
@given(rows=ROWS)
def test_ways_by_lookup_are_those_by_comparing(
    of: FlatTrees, rows: list[tuple[float, float]]
) -> None:
    tables = TurnTables.from_splits(of, PathTables(of)._splits)  # noqa: SLF001 -- likewise
    assert tables
    assert tables.find_ways(np.array(rows)).tolist() == [ways_by_comparing(of, r) for r in rows]


@pytest.mark.parametrize("most_cells", [turn_tables.MOST_CELLS, 1])
@given(rows=ROWS)
def test_many_rows_are_explained_as_each_alone_to_the_last_bit(
    most_cells: int, rows: list[tuple[float, float]]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(turn_tables, "MOST_CELLS", most_cells)  # 1: too large for tables
        tables = PathTables(UNEQUAL)
        many = np.array(rows * (FEW_ROWS + 1))
        together = tables.contributions(many)
        alone = np.vstack([tables.contributions(row[None]) for row in many])
    assert together.tobytes() == alone.tobytes()


def test_tables_that_would_be_too_large_are_not_built(monkeypatch: pytest.MonkeyPatch) -> None:
    splits = PathTables(BOTH)._splits  # noqa: SLF001 -- likewise
    monkeypatch.setattr(turn_tables, "MOST_CELLS", 0)
    assert TurnTables.from_splits(BOTH, splits) is None
    monkeypatch.setattr(turn_tables, "MOST_CELLS", 1_000)
    assert TurnTables.from_splits(BOTH, splits) is not None
