from pathlib import Path

import numpy as np
import pytest

from models.errors import DataError
from models.registry.store_paths import REFERENCE, version_prefix
from models.stores.uri import open_store
from tests.support.monitored import Champion
from tests.support.toy import Toy
from training.monitoring.reference import as_logged, find_bins, read_reference


def test_a_version_is_published_with_its_reference(champion: Champion) -> None:
    reference = read_reference(champion.store, "toy", champion.loaded.version)
    by_name = {one.name: one for one in reference.characteristics}
    assert by_name["home"].bins == ("own", "rent", "none of these")
    assert by_name["home"].shares[2] == 0
    assert by_name["months_since_default"].bins[-3:] == ("-7", "missing", "none of these")
    assert by_name["months_since_default"].shares[-2] == pytest.approx(0.2, abs=0.03)
    assert "age" not in by_name  # protected: the model does not read it
    for one in (*reference.characteristics, reference.probabilities):
        assert sum(one.shares) == pytest.approx(1)
        assert len(one.shares) == len(one.bins)
    assert sum(reference.decisions.values()) == pytest.approx(1)
    assert 2_900 < reference.rows < 3_100


def test_bins_are_the_same_for_a_row_in_training_and_in_the_log() -> None:
    matrix = np.array([[0.7, np.nan, np.nan, np.nan, np.nan, np.nan, np.nan, np.nan]])
    logged = matrix.astype("<f4").astype(np.float64)
    assert logged[0, 0] != matrix[0, 0]
    assert as_logged(matrix)[0, 0] == logged[0, 0]


def test_numbers_codes_and_absence_have_bins_of_their_own(champion: Champion) -> None:
    reference = read_reference(champion.store, "toy", champion.loaded.version)
    [months] = [c for c in reference.characteristics if c.name == "months_since_default"]
    bins = find_bins(Toy, months.name, np.array(months.edges), champion.part.matrix)
    column = champion.part.columns["months_since_default"]
    assert set(bins[np.isnan(column)]) == {months.bins.index("missing")}
    assert set(bins[column == -7]) == {months.bins.index("-7")}
    assert bins[column == 3].max() < bins[column == 60].min()


@pytest.mark.parametrize("data", [None, b"{}", b"no JSON"])
def test_a_version_without_a_readable_reference_is_named(
    data: bytes | None, tmp_path: Path
) -> None:
    store = open_store(tmp_path.as_uri())
    if data is not None:
        store.create(version_prefix("toy", "v1") + REFERENCE, data)
    with pytest.raises(DataError, match=r"toy v1: it has no readable reference\.json"):
        read_reference(store, "toy", "v1")
