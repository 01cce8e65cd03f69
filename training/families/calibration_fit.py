"""Fitting the calibration on out-of-fold predictions, and keeping it only if it helps."""

from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression

from models.calibration import BetaCalibration, calibrated
from models.estimators.families import LogOdds
from models.metrics import Labels, log_loss
from models.scorer import probabilities_from_log_odds


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """Log-odds of training rows, each by a fit that never saw it, and the row's fold."""

    log_odds: LogOdds
    folds: Labels


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationChoice:
    """The calibration that is kept, and the out-of-fold log-loss without and with it."""

    calibration: BetaCalibration
    log_loss_before: float
    log_loss_after: float

    @property
    def log_loss(self) -> float:
        """The out-of-fold log-loss of what is served."""
        return min(self.log_loss_before, self.log_loss_after)


def choose_calibration(out_of_fold: OutOfFold, labels: Labels) -> CalibrationChoice:
    """Fit beta calibration and keep it if log-loss improves on folds it was not fitted to."""
    scored = out_of_fold.log_odds
    moved = np.empty(len(labels))
    for fold in np.unique(out_of_fold.folds):
        held = out_of_fold.folds == fold
        moved[held] = calibrated(scored[held], fit_beta(scored[~held], labels[~held]))
    before = log_loss(labels, probabilities_from_log_odds(scored))
    after = log_loss(labels, probabilities_from_log_odds(moved))
    kept = fit_beta(scored, labels) if after < before else BetaCalibration()
    return CalibrationChoice(calibration=kept, log_loss_before=before, log_loss_after=after)


def fit_beta(log_odds: LogOdds, labels: Labels) -> BetaCalibration:
    """Fit by maximum likelihood over a, b >= 0; no such fit that rises: no calibration."""
    fits = [_fit_columns(log_odds, labels, columns) for columns in ([0, 1], [0], [1])]
    sound = [fit for fit in fits if fit is not None]
    return min(sound, key=lambda fit: _loss(log_odds, labels, fit), default=BetaCalibration())


def _fit_columns(log_odds: LogOdds, labels: Labels, columns: list[int]) -> BetaCalibration | None:
    """Fit with the parameters a (0), b (1) or both; None if one of them would be negative."""
    design = np.column_stack([-np.logaddexp(0.0, -log_odds), np.logaddexp(0.0, log_odds)])
    fitted = LogisticRegression(C=np.inf, max_iter=1_000).fit(design[:, columns], labels)
    weights = np.zeros(2)
    weights[columns] = fitted.coef_[0]
    if weights.min() < 0 or weights.max() <= 0:
        return None
    return BetaCalibration(a=float(weights[0]), b=float(weights[1]), c=float(fitted.intercept_[0]))


def _loss(log_odds: LogOdds, labels: Labels, calibration: BetaCalibration) -> float:
    return log_loss(labels, probabilities_from_log_odds(calibrated(log_odds, calibration)))
