"""Feature engineering: from applications to the matrix an estimator reads.

Training and serving both call `columns_from_applications` and `matrix_from_columns`. No other code
computes a feature. Every step works row by row, so the features of a row never depend on its batch.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.annotations import Column, Columns, date_from_days
from models.contract import Characteristic, CreditModel, Level, characteristics
from models.errors import FeatureError
from models.table import table_from_applications

Matrix = NDArray[np.float64]

LARGEST = 1e38  # trees read single precision, whose limit is 3.4e38


@dataclass(frozen=True, slots=True)
class Feature:
    """One column of the matrix.

    Without `equals` the column is the number itself, with NaN for missing and special values.
    With `equals` it is an indicator: 1.0 where the characteristic has that value, else 0.0. An
    `equals` of NaN indicates a missing value.
    """

    name: str
    characteristic: str
    equals: float | None = None
    sign: Literal[-1, 0, 1] = 0


@cache
def features(model: type[CreditModel]) -> tuple[Feature, ...]:
    """Return the columns of the model's matrix, in order. Protected characteristics have none."""
    return tuple(
        feature
        for c in characteristics(model)
        if c.is_scored
        for feature in _features_from_characteristic(c)
    )


def find_column_indices(model: type[CreditModel], c: Characteristic) -> tuple[int, ...]:
    """Return the indices of a characteristic's columns in the model's matrix."""
    return tuple(j for j, f in enumerate(features(model)) if f.characteristic == c.name)


def _features_from_characteristic(c: Characteristic) -> list[Feature]:
    if c.levels and not c.is_ordered:
        columns = [Feature(f"{c.name}={lv}", c.name, float(i)) for i, lv in enumerate(c.levels)]
    else:
        columns = [Feature(c.name, c.name, sign=c.sign)]
        columns += [Feature(f"{c.name}={code}", c.name, float(code)) for code in c.special]
    if c.optional:
        columns.append(Feature(f"{c.name}=missing", c.name, float("nan")))
    return columns


def columns_from_applications(
    model: type[CreditModel], applications: Sequence[CreditModel]
) -> Columns:
    """Convert validated applications to one float column for each scored characteristic.

    Numbers and special codes stay as they are. A level becomes its index in the declaration. None
    becomes NaN.

    Raises
    ------
    FeatureError
        If a derived number is infinite.
    """
    return columns_from_fields(model, table_from_applications(model, applications).numbers)


def columns_from_fields(model: type[CreditModel], fields: Columns) -> Columns:
    """Add the derived characteristics to the columns of all scored fields.

    Special codes are not amounts, so derived functions read them as NaN. Errors are those of
    `columns_from_applications`.
    """
    columns = _derive_columns(model, fields)
    for name, _ in _list_derived(model):
        if np.isinf(columns[name]).any():
            raise FeatureError(name)
    return columns


def find_unusable(model: type[CreditModel], fields: Columns) -> dict[str, NDArray[np.bool_]]:
    """Return masks of the rows for which a number raises `FeatureError`, by characteristic.

    Without such a row the result is empty.
    """
    columns = _derive_columns(model, fields)
    names = dict.fromkeys(f.characteristic for f in features(model))
    derived = {name for name, _ in _list_derived(model)}
    masks = {
        name: np.abs(columns[name]) > (LARGEST if name in names else np.finfo(float).max)
        for name in (*names, *(derived - set(names)))
    }
    return {name: mask for name, mask in masks.items() if mask.any()}


def _derive_columns(model: type[CreditModel], fields: Columns) -> dict[str, Column]:
    columns = dict(fields)
    amounts = columns | {
        c.name: np.where(np.isin(columns[c.name], tuple(c.special)), np.nan, columns[c.name])
        for c in _select_special(model)
    }
    with np.errstate(all="ignore"):
        for name, compute in _list_derived(model):
            columns[name] = amounts[name] = compute(amounts)
    return columns


def value_from_column(c: Characteristic, number: float) -> Level | float | None:
    """Convert a number in a column back to the value that callers send."""
    if math.isnan(number):
        return None
    if c.is_date:
        return date_from_days(number).isoformat()
    if c.levels:
        return c.levels[int(number)]
    return int(number) if c.is_integer else number


def matrix_from_columns(model: type[CreditModel], columns: Columns) -> Matrix:
    """Build the matrix an estimator reads: shape `(n, p)`, C order, NaN = missing.

    Every number is rounded to single precision, so a record in single precision is exact.

    Raises
    ------
    FeatureError
        If the absolute value of a number is above `LARGEST`.
    """
    layout = _build_layout(model)
    stacked = np.array([columns[name] for name in layout.names])
    matrix = stacked.take(layout.sources, axis=0)
    matrix[layout.levels] = matrix[layout.levels] == layout.equals
    matrix[layout.missing] = np.isnan(matrix[layout.missing])
    for column_index, code in layout.special:
        matrix[column_index, matrix[column_index] == code] = np.nan
    if (np.abs(matrix) > LARGEST).any():
        beyond = (np.abs(matrix) > LARGEST).any(axis=1)
        raise FeatureError(features(model)[int(beyond.argmax())].characteristic)
    return np.ascontiguousarray(matrix.T.astype(np.float32), dtype=np.float64)


class _Layout(NamedTuple):
    """How to build a matrix from columns.

    `sources` has the index in `names` for each column of the matrix. `levels` has the indices of
    columns that indicate the values `equals`, `missing` those of columns that indicate NaN.
    `special` pairs the index of a number's column with each code that becomes NaN there.
    """

    names: tuple[str, ...]
    sources: NDArray[np.intp]
    levels: NDArray[np.intp]
    equals: Column
    missing: NDArray[np.intp]
    special: tuple[tuple[int, float], ...]


@cache
def _build_layout(model: type[CreditModel]) -> _Layout:
    names = tuple(dict.fromkeys(f.characteristic for f in features(model)))
    equals = dict(enumerate(f.equals for f in features(model)))
    levels = {j: e for j, e in equals.items() if e is not None and not math.isnan(e)}
    numbers = {f.characteristic: j for j, f in enumerate(features(model)) if f.equals is None}
    return _Layout(
        names=names,
        sources=np.array([names.index(f.characteristic) for f in features(model)], np.intp),
        levels=np.array(list(levels), np.intp),
        equals=np.array(list(levels.values()), np.float64)[:, None],
        missing=np.array(
            [j for j, e in equals.items() if e is not None and math.isnan(e)], np.intp
        ),
        special=tuple(
            (numbers[c.name], float(code)) for c in _select_special(model) for code in c.special
        ),
    )


@cache
def _select_special(model: type[CreditModel]) -> tuple[Characteristic, ...]:
    return tuple(c for c in characteristics(model) if c.special and not c.protected)


@cache
def _list_derived(model: type[CreditModel]) -> tuple[tuple[str, Callable[[Columns], Column]], ...]:
    return tuple((c.name, c.compute) for c in characteristics(model) if c.compute is not None)
