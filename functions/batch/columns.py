"""Cells of Arrow columns as numbers: what `training.reading.cells` does for frames of pandas."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from models.annotations import Column
from models.contract import Characteristic, CreditModel, characteristics
from models.data_file import CsvDialect
from models.errors import DataError
from models.reading.cells import (
    PLAIN_NUMBER,
    Levels,
    Parse,
    parse_date,
    parse_level,
    parse_scaled,
)
from models.reading.columns import explain_delimiter, explain_missing, find_columns

MOST_DIGITS = 300  # a longer number may be infinite
FEW = 64  # distinct cells that are parsed one by one without trying them all at once
PLAIN_PATTERN = f"^(?:{PLAIN_NUMBER.pattern})$"


@dataclass(frozen=True, slots=True)
class ArrowCells:
    """A converted column, shape `(n,)`: NaN where absent, and a mask of unreadable cells."""

    numbers: Column
    unreadable: NDArray[np.bool_]


def list_read_fields(model: type[CreditModel]) -> list[Characteristic]:
    """Return the fields that a file has columns for, identifiers included."""
    return [c for c in characteristics(model) if c.compute is None]


def map_fields(
    model: type[CreditModel],
    names: Sequence[str],
    mapping: Mapping[str, str],
    without: Sequence[str] = (),
) -> dict[str, str]:
    """Find the column of each field.

    `mapping` names columns before any other rule; `without` has optional fields that the file
    does not have. A file needs no column for an identifier, nor for an optional field if each of
    its columns is a field's: otherwise the field may be misspelt.

    Raises
    ------
    DataError
        If a column is missing, ambiguous or meant for two fields. All faults are named at once.
    """
    fields = {c.name: c for c in list_read_fields(model)}
    faults = [f"--mapping {n}: the model has no such field" for n in mapping if n not in fields]
    faults += [
        f"--mapping {name}={column}: the file has no column {column}"
        for name, column in mapping.items()
        if name in fields and column not in names
    ]
    faults += [
        f"--without {name}: the model has no such optional field"
        for name in without
        if name not in fields or not fields[name].optional
    ]
    columns: dict[str, str] = {}
    left_out: list[str] = []
    for c in fields.values():
        candidates = find_columns(c, names, mapping)
        if c.name in without or (c.name in mapping and not candidates):
            continue
        if len(candidates) == 1:
            columns[c.name] = candidates[0]
        elif candidates:
            listed = " and ".join(candidates)
            remedy = f"choose one with --mapping {c.name}={candidates[0]}"
            faults.append(f"{c.name}: the file has the columns {listed}; {remedy}")
        elif not c.identifier:
            explained = explain_missing(c.name, names, is_optional=c.optional)
            missing = left_out if c.optional else faults
            missing.append(explained.replace("--column", "--mapping"))
    if set(names) - set(columns.values()):
        faults += left_out
    faults += _find_shared(columns)
    if faults:
        raise DataError(explain_delimiter(names) or "; ".join(faults))
    return columns


def _find_shared(columns: Mapping[str, str]) -> list[str]:
    users: dict[str, list[str]] = {}
    for name, column in columns.items():
        users.setdefault(column, []).append(name)
    return [
        f"the column {column} is meant for {' and '.join(names)}"
        for column, names in users.items()
        if len(names) > 1
    ]


def convert_column(c: Characteristic, column: pa.Array, dialect: CsvDialect) -> ArrowCells:
    """Convert a column to the numbers of a field."""
    words, factor = c.source.words, c.source.factor
    if c.levels:
        levels = Levels(c.levels, c.other)
        return _convert_distinct(column, partial(parse_level, dialect, words, levels))
    if c.is_date:
        return _convert_dates(column, dialect)
    if _is_number(column.type):
        numbers = _numbers_from_arrow(column)
        cells = ArrowCells(numbers, np.isinf(numbers))
        return cells if factor == 1.0 else ArrowCells(numbers * factor, cells.unreadable)
    parse = partial(parse_scaled, dialect, words, factor)
    is_plain = not words and factor == 1.0 and dialect.decimal == "."
    return _convert_distinct(column, parse, are_numbers=is_plain)


def _is_number(kind: pa.DataType) -> bool:
    kinds = pa.types
    is_number = kinds.is_integer(kind) or kinds.is_floating(kind) or kinds.is_boolean(kind)
    return bool(is_number)


def _numbers_from_arrow(column: pa.Array) -> Column:
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    floats = column if column.type == pa.float64() else column.cast(pa.float64(), safe=False)
    if floats.null_count:
        floats = floats.fill_null(float("nan"))
    numbers: Column = floats.to_numpy(zero_copy_only=False)
    return numbers


def _convert_dates(column: pa.Array, dialect: CsvDialect) -> ArrowCells:
    if pa.types.is_timestamp(column.type):
        # The date in the zone of the column, where UTC may have another day.
        column = pc.local_timestamp(column) if column.type.tz else column
        column = pc.floor_temporal(column, unit="day").cast(pa.date32(), safe=False)
    if pa.types.is_date(column.type):
        days = column.cast(pa.date32()).cast(pa.int32())
        return ArrowCells(_numbers_from_arrow(days), np.zeros(len(column), bool))
    return _convert_distinct(column, partial(parse_date, dialect))


def _convert_distinct(column: pa.Array, parse: Parse, *, are_numbers: bool = False) -> ArrowCells:
    """Parse each distinct cell once; many plain numbers are parsed at once."""
    encoded = column
    if not pa.types.is_dictionary(column.type):
        try:
            encoded = column.dictionary_encode()
        except pa.ArrowNotImplementedError:  # a type such as a list has no distinct values
            return _convert_each(column, parse)
    distinct = encoded.dictionary
    if are_numbers and len(distinct) > FEW and _are_plain(distinct):
        return ArrowCells(
            _numbers_from_arrow(distinct.cast(pa.float64()))[_indices(encoded, 0)],
            np.zeros(len(column), bool),
        )
    parsed = [parse(value) for value in [*distinct.to_pylist(), None]]
    numbers = np.array([np.nan if number is None else number for number in parsed], np.float64)
    unreadable = np.array([number is None for number in parsed], bool)
    indices = _indices(encoded, len(distinct))
    return ArrowCells(numbers[indices], unreadable[indices])


def _indices(encoded: pa.DictionaryArray, absent: int) -> NDArray[np.intp]:
    indices: NDArray[np.intp] = encoded.indices.fill_null(absent).to_numpy(zero_copy_only=False)
    return indices


def _are_plain(distinct: pa.Array) -> bool:
    """Whether every text is a number as Python writes it, and finite."""
    if not pa.types.is_string(distinct.type):
        return False
    plain = pc.match_substring_regex(distinct, PLAIN_PATTERN)
    signed = pc.starts_with(distinct, "+")
    longest = pc.max(pc.utf8_length(distinct)).as_py()
    is_finite = longest is not None and longest < MOST_DIGITS and not _has_exponent(distinct)
    return is_finite and bool(pc.all(plain).as_py()) and not pc.any(signed).as_py()


def _has_exponent(distinct: pa.Array) -> bool:
    return bool(pc.any(pc.match_substring_regex(distinct, "[eE]")).as_py())


def _convert_each(column: pa.Array, parse: Parse) -> ArrowCells:
    parsed = [parse(value) for value in column.to_pylist()]
    numbers = np.array([np.nan if number is None else number for number in parsed], np.float64)
    return ArrowCells(numbers, np.array([number is None for number in parsed], bool))
