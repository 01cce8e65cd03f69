"""Candidate terms of a sparse additive model, with the gain that each must achieve."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Self

import numpy as np

from models.annotations import Column
from models.estimators.formula import Curve, Line
from models.features import Feature, Matrix

ENTRY = 8.0  # least fall in deviance for a new term; reached by chance with probability .005
BEND = 4.0  # added for each free end of a line, because its position is selected
BENDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975)  # quantiles
RAMPS = (0.1, 0.25, 0.5, 0.75, 0.9)  # quantiles between which a line rises; constant beyond
UNITS = (0.1, 0.25, 0.5, 0.75)  # quantiles of the positive values


@dataclass(frozen=True, slots=True, eq=False)
class Option:
    """A candidate term: its values on the rows, and the fall in deviance that admits it."""

    features: tuple[Feature, ...]
    shapes: tuple[Line | Curve, ...]
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


def generate_singles(features: Sequence[Feature], matrix: Matrix) -> Iterable[Option]:
    """Generate every shape of every feature that varies, the simplest of each feature first."""
    kinds = [f.characteristic for f in features if f.equals is not None]
    for feature, column in zip(features, matrix.T, strict=True):
        values = column[~np.isnan(column)]
        if not len(values) or values.min() == values.max():
            continue
        # One of many levels fits by chance more easily, so it must achieve more.
        level_charge = 2.0 * float(np.log(max(1, kinds.count(feature.characteristic))))
        for shape, shape_charge in _generate_shapes(feature, values):
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


def _generate_shapes(feature: Feature, values: Column) -> Iterable[tuple[Line | Curve, float]]:
    """Generate the shapes of a feature, each with the gain it must achieve beyond `ENTRY`."""
    low, high = float(values.min()), float(values.max())
    median = float(np.median(values))
    yield _build_line(feature, (low, high), median), 0.0
    if feature.equals is not None:
        return
    for bend in np.unique(np.quantile(values, BENDS)).tolist():
        if low < bend < high:
            yield _build_line(feature, (low, bend), median), BEND
            yield _build_line(feature, (bend, high), median), BEND
    for first, second in combinations(np.unique(np.quantile(values, RAMPS)).tolist(), 2):
        yield _build_line(feature, (first, second), median), 2 * BEND
    if low >= 0:
        for unit in np.unique([1.0, *np.quantile(values[values > 0], UNITS)]).tolist():
            start, end = _orient_span(feature, (low, high))
            curve = Curve(feature=feature.name, unit=unit, start=start, end=end, missing=0.0)
            yield curve.model_copy(update={"missing": _evaluate_one(curve, median)}), 0.0


def _build_line(feature: Feature, span: tuple[float, float], median: float) -> Line:
    """Build a line on which a missing value counts as the median."""
    start, end = _orient_span(feature, span)
    line = Line(feature=feature.name, start=start, end=end, missing=0.0)
    return line.model_copy(update={"missing": _evaluate_one(line, median)})


def _orient_span(feature: Feature, span: tuple[float, float]) -> tuple[float, float]:
    """Order the ends of a span so that the shape rises with a documented risk."""
    return span if feature.sign >= 0 else (span[1], span[0])


def _evaluate_one(shape: Line | Curve, value: float) -> float:
    return float(shape.evaluate(np.array([value]))[0])
