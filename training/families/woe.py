"""Weights of evidence: a transformer with one scorecard column for each characteristic."""

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
from models.weighting import Weights, weigh
from training.families.outcomes import Outcomes

MOST_BINS = 8
SMALLEST_BIN = 0.05  # of the rows, or
FEWEST_ROWS = 50  # if that is fewer, so that rare but informative values get a bin
SMOOTHING = 0.5  # rows of each label added to a bin, which may have none
LEAST_RATE_DIFFERENCE = 1e-4  # between neighbouring bins, so that trends are strict
TRENDS = {+1: "ascending", -1: "descending", 0: "auto"}  # of the share of bads


class WoeTransformer(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # it has no types
    """Transform each characteristic to ln(share of goods / share of bads) of the row's bin.

    optbinning bins numbers, with a monotonic trend if a sign is documented. Each level, special
    code and missing value has its own bin. Of weighted rows, the least size of a bin counts
    applications. `woe_` has the terms whose sum is a column.
    Source: Siddiqi, Intelligent Credit Scoring, 2nd ed., 2017.
    """

    def __init__(self, *, features: Sequence[Feature] = ()) -> None:
        self.features = features

    def fit(self, X: Matrix, y: Labels, sample_weight: Weights | None = None) -> Self:  # noqa: N803 -- scikit-learn's names
        """Bin every characteristic of a matrix `(n, p)` by labels `(n,)`."""
        outcomes = Outcomes(y, sample_weight)
        columns = enumerate(self.features)
        grouped = groupby(columns, key=lambda column: column[1].characteristic)
        self.woe_ = [
            self._fit_terms([(f, X[:, j]) for j, f in group], outcomes) for _, group in grouped
        ]
        return self

    def transform(self, X: Matrix) -> Matrix:  # noqa: N803 -- scikit-learn's names
        """Return weights of evidence, shape `(n, number of characteristics)`."""
        column_indices = {f.name: j for j, f in enumerate(self.features)}
        woe = np.zeros((len(X), len(self.woe_)))
        for k, terms in enumerate(self.woe_):
            for term in terms:
                [shape] = term.shapes
                woe[:, k] += term.weight * shape.evaluate(X[:, column_indices[shape.feature]])
        return woe

    def _fit_terms(self, columns: list[tuple[Feature, Column]], y: Outcomes) -> list[Term]:
        """Fit the terms of one characteristic: of a number and its codes, or of its levels."""
        terms, missing = [], 0.0
        for feature, column in columns[:1] if columns[0][0].equals is None else []:
            indicated = sum(
                (c for f, c in columns if f.equals is not None), np.zeros(len(columns[0][1]))
            )
            missing = _measure_woe(np.isnan(column) & (indicated == 0), y)
            terms.append(Term(weight=1.0, shapes=(_fit_steps(feature, column, missing, y),)))
        for feature, column in columns:
            if feature.equals is not None:
                shape = Value(feature=feature.name, missing=0.0)
                woe = _measure_woe(column == 1, y)
                terms.append(Term(weight=woe - missing, shapes=(shape,)))
        return terms


def _fit_steps(feature: Feature, column: Column, missing: float, y: Outcomes) -> Steps:
    """Fit the bins of a number's amounts."""
    is_present = ~np.isnan(column)
    edges = _choose_edges(feature, column[is_present], y.select(is_present))
    bins = np.searchsorted(edges, column, side="right")
    bin_indices = range(len(edges) + 1)
    values = np.array([_measure_woe((bins == i) & is_present, y) for i in bin_indices])
    if feature.sign:
        # Smoothing and the fallback edges can break the trend slightly. Pool those bins.
        rising = IsotonicRegression(increasing=feature.sign < 0)
        counts = np.bincount(bins, weights=weigh(is_present, y.weights), minlength=len(values))
        values = rising.fit_transform(list(bin_indices), values, sample_weight=counts + SMOOTHING)
    return Steps(
        feature=feature.name, edges=tuple(edges), values=tuple(values.tolist()), missing=missing
    )


def _choose_edges(feature: Feature, column: Column, y: Outcomes) -> list[float]:
    """Choose the edges of bins by optbinning or, if it finds none, between few distinct values."""
    values = np.unique(column)
    if len(values) < 2 or len(np.unique(y.labels)) < 2:  # noqa: PLR2004 -- nothing to separate
        return []
    binning = OptimalBinning(
        name=feature.name,
        dtype="numerical",
        monotonic_trend=TRENDS[feature.sign],
        max_n_bins=MOST_BINS,
        min_prebin_size=min(SMALLEST_BIN, FEWEST_ROWS / y.count),
        min_event_rate_diff=LEAST_RATE_DIFFERENCE,
    )
    edges = [float(edge) for edge in binning.fit(column, y.labels, y.weights).splits]
    if edges or len(values) > MOST_BINS:
        return edges
    # All or none of the bads have one of the values. optbinning creates no such pure bins.
    return [float(edge) for edge in (values[1:] + values[:-1]) / 2]


def _measure_woe(rows: NDArray[np.bool_], y: Outcomes) -> float:
    """Return the weight of evidence of some rows, shrunk to 0 if they are few; 0 if none."""
    if not rows.any():
        return 0.0
    rate, here = y.rate, y.select(rows)
    # Add one row in total, divided between bads and goods as among all rows.
    bads = here.bads + 2.0 * SMOOTHING * rate
    goods = here.count - here.bads + 2.0 * SMOOTHING * (1.0 - rate)
    return float(np.log(goods / (1.0 - rate)) - np.log(bads / rate))
