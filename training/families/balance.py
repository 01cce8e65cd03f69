"""Balanced training rows, for runs that must match an earlier system and for nothing else.

A model fitted to balanced rows no longer knows how rare defaults are. Calibration on rows as they
are restores the mean, but neither ranking nor calibration gains. To refuse more applicants, move
the cut-off instead.
"""

from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import Pipeline

from models.features import Matrix
from models.metrics import Labels
from training.search_settings import Balance

NEIGHBOURS = 5


def warn_of_balance(balance: Balance) -> str:
    """Return the remark that a report must carry."""
    return (
        f"trained on balanced rows (--balance {balance}), for parity with an earlier system only: "
        "probabilities were calibrated on rows as they are; balancing improves no figure"
    )


class BalancedPipeline(Pipeline):  # type: ignore[misc]  # it has no types
    """A pipeline that is fitted to as many rows of one outcome as of the other."""

    def __init__(self, steps: list[tuple[str, Any]], *, balance: Balance, seed: int) -> None:
        super().__init__(steps)
        self.balance = balance
        self.seed = seed

    def fit(self, X: pd.DataFrame, y: Labels) -> Self:  # noqa: N803 -- scikit-learn's names
        """Balance the rows and fit to them."""
        make = repeat_rows if self.balance == "weights" else synthesise_rows
        rarer = int(y.mean() < 0.5)  # noqa: PLR2004 -- half of the rows
        added = make(X.to_numpy()[y == rarer], int((y != rarer).sum()), self.seed)
        frame = pd.DataFrame(np.vstack([X.to_numpy(), added]), columns=X.columns)
        super().fit(frame, np.append(y, np.full(len(added), rarer)))
        return self


def repeat_rows(rows: Matrix, count: int, seed: int) -> Matrix:
    """Repeat rows until there are `count`, and return those that were added.

    Each row is repeated equally often, but for a remainder drawn at random. This equals class
    weights, for families that know no weights too.
    """
    missing = count - len(rows)
    times, remainder = divmod(missing, len(rows))
    drawn = np.random.default_rng(seed).permutation(len(rows))[:remainder]
    return np.vstack([np.tile(rows, (times, 1)), rows[drawn]])


def synthesise_rows(rows: Matrix, count: int, seed: int) -> Matrix:
    """Make rows between a row and one of its nearest neighbours, until there are `count` in all.

    A column of two values takes that of the nearer row, and a missing value stays missing. Source:
    Chawla et al., SMOTE: synthetic minority over-sampling technique, JAIR 16, 2002.
    """
    random, missing = np.random.default_rng(seed), count - len(rows)
    filled = np.where(np.isnan(rows), _find_medians(rows), rows)
    spread = filled.std(axis=0)
    scaled = filled / np.where(spread > 0, spread, 1.0)
    neighbours = NearestNeighbors(n_neighbors=min(NEIGHBOURS, len(rows) - 1)).fit(scaled)
    near = neighbours.kneighbors(return_distance=False)  # without the row itself
    first = random.integers(len(rows), size=missing)
    second = near[first, random.integers(near.shape[1], size=missing)]
    gaps = random.random((missing, 1))
    between = rows[first] + gaps * (rows[second] - rows[first])
    nearer = np.where(gaps < 0.5, rows[first], rows[second])  # noqa: PLR2004 -- half of the way
    is_binary = np.array([len(np.unique(column)) <= 2 for column in filled.T])  # noqa: PLR2004
    return np.where(is_binary, nearer, between)


def _find_medians(rows: Matrix) -> NDArray[np.float64]:
    present = [column[~np.isnan(column)] for column in rows.T]
    return np.array([np.median(column) if len(column) else 0.0 for column in present])
