"""Labels of training rows, with how many applications each row stands for."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from models.metrics import Labels
from models.weighting import Weights, count_weighted, select_weights, weigh, weighted_mean


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """Labels `(n,)`, 1 for a default, and weights `(n,)` or None."""

    labels: Labels
    weights: Weights | None = None

    @property
    def count(self) -> float:
        """The number of applications."""
        return count_weighted(len(self.labels), self.weights)

    @property
    def bads(self) -> float:
        """The number of defaults."""
        return float(weigh(self.labels, self.weights).sum())

    @property
    def rate(self) -> float:
        """The default rate."""
        return weighted_mean(self.labels, self.weights)

    @property
    def log_odds(self) -> float:
        """The log-odds of the default rate."""
        return float(np.log(self.rate / (1.0 - self.rate)))

    def select(self, rows: ArrayLike) -> Self:
        """Return the outcomes of some rows, by a mask or by indices."""
        return type(self)(self.labels[np.asarray(rows)], select_weights(self.weights, rows))
