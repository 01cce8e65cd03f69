"""The one way from applications to the matrix an estimator reads, for one row or a million.

Training and serving both call `columns_from_applications` and `matrix_from_columns`; nothing else
computes a feature. Every step works row by row, so a row's features never depend on its batch.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.annotations import Column, Columns
from models.contract import Characteristic, CreditModel, Level, characteristics
from models.errors import FeatureError
from models.table import table_from_applications

Matrix = NDArray[np.float64]

LARGEST = 1e38  # trees read single precision, which ends soon after


@dataclass(frozen=True, slots=True)
class Feature:
    """One column of the matrix.

    `equals` is None for the number itself (missing and special values are NaN there); otherwise
    the column is 1.0 where the characteristic has that value, else 0.0. NaN stands for "missing".
    """

    name: str
    characteristic: str
    equals: float | None = None
    sign: Literal[-1, 0, 1] = 0


@cache
def features(model: type[CreditModel]) -> tuple[Feature, ...]:
    """Columns of the model's matrix, in order. Protected characteristics have none."""
    return tuple(
        feature for c in characteristics(model) if not c.protected for feature in _features_of(c)
    )


def find_column_indices(model: type[CreditModel], c: Characteristic) -> tuple[int, ...]:
    """Places of a characteristic's columns in the model's matrix."""
    return tuple(j for j, f in enumerate(features(model)) if f.characteristic == c.name)


def _features_of(c: Characteristic) -> list[Feature]:
    if c.levels:
        found = [Feature(f"{c.name}={lv}", c.name, float(i)) for i, lv in enumerate(c.levels)]
    else:
        found = [Feature(c.name, c.name, sign=c.sign)]
        found += [Feature(f"{c.name}={code}", c.name, float(code)) for code in c.special]
    if c.optional:
        found.append(Feature(f"{c.name}=missing", c.name, float("nan")))
    return found


def columns_from_applications(
    model: type[CreditModel], applications: Sequence[CreditModel]
) -> Columns:
    """Turn validated applications into one float column a scored characteristic.

    Numbers stay as they are, special codes included; a level becomes its place in the
    declaration; None becomes NaN.

    Raises
    ------
    FeatureError
        If a derived number is infinite.
    """
    return columns_from_fields(model, table_from_applications(model, applications).numbers)


def columns_from_fields(model: type[CreditModel], fields: Columns) -> Columns:
    """Add the derived characteristics to the columns of all scored fields.

    To a derived number special codes are not amounts: it reads them as NaN. Errors as
    `columns_from_applications`.
    """
    columns = dict(fields)
    amounts = columns | {
        c.name: np.where(np.isin(columns[c.name], tuple(c.special)), np.nan, columns[c.name])
        for c in _with_special_codes(model)
    }
    with np.errstate(all="ignore"):
        for name, compute in _derivations(model):
            columns[name] = amounts[name] = compute(amounts)
            if np.isinf(columns[name]).any():
                raise FeatureError(name)
    return columns


def value_from_column(c: Characteristic, number: float) -> Level | float | None:
    """What an application would say where a column of the characteristic has this number."""
    if math.isnan(number):
        return None
    if c.levels:
        return c.levels[int(number)]
    return int(number) if c.whole else number


def matrix_from_columns(model: type[CreditModel], columns: Columns) -> Matrix:
    """Lay the columns out as the estimator reads them: shape `(n, p)`, C order, NaN = missing.

    Every number is one that single precision can hold, so a record in single precision is exact.

    Raises
    ------
    FeatureError
        If a number is beyond `LARGEST`.
    """
    layout = _layout(model)
    stacked = np.array([columns[name] for name in layout.names])
    matrix = stacked.take(layout.sources, axis=0)
    matrix[layout.levels] = matrix[layout.levels] == layout.equals
    matrix[layout.missing] = np.isnan(matrix[layout.missing])
    for place, code in layout.special:
        matrix[place, matrix[place] == code] = np.nan
    if (np.abs(matrix) > LARGEST).any():
        beyond = (np.abs(matrix) > LARGEST).any(axis=1)
        raise FeatureError(features(model)[int(beyond.argmax())].characteristic)
    return np.ascontiguousarray(matrix.T.astype(np.float32), dtype=np.float64)


class _Layout(NamedTuple):
    """Where a matrix's columns come from: places in `names`, and what is asked of the values.

    `levels` and `missing` are places in the matrix; `special` are places with a code each.
    """

    names: tuple[str, ...]
    sources: NDArray[np.intp]
    levels: NDArray[np.intp]
    equals: Column
    missing: NDArray[np.intp]
    special: tuple[tuple[int, float], ...]


@cache
def _layout(model: type[CreditModel]) -> _Layout:
    names = tuple(dict.fromkeys(f.characteristic for f in features(model)))
    asked = dict(enumerate(f.equals for f in features(model)))
    levels = {j: e for j, e in asked.items() if e is not None and not math.isnan(e)}
    numbers = {f.characteristic: j for j, f in enumerate(features(model)) if f.equals is None}
    return _Layout(
        names=names,
        sources=np.array([names.index(f.characteristic) for f in features(model)], np.intp),
        levels=np.array(list(levels), np.intp),
        equals=np.array(list(levels.values()), np.float64)[:, None],
        missing=np.array([j for j, e in asked.items() if e is not None and math.isnan(e)], np.intp),
        special=tuple(
            (numbers[c.name], float(code)) for c in _with_special_codes(model) for code in c.special
        ),
    )


@cache
def _with_special_codes(model: type[CreditModel]) -> tuple[Characteristic, ...]:
    return tuple(c for c in characteristics(model) if c.special and not c.protected)


@cache
def _derivations(model: type[CreditModel]) -> tuple[tuple[str, Callable[[Columns], Column]], ...]:
    return tuple((c.name, c.compute) for c in characteristics(model) if c.compute is not None)
