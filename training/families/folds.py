"""Cross-validation of one candidate: log-odds of every row from a fit without the row."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from models.estimators.families import LogOdds
from models.metrics import Labels
from models.weighting import Weights, select_weights
from training.families.candidates import Candidate, Fit

FOLDS = 5
LEAST_PROBABILITY = 1e-8

Rows = NDArray[np.int64]
Groups = NDArray[np.uint64]


@dataclass(frozen=True, slots=True, eq=False)
class FoldedData:
    """Training rows, their labels, and for each fold the indices of fitted and held-out rows.

    Rows of equal `groups`, if there are any, are in one fold. `weights` are how many applications a
    row stands for.
    """

    frame: pd.DataFrame
    labels: Labels
    folds: tuple[tuple[Rows, Rows], ...] = ()
    groups: Groups | None = None
    weights: Weights | None = None

    def select(self, rows: Rows) -> Self:
        """Select some rows, without folds."""
        groups = None if self.groups is None else self.groups[rows]
        return replace(
            self,
            frame=self.frame.iloc[rows],
            labels=self.labels[rows],
            folds=(),
            groups=groups,
            weights=select_weights(self.weights, rows),
        )

    def fold(self, folds: int, seed: int) -> Self:
        """Split the rows into folds with default rates that are as equal as groups allow."""
        splitter = (
            StratifiedKFold(folds, shuffle=True, random_state=seed)
            if self.groups is None
            else StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
        )
        return replace(
            self, folds=tuple(splitter.split(self.frame, self.labels, groups=self.groups))
        )


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
    weights = select_weights(data.weights, fitted)
    pipeline = candidate.fit(fit, data.frame.iloc[fitted], data.labels[fitted], weights)
    # XGBoost's single precision can round a probability to 0 or 1.
    predicted = pipeline.predict_proba(data.frame.iloc[held])[:, 1].astype(np.float64)
    probabilities = np.clip(predicted, LEAST_PROBABILITY, 1.0 - LEAST_PROBABILITY)
    log_odds: LogOdds = np.log(probabilities / (1.0 - probabilities))
    return log_odds
