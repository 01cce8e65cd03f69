"""Selection of the best family by cross-validated log-loss after calibration."""

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
from training.progress import show_steps

FOLDS = 5
LEAST_PROBABILITY = 1e-8

Folds = list[tuple[NDArray[np.int64], NDArray[np.int64]]]  # fitted and held-out row indices


@dataclass(frozen=True, slots=True)
class FoldResult:
    """The results of one family on one held-out fold."""

    family: Family
    fold: int
    auc: float
    log_loss: float


@dataclass(frozen=True, slots=True)
class FamilyResult:
    """The results of one family on all held-out folds, and its calibration."""

    candidate: Candidate
    folds: tuple[FoldResult, ...]
    out_of_fold: OutOfFold
    calibration: CalibrationChoice


def compare_families(
    fit: Fit, candidates: Sequence[Candidate], frame: pd.DataFrame, labels: Labels
) -> tuple[FamilyResult, ...]:
    """Cross-validate every candidate on the same folds, and return the best one first.

    The best candidate has the lowest log-loss after calibration. The simpler family wins a tie.
    """
    splitter = StratifiedKFold(FOLDS, shuffle=True, random_state=fit.seed)
    data = _FoldedData(frame, labels, list(splitter.split(frame, labels)))
    with show_steps("cross-validation", FOLDS * len(candidates)) as advance:
        results = [_cross_validate(candidate, fit, data, advance) for candidate in candidates]
    return tuple(sorted(results, key=lambda result: result.calibration.log_loss))


@dataclass(frozen=True, slots=True, eq=False)
class _FoldedData:
    """Training rows, their labels, and the folds they are split into."""

    frame: pd.DataFrame
    labels: Labels
    folds: Folds


def _cross_validate(
    candidate: Candidate, fit: Fit, data: _FoldedData, advance: Callable[[], None]
) -> FamilyResult:
    frame, labels = data.frame, data.labels
    fold_indices = np.empty(len(labels), dtype=np.int64)
    log_odds = np.empty(len(labels))
    folds = []
    for fold, (fitted, held) in enumerate(data.folds):
        pipeline = candidate.build(fit).fit(frame.iloc[fitted], labels[fitted])
        # XGBoost's single precision can round a probability to 0 or 1.
        predicted = pipeline.predict_proba(frame.iloc[held])[:, 1].astype(np.float64)
        probabilities = np.clip(predicted, LEAST_PROBABILITY, 1.0 - LEAST_PROBABILITY)
        fold_indices[held] = fold
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
    out_of_fold = OutOfFold(log_odds, fold_indices)
    return FamilyResult(
        candidate, tuple(folds), out_of_fold, choose_calibration(out_of_fold, labels)
    )
