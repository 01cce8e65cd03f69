import numpy as np
import pytest
from scipy.stats import chi2

from models.stability import (
    chi_squared_quantile,
    index_from_counts,
    measure_stability,
)


def test_the_index_is_computed_by_hand() -> None:
    """Half and half against a quarter and three quarters, with half a row more in each bin.

    Shares 100.5 / 201 = 1/2 each, and 50.5 / 201, 150.5 / 201:
    (.2512 - .5) ln(.2512 / .5) + (.7488 - .5) ln(.7488 / .5) = .2717.
    """
    reference, sample = np.array([100.0, 100.0]), np.array([50.0, 150.0])
    assert index_from_counts(reference, sample) == pytest.approx(0.2717, abs=1e-4)
    assert index_from_counts(reference, reference) == 0


@pytest.mark.parametrize(("degrees", "tolerance"), [(1, 0.031), (3, 0.02), (9, 0.01)])
def test_the_critical_value_is_at_most_a_little_above_that_of_scipy(
    degrees: int, tolerance: float
) -> None:
    exact = chi2.ppf(0.999, degrees)
    assert exact < chi_squared_quantile(0.999, degrees) < exact * (1 + tolerance)


def test_small_samples_get_a_wider_bound() -> None:
    """Nine degrees of freedom: 28.06 x (1 / 100 + 1 / 100) = .561; with 10,000 rows .0056 < .1."""
    random = np.random.default_rng(1)
    for rows, bound in ((100, 0.561), (10_000, 0.1)):
        stability = measure_stability(random.random(rows), random.random(rows), 0.1, 0.001)
        assert stability.bound == pytest.approx(bound, abs=0.001)
        assert stability.psi < stability.bound


def test_chance_alone_hardly_ever_exceeds_the_bound() -> None:
    random = np.random.default_rng(2)
    exceeded = 0
    for _ in range(2_000):
        stability = measure_stability(random.random(300), random.random(100), 0.0, 0.01)
        exceeded += stability.psi > stability.bound
    assert exceeded <= 30  # 20 are expected


def test_a_score_with_one_value_is_stable() -> None:
    constant = np.full(50, 0.2)
    assert measure_stability(constant, constant, 0.1, 0.001).psi == 0
