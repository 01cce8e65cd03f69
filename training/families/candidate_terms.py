"""Candidate terms of a sparse additive model, with the gain that each must achieve."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Self

import numpy as np
from numpy.typing import NDArray

from models.annotations import Column
from models.estimators.formula import LARGEST_NUMBER, Curve, Line, Steps
from models.features import Feature, Matrix
from models.weighting import Weights, select_weights, weigh, weighted_quantiles

ENTRY = 8.0  # least fall in deviance for a new term; reached by chance with probability .005
BEND = 4.0  # added for each free end of a line, because its position is selected
BENDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975)  # quantiles
RAMPS = (0.1, 0.25, 0.5, 0.75, 0.9)  # quantiles between which a line rises; constant beyond
UNITS = (0.1, 0.25, 0.5, 0.75)  # quantiles of the positive values
RANKS = tuple(i / 20 for i in range(1, 20))  # quantiles at which a shape of ranks steps
TAIL = 0.01  # share of the rows in each tail
HEAVY = 10.0  # a range this many times that without its tails

Shape = Line | Curve | Steps


@dataclass(frozen=True, slots=True, eq=False)
class Option:
    """A candidate term: its values on the rows, and the fall in deviance that admits it."""

    features: tuple[Feature, ...]
    shapes: tuple[Shape, ...]
    values: Column
    required_gain: float

    @property
    def is_signed(self) -> bool:
        """Whether its weight must be at least 0: its shapes rise with a documented risk."""
        return any(feature.sign for feature in self.features)

    def evaluate(self, matrix: Matrix, names: Sequence[str]) -> Self:
        """Return the same term with its values on other rows, whose columns have these names."""
        values = np.ones(len(matrix))
        for shape in self.shapes:
            values = values * shape.evaluate(matrix[:, names.index(shape.feature)])
        return replace(self, values=values)


@dataclass(frozen=True, slots=True, eq=False)
class _Amounts:
    """The values of a feature where it has one, and how many applications each stands for."""

    values: Column
    weights: Weights | None

    @property
    def median(self) -> float:
        return float(np.median(self.values)) if self.weights is None else self.find([0.5])[0]

    def find(self, quantiles: Sequence[float]) -> list[float]:
        """Find quantiles of the values."""
        numbers: list[float] = weighted_quantiles(self.values, quantiles, self.weights).tolist()
        return numbers

    def select(self, rows: NDArray[np.bool_]) -> "_Amounts":
        return _Amounts(self.values[rows], select_weights(self.weights, rows))


def generate_singles(
    features: Sequence[Feature], matrix: Matrix, weights: Weights | None = None
) -> Iterable[Option]:
    """Generate every shape of every feature that varies, the simplest of each feature first."""
    kinds = [f.characteristic for f in features if f.equals is not None]
    for feature, column in zip(features, matrix.T, strict=True):
        # A formula can hold no larger numbers; its shapes are constant beyond.
        is_present = ~np.isnan(column)
        values = np.clip(column[is_present], -LARGEST_NUMBER, LARGEST_NUMBER)
        if not len(values) or values.min() == values.max():
            continue
        # One of many levels fits by chance more easily, so it must achieve more.
        level_charge = 2.0 * float(np.log(max(1, kinds.count(feature.characteristic))))
        amounts = _Amounts(values, select_weights(weights, is_present))
        for shape, shape_charge in _generate_shapes(feature, amounts):
            charge = shape_charge if feature.equals is None else level_charge
            yield Option((feature,), (shape,), shape.evaluate(column), ENTRY + charge)


def generate_pairs(selected: Sequence[Option], singles: Sequence[Option]) -> list[Option]:
    """Generate interactions of the selected shapes and the simplest shapes of their features."""
    simplest: dict[str, Option] = {}
    for option in singles:
        simplest.setdefault(option.features[0].name, option)
    options = [*selected, *(simplest[o.features[0].name] for o in selected)]
    return [
        Option(a.features + b.features, a.shapes + b.shapes, a.values * b.values, ENTRY)
        for a, b in combinations({id(o): o for o in options}.values(), 2)
        if a.features[0].characteristic != b.features[0].characteristic
    ]


def _generate_shapes(feature: Feature, amounts: _Amounts) -> Iterable[tuple[Shape, float]]:
    """Generate the shapes of a feature, each with the gain it must achieve beyond `ENTRY`."""
    values = amounts.values
    low, high = _find_span(amounts)
    median = amounts.median
    yield _build_line(feature, (low, high), median), 0.0
    if feature.equals is not None:
        return
    for bend in _find_knots(amounts, BENDS):
        if low < bend < high:
            yield _build_line(feature, (low, bend), median), BEND
            yield _build_line(feature, (bend, high), median), BEND
    for first, second in combinations(_find_knots(amounts, RAMPS), 2):
        yield _build_line(feature, (first, second), median), 2 * BEND
    if values.min() >= 0:
        span = (float(values.min()), float(values.max()))
        for unit in np.unique([1.0, *amounts.select(values > 0).find(UNITS)]).tolist():
            start, end = _orient_span(feature, span)
            curve = Curve(feature=feature.name, unit=unit, start=start, end=end, missing=0.0)
            yield curve.model_copy(update={"missing": _evaluate_one(curve, median)}), 0.0
    yield from _build_ranks(feature, amounts, median)


def _find_span(amounts: _Amounts) -> tuple[float, float]:
    """Find the ends of the simplest line: the range, without its tails if they are heavy.

    Over the range of a heavy tail a line is constant but for a few rows.
    """
    low, high = float(amounts.values.min()), float(amounts.values.max())
    inner = amounts.find((TAIL, 1.0 - TAIL))
    if inner[0] < inner[1] and high - low > HEAVY * (inner[1] - inner[0]):
        return inner[0], inner[1]
    return low, high


def _find_knots(amounts: _Amounts, quantiles: Sequence[float]) -> list[float]:
    """Find where lines may bend: at quantiles, and at those of the values above the least.

    Most counts are 0 in most rows. Quantiles of all rows would then be 0 alone.
    """
    above = amounts.select(amounts.values > amounts.values.min())
    knots = np.unique([amounts.find(quantiles), above.find(quantiles)])
    return [float(knot) for knot in knots]


def _build_ranks(
    feature: Feature, amounts: _Amounts, median: float
) -> Iterable[tuple[Shape, float]]:
    """Build steps that rise with the rank among the rows, whatever the scale of the values."""
    values, shares = amounts.values, weigh(np.ones(len(amounts.values)), amounts.weights)
    edges = np.unique(amounts.find(RANKS))
    edges = edges[edges > values.min()]
    if len(edges) > 1:
        bins = np.searchsorted(edges, values, side="right")
        counts = np.bincount(bins, weights=shares, minlength=len(edges) + 1)
        ranks = (np.cumsum(counts) - counts / 2) / shares.sum()
        heights = ranks if feature.sign >= 0 else 1.0 - ranks
        steps = Steps(
            feature=feature.name,
            edges=tuple(edges.tolist()),
            values=tuple(heights.tolist()),
            missing=0.0,
        )
        yield steps.model_copy(update={"missing": _evaluate_one(steps, median)}), BEND


def _build_line(feature: Feature, span: tuple[float, float], median: float) -> Line:
    """Build a line on which a missing value counts as the median."""
    start, end = _orient_span(feature, span)
    line = Line(feature=feature.name, start=start, end=end, missing=0.0)
    return line.model_copy(update={"missing": _evaluate_one(line, median)})


def _orient_span(feature: Feature, span: tuple[float, float]) -> tuple[float, float]:
    """Order the ends of a span so that the shape rises with a documented risk."""
    return span if feature.sign >= 0 else (span[1], span[0])


def _evaluate_one(shape: Shape, value: float) -> float:
    return float(shape.evaluate(np.array([value]))[0])
