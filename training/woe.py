"""Weights of evidence: the columns of a scorecard, one for each characteristic."""

from collections.abc import Sequence
from itertools import groupby
from typing import Self

import numpy as np
from numpy.typing import NDArray
from optbinning import OptimalBinning
from sklearn.base import BaseEstimator, TransformerMixin

from models.additive import Steps, Term, Value
from models.features import Feature, Matrix
from models.marks import Column
from models.metrics import Labels

MOST_BINS = 8
SMALLEST_BIN = 0.05  # of the rows
SMOOTHING = 0.5  # rows of each outcome added to a level or code, which may have none
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
        terms, missing = [], 0.0
        for feature, column in columns[:1] if columns[0][0].equals is None else []:
            marked = sum((c for f, c in columns if f.equals is not None), np.zeros(len(y)))
            missing = _woe(np.isnan(column) & (marked == 0), y)
            terms.append(Term(weight=1.0, shapes=(_binned(feature, column, missing, y),)))
        for feature, column in columns:
            if feature.equals is not None:
                shape = Value(feature=feature.name, missing=0.0)
                terms.append(Term(weight=_woe(column == 1, y) - missing, shapes=(shape,)))
        return terms


def _binned(feature: Feature, column: Column, missing: float, y: Labels) -> Steps:
    """Bins of a number's own values."""
    seen = ~np.isnan(column)
    edges = _edges(feature, column[seen], y[seen])
    bins = np.searchsorted(edges, column[seen], side="right")
    values = tuple(_woe_exact(bins == i, y[seen], y) for i in range(len(edges) + 1))
    return Steps(feature=feature.name, edges=tuple(edges), values=values, missing=missing)


def _edges(feature: Feature, column: Column, y: Labels) -> list[float]:
    if len(np.unique(column)) < 2 or len(np.unique(y)) < 2:  # noqa: PLR2004 -- nothing to tell apart
        return []
    binning = OptimalBinning(
        name=feature.name,
        dtype="numerical",
        monotonic_trend=TRENDS[feature.sign],
        max_n_bins=MOST_BINS,
        min_prebin_size=SMALLEST_BIN,
        min_bin_n_event=1,
        min_bin_n_nonevent=1,
        min_event_rate_diff=LEAST_RATE_DIFFERENCE,
    )
    return [float(edge) for edge in binning.fit(column, y).splits]


def _woe_exact(rows: NDArray[np.bool_], y: Labels, every: Labels) -> float:
    """Weight of evidence of a bin that has both outcomes; 0 of the only bin."""
    bads = int(y[rows].sum())
    goods = int(rows.sum()) - bads
    if rows.all() or not bads or not goods:
        return 0.0
    return float(np.log(goods / (every == 0).sum()) - np.log(bads / every.sum()))


def _woe(rows: NDArray[np.bool_], y: Labels) -> float:
    """Weight of evidence of a level or code, drawn to 0 where it has few rows; 0 of none."""
    bads, goods = float(y[rows].sum()), float((~y[rows].astype(bool)).sum())
    if not rows.any():
        return 0.0
    rate = float(y.mean())
    # Half a row of each outcome, in the proportion of all rows.
    goods += 2.0 * SMOOTHING * (1.0 - rate)
    bads += 2.0 * SMOOTHING * rate
    return float(np.log(goods / (1.0 - rate)) - np.log(bads / rate))
