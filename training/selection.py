"""Which family fits best: log-loss by stratified cross-validation on the training part."""

from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedKFold

from models.estimators import Family
from models.metrics import Labels, auc, log_loss
from training.calibrating import OutOfFold
from training.candidates import CANDIDATES, Candidate, Fit
from training.progress import steps

FOLDS = 5
LEAST_PROBABILITY = 1e-8


@dataclass(frozen=True, slots=True)
class FoldResult:
    """Figures of one family on one held-out fold."""

    family: Family
    fold: int
    auc: float
    log_loss: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """All folds of all families, the family with the lowest mean log-loss, and its predictions."""

    winner: Candidate
    folds: tuple[FoldResult, ...]
    out_of_fold: OutOfFold


def compare(fit: Fit, frame: pd.DataFrame, labels: Labels) -> Comparison:
    """Cross-validate every candidate on the same folds; the plainer family wins a tie."""
    splitter = StratifiedKFold(FOLDS, shuffle=True, random_state=fit.seed)
    parts = list(splitter.split(frame, labels))
    results: list[FoldResult] = []
    places = np.empty(len(labels), dtype=np.int64)
    scored = {candidate.family: np.empty(len(labels)) for candidate in CANDIDATES}
    with steps("cross-validation", FOLDS * len(CANDIDATES)) as advance:
        for candidate, (fold, (fitted, held)) in product(CANDIDATES, enumerate(parts)):
            pipeline = candidate.build(fit).fit(frame.iloc[fitted], labels[fitted])
            # XGBoost's single precision rounds a sure probability to 0 or 1.
            fitted_values = pipeline.predict_proba(frame.iloc[held])[:, 1].astype(np.float64)
            probabilities = np.clip(fitted_values, LEAST_PROBABILITY, 1.0 - LEAST_PROBABILITY)
            results.append(
                FoldResult(
                    family=candidate.family,
                    fold=fold,
                    auc=auc(labels[held], probabilities),
                    log_loss=log_loss(labels[held], probabilities),
                )
            )
            places[held] = fold
            scored[candidate.family][held] = np.log(probabilities / (1.0 - probabilities))
            advance()
    folds = tuple(results)
    winner = min(CANDIDATES, key=lambda candidate: _mean_log_loss(folds, candidate.family))
    return Comparison(winner, folds, OutOfFold(scored[winner.family], places))


def _mean_log_loss(folds: tuple[FoldResult, ...], family: Family) -> float:
    return float(np.mean([f.log_loss for f in folds if f.family == family]))
