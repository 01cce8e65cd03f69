import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calibration import BetaCalibration, calibrate
from models.errors import DeclarationError

SOME = BetaCalibration(a=0.7, b=1.4, c=0.3)


def test_the_default_changes_nothing() -> None:
    log_odds = np.array([-30.0, -2.0, 0.0, 0.5, 30.0])
    np.testing.assert_allclose(calibrate(log_odds, BetaCalibration()), log_odds, atol=1e-12)


def test_even_odds_move_as_the_formula_says() -> None:
    # .7 ln .5 - 1.4 ln .5 + .3
    assert calibrate(np.array([0.0]), SOME)[0] == pytest.approx(0.7 * np.log(2) + 0.3)


@given(st.floats(-40, 40), st.floats(-40, 40))
def test_order_is_kept(first: float, second: float) -> None:
    low, high = calibrate(np.array(sorted([first, second])), SOME)
    assert low <= high


def test_a_row_is_calibrated_the_same_alone_and_in_a_batch() -> None:
    log_odds = np.random.default_rng(1).normal(0, 5, 1_001)
    alone = np.concatenate([calibrate(log_odds[i : i + 1], SOME) for i in range(1_001)])
    assert calibrate(log_odds, SOME).tobytes() == alone.tobytes()


@pytest.mark.parametrize(
    ("a", "b"), [(-0.1, 1.0), (1.0, -0.1), (0.0, 0.0), (float("nan"), 1.0), (1.0, float("inf"))]
)
def test_a_map_that_would_not_rise_is_refused(a: float, b: float) -> None:
    with pytest.raises(DeclarationError, match="finite a, b >= 0"):
        BetaCalibration(a=a, b=b)
