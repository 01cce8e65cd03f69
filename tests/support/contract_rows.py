"""Random rows of any credit model, and a random formula over its features."""

import math
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.random import Generator

from models.annotations import EPOCH
from models.calibration import BetaCalibration
from models.contract import Characteristic, CreditModel, bounds_from_field, characteristics
from models.estimators.families import Additive, AdditiveFamily
from models.estimators.formula import Curve, Formula, Line, Shape, Steps, Term, Value
from models.features import (
    columns_from_fields,
    features,
    find_unusable,
    matrix_from_columns,
)
from models.policy import Cutoffs
from models.scorer import Scorer
from models.table import table_from_applications

MOST = 1e6  # of a number without an upper bound
ABSENT, CODED = 0.15, 0.1  # shares of optional values and of special codes


def random_rows(model: type[CreditModel], rows: int, rng: Generator) -> list[dict[str, Any]]:
    """Rows that follow the contract, with its missing values and special codes."""
    fields = [c for c in characteristics(model) if c.compute is None]
    return [{c.name: _random_value(c, model, rng) for c in fields} for _ in range(rows)]


def _random_value(c: Characteristic, model: type[CreditModel], rng: Generator) -> object:
    if c.identifier or (c.optional and rng.random() < ABSENT):
        return None
    if c.levels:
        return c.levels[rng.integers(len(c.levels))]
    if c.special and rng.random() < CODED:
        return sorted(c.special)[rng.integers(len(c.special))]
    low, high = bounds_from_field(model.model_fields[c.name])
    low, high = max(low, -MOST), min(high, MOST)
    if c.is_date:
        return str(EPOCH + timedelta(days=int(rng.integers(10_000, 20_000))))
    if c.is_integer:
        return int(rng.integers(math.ceil(low), math.floor(high), endpoint=True))
    value = low + (high - low) * rng.random() ** 3
    return float(min(max(round(value, int(rng.integers(0, 6))), low), high))


def random_scorer(
    model: type[CreditModel],
    rows: list[dict[str, Any]],
    rng: Generator,
    family: AdditiveFamily = "additive",
) -> Scorer:
    """A scorer with every kind of shape, and some interactions, over all features."""
    applications = [model.model_validate(row) for row in rows[:200]]
    numbers = table_from_applications(model, applications).numbers
    unusable = np.zeros(len(applications), dtype=bool)
    for mask in find_unusable(model, numbers).values():
        unusable |= mask
    sound = {name: column[~unusable] for name, column in numbers.items()}
    matrix = matrix_from_columns(model, columns_from_fields(model, sound))
    names = tuple(f.name for f in features(model))
    shapes = [_random_shape(name, matrix[:, i], rng) for i, name in enumerate(names)]
    terms = [
        Term(weight=_random_weight(shape, matrix[:, i], rng), shapes=(shape,))
        for i, shape in enumerate(shapes)
    ]
    bounded = [shape for shape in shapes if not isinstance(shape, Value)]
    for first, second in zip(bounded[::2], bounded[1::2], strict=False):
        terms.append(Term(weight=float(rng.normal(0, 0.5)), shapes=(first, second)))
    formula = Formula(features=names, intercept=float(rng.normal(-1, 0.5)), terms=tuple(terms))
    return Scorer.from_catalogue(
        model,
        Additive(family, formula),
        BetaCalibration(a=0.8, b=1.2, c=-0.3),
        {},
        Cutoffs(approve_below=0.2, decline_from=0.6),
    )


def _random_weight(shape: Shape, column: np.ndarray[Any, Any], rng: Generator) -> float:
    spread = np.nanstd(column) if isinstance(shape, Value) else 1.0
    return float(rng.normal(0, 0.4) / max(float(np.nan_to_num(spread)), 1e-3))


def _random_shape(name: str, column: np.ndarray[Any, Any], rng: Generator) -> Shape:
    present = column[~np.isnan(column)]
    present = present if len(present) else np.zeros(1)
    low, mid, high = (float(v) for v in np.quantile(present, [0.1, 0.5, 0.9]))
    high = high if high > low else low + 1.0
    missing = float(rng.normal(0, 0.5))
    kind = rng.integers(4)
    if kind == 0:
        return Value(feature=name, missing=mid)
    if kind == 1:
        return Line(feature=name, start=low, end=high, missing=missing)
    if kind == 2 and low >= 0:
        unit = max(mid, 0.01)
        return Curve(feature=name, unit=unit, start=low, end=high, missing=missing)
    edges = tuple(sorted({low, mid, high}))
    values = tuple(rng.normal(0, 0.5, len(edges) + 1).tolist())
    return Steps(feature=name, edges=edges, values=values, missing=missing)
