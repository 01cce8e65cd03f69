"""Weights of evidence: the columns of a scorecard, one for each characteristic."""

from collections.abc import Sequence
from itertools import groupby
from typing import Self

import numpy as np
from numpy.typing import NDArray
from optbinning import OptimalBinning
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.isotonic import IsotonicRegression

from models.annotations import Column
from models.estimators.formula import Steps, Term, Value
from models.features import Feature, Matrix
from models.metrics import Labels

MOST_BINS = 8
SMALLEST_BIN = 0.05  # of the rows, or
FEWEST_ROWS = 50  # if that is less: a bankruptcy is rare and says much
SMOOTHING = 0.5  # rows of each outcome added to a bin, which may have none
LEAST_RATE_DIFFERENCE = 1e-4  # between neighbouring bins, so that a trend is strict
TRENDS = {+1: "ascending", -1: "descending", 0: "auto"}  # of the share of bads


class WoeTransformer(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # it has no types
    """One column for each characteristic: ln(share of goods / share of bads) of a row's bin.

    Numbers are binned by optbinning, monotonic where a sign is documented; levels, special codes
    and missing values are bins of their own. `woe_` has the terms each column is the sum of.
    Source: Siddiqi, Intelligent Credit Scoring, 2nd ed., 2017.
    """

    def __init__(self, *, features: Sequence[Feature] = ()) -> None:
        self.features = features

    def fit(self, X: Matrix, y: Labels) -> Self:  # noqa: N803 -- scikit-learn's names
        """Bin every characteristic of a matrix `(n, p)` by outcomes `(n,)`."""
        places = enumerate(self.features)
        grouped = groupby(places, key=lambda place: place[1].characteristic)
        self.woe_ = [
            self._characteristic([(f, X[:, j]) for j, f in group], y) for _, group in grouped
        ]
        return self

    def transform(self, X: Matrix) -> Matrix:  # noqa: N803 -- scikit-learn's names
        """Weights of evidence, shape `(n, number of characteristics)`."""
        places = {f.name: j for j, f in enumerate(self.features)}
        woe = np.zeros((len(X), len(self.woe_)))
        for k, terms in enumerate(self.woe_):
            for term in terms:
                [shape] = term.shapes
                woe[:, k] += term.weight * shape.at(X[:, places[shape.feature]])
        return woe

    def _characteristic(self, columns: list[tuple[Feature, Column]], y: Labels) -> list[Term]:
        """Terms of a number, then of what marks its codes; or of what marks each level."""
        terms, missing, rate = [], 0.0, float(y.mean())
        for feature, column in columns[:1] if columns[0][0].equals is None else []:
            marked = sum((c for f, c in columns if f.equals is not None), np.zeros(len(y)))
            missing = _woe(np.isnan(column) & (marked == 0), y, rate)
            terms.append(Term(weight=1.0, shapes=(_binned(feature, column, missing, y),)))
        for feature, column in columns:
            if feature.equals is not None:
                shape = Value(feature=feature.name, missing=0.0)
                terms.append(Term(weight=_woe(column == 1, y, rate) - missing, shapes=(shape,)))
        return terms


def _binned(feature: Feature, column: Column, missing: float, y: Labels) -> Steps:
    """Bins of a number's own values."""
    seen = ~np.isnan(column)
    edges = _edges(feature, column[seen], y[seen])
    bins = np.searchsorted(edges, column[seen], side="right")
    places = range(len(edges) + 1)
    values = np.array([_woe(bins == i, y[seen], float(y.mean())) for i in places])
    if feature.sign:
        # What smoothing or the fallback may have put out of order by a hair is pooled.
        rising = IsotonicRegression(increasing=feature.sign < 0)
        counts = np.bincount(bins, minlength=len(values))
        values = rising.fit_transform(list(places), values, sample_weight=counts + SMOOTHING)
    return Steps(
        feature=feature.name, edges=tuple(edges), values=tuple(values.tolist()), missing=missing
    )


def _edges(feature: Feature, column: Column, y: Labels) -> list[float]:
    """Where bins begin: where optbinning says or, where that finds none, between a few values."""
    values = np.unique(column)
    if len(values) < 2 or len(np.unique(y)) < 2:  # noqa: PLR2004 -- nothing to tell apart
        return []
    binning = OptimalBinning(
        name=feature.name,
        dtype="numerical",
        monotonic_trend=TRENDS[feature.sign],
        max_n_bins=MOST_BINS,
        min_prebin_size=min(SMALLEST_BIN, FEWEST_ROWS / len(column)),
        min_event_rate_diff=LEAST_RATE_DIFFERENCE,
    )
    found = [float(edge) for edge in binning.fit(column, y).splits]
    if found or len(values) > MOST_BINS:
        return found
    # A value that all or none of the bads have: optbinning leaves pure bins out.
    return [float(edge) for edge in (values[1:] + values[:-1]) / 2]


def _woe(rows: NDArray[np.bool_], y: Labels, rate: float) -> float:
    """Weight of evidence of some rows, drawn to 0 where they are few; 0 of none.

    `rate` is the share of bads among all rows.
    """
    if not rows.any():
        return 0.0
    # Half a row of each outcome on average, in the proportion of all rows.
    bads = float(y[rows].sum()) + 2.0 * SMOOTHING * rate
    goods = float((y[rows] == 0).sum()) + 2.0 * SMOOTHING * (1.0 - rate)
    return float(np.log(goods / (1.0 - rate)) - np.log(bads / rate))
