import numpy as np

from training.reporting.binning import (
    bin_indices,
    edges_of_equal_mass,
    group_by_mass,
    thin_out,
)


def test_bins_have_equal_mass() -> None:
    values = np.arange(100.0)
    assert [len(rows) for rows in group_by_mass(values, 10)] == [10] * 10


def test_equal_values_are_in_one_bin() -> None:
    values = np.array([0.1] * 7 + [0.2] * 2 + [0.3])
    groups = group_by_mass(values, 10)
    assert [values[rows].tolist() for rows in groups] == [[0.1] * 7, [0.2] * 2, [0.3]]


def test_one_value_is_one_bin_and_no_value_is_none() -> None:
    assert [len(rows) for rows in group_by_mass(np.full(5, 2.0), 10)] == [5]
    assert group_by_mass(np.empty(0), 10) == []
    assert len(edges_of_equal_mass(np.empty(0), 10)) == 0


def test_a_value_equal_to_an_edge_is_above_it() -> None:
    assert bin_indices(np.array([1.0, 2.0, 3.0]), np.array([2.0])).tolist() == [0, 1, 1]


def test_thinning_keeps_both_ends() -> None:
    assert thin_out(1_000, 5).tolist() == [0, 250, 500, 749, 999]
    assert thin_out(3, 5).tolist() == [0, 1, 2]
