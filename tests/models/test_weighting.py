import numpy as np
import pytest

from models.weighting import (
    count_effective,
    count_weighted,
    select_weights,
    weigh,
    weighted_mean,
    weighted_quantiles,
    weighted_variance,
)

VALUES = np.array([5.0, 1.0, 4.0, 2.0])
TIMES = np.array([1, 3, 2, 4])
REPEATED = np.repeat(VALUES, TIMES)
WEIGHTS = TIMES.astype(np.float64)


def test_rows_without_weights_count_once() -> None:
    assert count_weighted(4, None) == count_effective(4, None) == 4
    assert weigh(VALUES, None).tolist() == VALUES.tolist()
    assert select_weights(None, [0, 1]) is None
    assert weighted_mean(VALUES, None) == 3.0


def test_integer_weights_give_the_figures_of_repeated_rows() -> None:
    assert count_weighted(4, WEIGHTS) == len(REPEATED)
    assert weighted_mean(VALUES, WEIGHTS) == pytest.approx(REPEATED.mean())
    assert weighted_variance(VALUES, WEIGHTS) == pytest.approx(REPEATED.var())
    shares = [0.0, 0.01, 0.3, 0.5, 0.77, 0.99, 1.0]
    expected = np.quantile(REPEATED, shares)
    np.testing.assert_allclose(weighted_quantiles(VALUES, shares, WEIGHTS), expected)


@pytest.mark.parametrize("weight", [0.001, 0.25, 1.0])
def test_equal_weights_of_at_most_one_give_the_quantiles_of_the_rows(weight: float) -> None:
    shares = [0.1, 0.5, 0.9]
    same = weighted_quantiles(VALUES, shares, np.full(4, weight))
    np.testing.assert_allclose(same, np.quantile(VALUES, shares))


def test_unequal_weights_are_worth_fewer_rows() -> None:
    """(1 + 9)^2 / (1 + 81) = 1.22: nearly all depends on the second row."""
    assert count_effective(2, np.array([1.0, 9.0])) == pytest.approx(100 / 82)
    assert count_effective(2, np.array([7.0, 7.0])) == pytest.approx(2)


def test_weights_of_some_rows_are_selected_by_mask_or_index() -> None:
    for rows in ([2, 3], np.array([False, False, True, True])):
        selected = select_weights(WEIGHTS, rows)
        assert selected is not None
        assert selected.tolist() == [2.0, 4.0]
