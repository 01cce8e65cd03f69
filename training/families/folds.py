"""Cross-validation of one candidate: log-odds of every row from a fit without the row."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold

from models.estimators.families import LogOdds
from models.metrics import Labels
from training.families.candidates import Candidate, Fit

LEAST_PROBABILITY = 1e-8

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class FoldedData:
    """Training rows, their labels, and for each fold the indices of fitted and held-out rows."""

    frame: pd.DataFrame
    labels: Labels
    folds: tuple[tuple[Rows, Rows], ...]

    def select(self, rows: Rows, folds: int, seed: int) -> "FoldedData":
        """Select some rows and split them into folds of their own."""
        return split_folds(self.frame.iloc[rows], self.labels[rows], folds, seed)


def split_folds(frame: pd.DataFrame, labels: Labels, folds: int, seed: int) -> FoldedData:
    """Split rows into folds with equal default rates."""
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    return FoldedData(frame, labels, tuple(splitter.split(frame, labels)))


def predict_folds(
    candidate: Candidate, fit: Fit, data: FoldedData
) -> Iterator[tuple[Rows, LogOdds]]:
    """Fit a candidate for each fold, and yield its held-out rows with their log-odds."""
    for fitted, held in data.folds:
        yield held, predict_held(candidate, fit, data, (fitted, held))


def predict_held(
    candidate: Candidate, fit: Fit, data: FoldedData, fold: tuple[Rows, Rows]
) -> LogOdds:
    """Fit a candidate to the fitted rows of a fold, and return log-odds of its held-out rows."""
    fitted, held = fold
    pipeline = candidate.build(fit).fit(data.frame.iloc[fitted], data.labels[fitted])
    # XGBoost's single precision can round a probability to 0 or 1.
    predicted = pipeline.predict_proba(data.frame.iloc[held])[:, 1].astype(np.float64)
    probabilities = np.clip(predicted, LEAST_PROBABILITY, 1.0 - LEAST_PROBABILITY)
    log_odds: LogOdds = np.log(probabilities / (1.0 - probabilities))
    return log_odds
