"""Fitting of beta calibration on out-of-fold predictions, applied only if it helps."""

from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression

from models.calibration import BetaCalibration, calibrate
from models.estimators.families import LogOdds
from models.metrics import Labels, log_loss
from models.scorer import probabilities_from_log_odds
from models.weighting import Weights, select_weights


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
    out_of_fold: OutOfFold,
    labels: Labels,
    weights: Weights | None = None,
    *,
    is_needed: bool = False,
) -> CalibrationChoice:
    """Fit beta calibration and select it if it improves log-loss on folds it was not fitted to.

    It is selected in any case if it is needed, as after training on balanced rows.
    """
    log_odds = out_of_fold.log_odds
    calibrated = np.empty(len(labels))
    for fold in np.unique(out_of_fold.folds):
        is_held = out_of_fold.folds == fold
        rest = select_weights(weights, ~is_held)
        beta = fit_beta(log_odds[~is_held], labels[~is_held], rest)
        calibrated[is_held] = calibrate(log_odds[is_held], beta)
    before = log_loss(labels, probabilities_from_log_odds(log_odds), weights)
    after = log_loss(labels, probabilities_from_log_odds(calibrated), weights)
    is_selected = is_needed or after < before
    selected = fit_beta(log_odds, labels, weights) if is_selected else BetaCalibration()
    return CalibrationChoice(
        calibration=selected,
        log_loss_before=before,
        log_loss_after=after,
        is_needed=is_needed,
    )


def fit_beta(log_odds: LogOdds, labels: Labels, weights: Weights | None = None) -> BetaCalibration:
    """Fit by maximum likelihood over a, b >= 0. If no fit rises, return the identity."""
    fits = [_fit_columns(log_odds, labels, weights, columns) for columns in ([0, 1], [0], [1])]
    rising = [fit for fit in fits if fit is not None]

    def measure(calibration: BetaCalibration) -> float:
        calibrated = probabilities_from_log_odds(calibrate(log_odds, calibration))
        return log_loss(labels, calibrated, weights)

    return min(rising, key=measure, default=BetaCalibration())


def _fit_columns(
    log_odds: LogOdds, labels: Labels, weights: Weights | None, columns: list[int]
) -> BetaCalibration | None:
    """Fit the parameters a (0), b (1) or both. Return None if one would be negative."""
    design = np.column_stack([-np.logaddexp(0.0, -log_odds), np.logaddexp(0.0, log_odds)])
    fitted = LogisticRegression(C=np.inf, max_iter=1_000).fit(design[:, columns], labels, weights)
    slopes = np.zeros(2)
    slopes[columns] = fitted.coef_[0]
    if slopes.min() < 0 or slopes.max() <= 0:
        return None
    return BetaCalibration(a=float(slopes[0]), b=float(slopes[1]), c=float(fitted.intercept_[0]))
