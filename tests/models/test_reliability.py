import numpy as np
import pytest

from models.reliability import (
    calibration_slope,
    expected_calibration_error,
    measure_reliability,
    simulate_ece_floor,
)

RANDOM = np.random.default_rng(8)
TRUTH = RANDOM.beta(2, 6, 20_000)
LABELS = RANDOM.binomial(1, TRUTH)
LOG_ODDS = np.log(TRUTH / (1 - TRUTH))


def test_the_error_of_a_constant_is_its_distance_from_the_rate() -> None:
    labels = np.array([0, 0, 0, 1] * 100)
    # 20 bins of 20 rows with 5 defaults each
    assert expected_calibration_error(labels, np.full(400, 0.4)) == pytest.approx(0.15)


@pytest.mark.parametrize(("rows", "rate", "floor"), [(1_000, 0.067, 0.021), (5_000, 0.22, 0.018)])
def test_the_noise_floor_is_what_was_measured(rows: int, rate: float, floor: float) -> None:
    probabilities = np.random.default_rng(9).beta(1.2, 1.2 * (1 - rate) / rate, rows)
    assert simulate_ece_floor(np.clip(probabilities, 1e-6, 1), seed=1).mean() == pytest.approx(
        floor, rel=0.25
    )


def test_true_probabilities_lie_within_the_noise() -> None:
    figures = measure_reliability(LABELS, TRUTH, confidence=0.98, seed=1)
    assert figures.ece < figures.ece_floor_high
    assert abs(figures.in_the_large) < 3 * figures.in_the_large_error
    assert abs(figures.slope - 1) < 3 * figures.slope_error
    assert figures.ece_floor < figures.ece_floor_high


def test_probabilities_that_are_too_extreme_have_a_slope_below_one() -> None:
    extreme = 1 / (1 + np.exp(-2 * LOG_ODDS))
    slope, error = calibration_slope(LABELS, extreme)
    assert slope == pytest.approx(0.5, abs=4 * error)
    figures = measure_reliability(LABELS, extreme, confidence=0.98, seed=1)
    assert figures.ece > figures.ece_floor_high


def test_probabilities_that_are_too_high_show_in_the_large() -> None:
    high = 1 / (1 + np.exp(-(LOG_ODDS + 0.5)))
    figures = measure_reliability(LABELS, high, confidence=0.98, seed=1)
    assert figures.in_the_large > 5 * figures.in_the_large_error


def test_the_order_of_rows_does_not_matter_even_where_probabilities_are_equal() -> None:
    random = np.random.default_rng(10)
    labels = np.sort(random.binomial(1, 0.3, 4_000))
    shuffled = random.permutation(labels)
    same = np.full(4_000, 0.3)
    assert expected_calibration_error(labels, same) == pytest.approx(
        expected_calibration_error(shuffled, same)
    )
    assert expected_calibration_error(labels, same) < 0.03


@pytest.mark.parametrize("times", [0.2, 0.5, 2, 3, 5, 8])
def test_any_overstatement_is_found_as_its_inverse(times: float) -> None:
    overstated = 1 / (1 + np.exp(-np.clip(times * LOG_ODDS, -20, 20)))
    slope, error = calibration_slope(LABELS, overstated)
    assert slope == pytest.approx(1 / times, abs=5 * error + 0.02 / times)


def test_probabilities_that_separate_or_never_vary_still_have_figures() -> None:
    labels = np.array([0, 1] * 500)
    for probabilities in (np.where(labels == 1, 0.9, 0.1), np.full(1_000, 0.4)):
        figures = measure_reliability(labels, probabilities, confidence=0.95, seed=1)
        assert np.isfinite([figures.slope, figures.slope_error, figures.ece]).all()


def test_undersampled_goods_with_weights_have_the_calibration_of_the_population() -> None:
    """True probabilities pass on weighted rows, and those of the unweighted sample do not."""
    rows = np.flatnonzero((LABELS == 1) | (np.random.default_rng(3).random(len(LABELS)) < 0.1))
    labels, truth = LABELS[rows], TRUTH[rows]
    weights = np.where(labels == 1, 1.0, 10.0)
    weighted = measure_reliability(labels, truth, 0.98, 1, weights)
    assert weighted.ece < weighted.ece_floor_high
    assert abs(weighted.in_the_large) < 3 * weighted.in_the_large_error
    assert abs(weighted.slope - 1) < 3 * weighted.slope_error
    plain = measure_reliability(labels, truth, 0.98, 1)
    assert plain.ece > plain.ece_floor_high
