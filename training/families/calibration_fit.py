"""Fitting of beta calibration on out-of-fold predictions, applied only if it helps."""

from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression

from models.calibration import BetaCalibration, calibrate
from models.estimators.families import LogOdds
from models.metrics import Labels, log_loss
from models.scorer import probabilities_from_log_odds


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """Log-odds of training rows, each from a fit without the row, and the fold of each row."""

    log_odds: LogOdds
    folds: Labels


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationChoice:
    """The selected calibration, and the out-of-fold log-loss without and with calibration.

    `is_needed` means that it was selected in any case.
    """

    calibration: BetaCalibration
    log_loss_before: float
    log_loss_after: float
    is_needed: bool = False

    @property
    def log_loss(self) -> float:
        """The out-of-fold log-loss with the selected calibration."""
        if self.is_needed:
            return self.log_loss_after
        return min(self.log_loss_before, self.log_loss_after)


def choose_calibration(
    out_of_fold: OutOfFold, labels: Labels, *, is_needed: bool = False
) -> CalibrationChoice:
    """Fit beta calibration and select it if it improves log-loss on folds it was not fitted to.

    It is selected in any case if it is needed, as after training on balanced rows.
    """
    log_odds = out_of_fold.log_odds
    calibrated = np.empty(len(labels))
    for fold in np.unique(out_of_fold.folds):
        is_held = out_of_fold.folds == fold
        beta = fit_beta(log_odds[~is_held], labels[~is_held])
        calibrated[is_held] = calibrate(log_odds[is_held], beta)
    before = log_loss(labels, probabilities_from_log_odds(log_odds))
    after = log_loss(labels, probabilities_from_log_odds(calibrated))
    is_selected = is_needed or after < before
    selected = fit_beta(log_odds, labels) if is_selected else BetaCalibration()
    return CalibrationChoice(
        calibration=selected,
        log_loss_before=before,
        log_loss_after=after,
        is_needed=is_needed,
    )


def fit_beta(log_odds: LogOdds, labels: Labels) -> BetaCalibration:
    """Fit by maximum likelihood over a, b >= 0. If no fit rises, return the identity."""
    fits = [_fit_columns(log_odds, labels, columns) for columns in ([0, 1], [0], [1])]
    rising = [fit for fit in fits if fit is not None]
    return min(
        rising, key=lambda fit: _measure_loss(log_odds, labels, fit), default=BetaCalibration()
    )


def _fit_columns(log_odds: LogOdds, labels: Labels, columns: list[int]) -> BetaCalibration | None:
    """Fit the parameters a (0), b (1) or both. Return None if one would be negative."""
    design = np.column_stack([-np.logaddexp(0.0, -log_odds), np.logaddexp(0.0, log_odds)])
    fitted = LogisticRegression(C=np.inf, max_iter=1_000).fit(design[:, columns], labels)
    weights = np.zeros(2)
    weights[columns] = fitted.coef_[0]
    if weights.min() < 0 or weights.max() <= 0:
        return None
    return BetaCalibration(a=float(weights[0]), b=float(weights[1]), c=float(fitted.intercept_[0]))


def _measure_loss(log_odds: LogOdds, labels: Labels, calibration: BetaCalibration) -> float:
    return log_loss(labels, probabilities_from_log_odds(calibrate(log_odds, calibration)))
