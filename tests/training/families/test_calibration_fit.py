import numpy as np
import pytest

from models.calibration import BetaCalibration, calibrate
from models.metrics import log_loss
from training.families.calibration_fit import OutOfFold, choose_calibration, fit_beta

RANDOM = np.random.default_rng(6)
LOG_ODDS = RANDOM.normal(-1.5, 1.5, 30_000)
FOLDS = np.arange(30_000) % 5


def outcomes(log_odds: np.ndarray) -> np.ndarray:
    # A generator of its own: a test must not depend on which tests ran before it.
    drawn: np.ndarray = np.random.default_rng(6).binomial(1, 1 / (1 + np.exp(-log_odds)))
    return drawn


@pytest.mark.parametrize(
    "truth", [BetaCalibration(a=0.6, b=1.3, c=0.4), BetaCalibration(a=1.5, b=0.8, c=-0.2)]
)
def test_a_distortion_is_found_again(truth: BetaCalibration) -> None:
    beta = fit_beta(LOG_ODDS, outcomes(calibrate(LOG_ODDS, truth)))
    assert (beta.a, beta.b, beta.c) == pytest.approx((truth.a, truth.b, truth.c), abs=0.12)


def test_calibration_is_kept_when_it_helps() -> None:
    labels = outcomes(0.5 * LOG_ODDS + 0.5)
    chosen = choose_calibration(OutOfFold(LOG_ODDS, FOLDS), labels)
    assert chosen.log_loss_after < chosen.log_loss_before
    moved = 1 / (1 + np.exp(-calibrate(LOG_ODDS, chosen.calibration)))
    assert log_loss(labels, moved) == pytest.approx(chosen.log_loss_after, abs=1e-3)


def test_calibration_is_left_out_when_it_does_not_help() -> None:
    few = slice(0, 60)
    labels = outcomes(LOG_ODDS[few])
    labels[:2] = [0, 1]
    chosen = choose_calibration(OutOfFold(LOG_ODDS[few], FOLDS[few]), labels)
    assert chosen.log_loss_after >= chosen.log_loss_before
    assert chosen.calibration == BetaCalibration()


def test_calibration_that_is_needed_is_kept_even_if_it_does_not_help() -> None:
    few = slice(0, 60)
    labels = outcomes(LOG_ODDS[few])
    labels[:2] = [0, 1]
    chosen = choose_calibration(OutOfFold(LOG_ODDS[few], FOLDS[few]), labels, is_needed=True)
    assert chosen.log_loss_after >= chosen.log_loss_before
    assert chosen.calibration == fit_beta(LOG_ODDS[few], labels)


def test_a_parameter_that_would_be_negative_is_left_out() -> None:
    labels = outcomes(-np.logaddexp(0, -LOG_ODDS) - 0.4 * np.logaddexp(0, LOG_ODDS) + 1)
    beta = fit_beta(LOG_ODDS, labels)
    assert (beta.b, beta.a > 0) == (0.0, True)
    labels = outcomes(1.2 * np.logaddexp(0, LOG_ODDS) + 0.3 * np.logaddexp(0, -LOG_ODDS) - 2)
    beta = fit_beta(LOG_ODDS, labels)
    assert (beta.a, beta.b > 0.3) == (0.0, True)
    upside_down = fit_beta(LOG_ODDS, outcomes(-LOG_ODDS))
    assert upside_down == BetaCalibration()
