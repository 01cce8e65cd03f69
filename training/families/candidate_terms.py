"""The terms a sparse additive model may choose from, and what each must bring."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Self

import numpy as np

from models.annotations import Column
from models.estimators.formula import Curve, Line
from models.features import Feature, Matrix

ENTRY = 8.0  # fall in deviance a term must bring: a chance of .005 if it has no effect
BEND = 4.0  # and more if it is a line that bends, for the choice of where
BENDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975)  # quantiles
RAMPS = (0.1, 0.25, 0.5, 0.75, 0.9)  # quantiles between which a line may rise with level ends
UNITS = (0.1, 0.25, 0.5, 0.75)  # quantiles of the positive values


@dataclass(frozen=True, slots=True, eq=False)
class Option:
    """A term that may enter: its values on the rows, and the fall in deviance it must bring."""

    features: tuple[Feature, ...]
    shapes: tuple[Line | Curve, ...]
    values: Column
    must_bring: float

    @property
    def signed(self) -> bool:
        """Its weight may not be negative: its shapes rise with a documented risk."""
        return any(feature.sign for feature in self.features)

    def on(self, matrix: Matrix, names: Sequence[str]) -> Self:
        """The same term on other rows, whose columns have these names."""
        values = np.ones(len(matrix))
        for shape in self.shapes:
            values = values * shape.at(matrix[:, names.index(shape.feature)])
        return replace(self, values=values)


def single_options(features: Sequence[Feature], matrix: Matrix) -> Iterable[Option]:
    """Every shape of every feature that varies; of each feature the plainest first."""
    kinds = [f.characteristic for f in features if f.equals is not None]
    for feature, column in zip(features, matrix.T, strict=True):
        seen = column[~np.isnan(column)]
        if not len(seen) or seen.min() == seen.max():
            continue
        # One of many levels is singled out more easily by chance.
        levels = 2.0 * float(np.log(max(1, kinds.count(feature.characteristic))))
        for shape, extra in _shapes(feature, seen):
            charge = extra if feature.equals is None else levels
            yield Option((feature,), (shape,), shape.at(column), ENTRY + charge)


def pair_options(chosen: Sequence[Option], singles: Sequence[Option]) -> list[Option]:
    """Interactions of the chosen shapes, and of the plainest shapes of their features."""
    plainest: dict[str, Option] = {}
    for option in singles:
        plainest.setdefault(option.features[0].name, option)
    used = [*chosen, *(plainest[o.features[0].name] for o in chosen)]
    return [
        Option(a.features + b.features, a.shapes + b.shapes, a.values * b.values, ENTRY)
        for a, b in combinations({id(o): o for o in used}.values(), 2)
        if a.features[0].characteristic != b.features[0].characteristic
    ]


def _shapes(feature: Feature, seen: Column) -> Iterable[tuple[Line | Curve, float]]:
    """Shapes of a feature with these values, and what each must bring beyond `ENTRY`."""
    low, high = float(seen.min()), float(seen.max())
    typical = float(np.median(seen))
    yield _line(feature, (low, high), typical), 0.0
    if feature.equals is not None:
        return
    for bend in np.unique(np.quantile(seen, BENDS)).tolist():
        if low < bend < high:
            yield _line(feature, (low, bend), typical), BEND
            yield _line(feature, (bend, high), typical), BEND
    for first, second in combinations(np.unique(np.quantile(seen, RAMPS)).tolist(), 2):
        yield _line(feature, (first, second), typical), 2 * BEND
    if low >= 0:
        for unit in np.unique([1.0, *np.quantile(seen[seen > 0], UNITS)]).tolist():
            start, end = _ends(feature, (low, high))
            curve = Curve(feature=feature.name, unit=unit, start=start, end=end, missing=0.0)
            yield curve.model_copy(update={"missing": _at(curve, typical)}), 0.0


def _line(feature: Feature, span: tuple[float, float], typical: float) -> Line:
    """A line that counts a missing value as the typical one."""
    start, end = _ends(feature, span)
    line = Line(feature=feature.name, start=start, end=end, missing=0.0)
    return line.model_copy(update={"missing": _at(line, typical)})


def _ends(feature: Feature, span: tuple[float, float]) -> tuple[float, float]:
    """Rising with the risk, where its direction is documented."""
    return span if feature.sign >= 0 else (span[1], span[0])


def _at(shape: Line | Curve, value: float) -> float:
    return float(shape.at(np.array([value]))[0])
