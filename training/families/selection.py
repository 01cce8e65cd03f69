"""Which family fits best: calibrated log-loss by cross-validation on the training part."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold

from models.estimators.families import Family
from models.metrics import Labels, auc, log_loss
from training.families.calibration_fit import CalibrationChoice, OutOfFold, choose_calibration
from training.families.candidates import Candidate, Fit
from training.progress import steps

FOLDS = 5
LEAST_PROBABILITY = 1e-8

Folded = tuple[pd.DataFrame, Labels, list[tuple[NDArray[np.int64], NDArray[np.int64]]]]


@dataclass(frozen=True, slots=True)
class FoldResult:
    """Figures of one family on one held-out fold."""

    family: Family
    fold: int
    auc: float
    log_loss: float


@dataclass(frozen=True, slots=True)
class FamilyResult:
    """One family on all held-out folds, and the calibration it would be served with."""

    candidate: Candidate
    folds: tuple[FoldResult, ...]
    out_of_fold: OutOfFold
    calibration: CalibrationChoice


def compare(
    fit: Fit, candidates: Sequence[Candidate], frame: pd.DataFrame, labels: Labels
) -> tuple[FamilyResult, ...]:
    """Cross-validate every candidate on the same folds; the best comes first.

    The lowest log-loss after calibration is the best, and the plainer family wins a tie.
    """
    splitter = StratifiedKFold(FOLDS, shuffle=True, random_state=fit.seed)
    parts = list(splitter.split(frame, labels))
    with steps("cross-validation", FOLDS * len(candidates)) as advance:
        found = [
            _judged(candidate, fit, (frame, labels, parts), advance) for candidate in candidates
        ]
    return tuple(sorted(found, key=lambda result: result.calibration.log_loss))


def _judged(
    candidate: Candidate, fit: Fit, data: Folded, advance: Callable[[], None]
) -> FamilyResult:
    frame, labels, parts = data
    places = np.empty(len(labels), dtype=np.int64)
    log_odds = np.empty(len(labels))
    folds = []
    for fold, (fitted, held) in enumerate(parts):
        pipeline = candidate.build(fit).fit(frame.iloc[fitted], labels[fitted])
        # XGBoost's single precision rounds a sure probability to 0 or 1.
        fitted_values = pipeline.predict_proba(frame.iloc[held])[:, 1].astype(np.float64)
        probabilities = np.clip(fitted_values, LEAST_PROBABILITY, 1.0 - LEAST_PROBABILITY)
        places[held] = fold
        log_odds[held] = np.log(probabilities / (1.0 - probabilities))
        folds.append(
            FoldResult(
                family=candidate.family,
                fold=fold,
                auc=auc(labels[held], probabilities),
                log_loss=log_loss(labels[held], probabilities),
            )
        )
        advance()
    out_of_fold = OutOfFold(log_odds, places)
    return FamilyResult(
        candidate, tuple(folds), out_of_fold, choose_calibration(out_of_fold, labels)
    )
