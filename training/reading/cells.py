"""Conversion of cells to numbers, level codes, dates and outcomes, a column at a time.

A column may have numbers, decimals, booleans, categories or text in the dialect of the file. A cell
that cannot be converted is marked, never replaced: the contract refuses its row.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.annotations import Column
from models.data_file import CsvDialect, OutcomeValue
from models.reading import cells
from models.reading.cells import (
    Levels,
    Parse,
    parse_date,
    parse_level,
    parse_number,
    parse_scaled,
    parse_text,
)

LEAST_MIXED = 0.01  # share of numbers with another symbol, from which they are called mixed


@dataclass(frozen=True, slots=True)
class ConvertedColumn:
    """A converted column, shape `(n,)`: NaN where absent, and a mask of unreadable cells."""

    numbers: Column
    unreadable: NDArray[np.bool_]


def convert_numbers(
    column: pd.Series, dialect: CsvDialect, words: Mapping[str, object], factor: float = 1.0
) -> ConvertedColumn:
    """Convert a column to numbers. `words` map text to numbers or None, before any other rule."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        values = column.to_numpy(np.float64, na_value=np.nan)
        converted = ConvertedColumn(values, np.isinf(values))
    else:
        return _convert_distinct(column, partial(parse_scaled, dialect, words, factor))
    if factor == 1.0:
        return converted
    return ConvertedColumn(converted.numbers * factor, converted.unreadable)


def convert_levels(
    column: pd.Series, dialect: CsvDialect, words: Mapping[str, object], levels: Levels
) -> ConvertedColumn:
    """Convert a column to the codes of its levels: 0 for the first, 1 for the second, and so on."""
    return _convert_distinct(column, partial(parse_level, dialect, words, levels))


def convert_outcomes(
    column: pd.Series, dialect: CsvDialect, outcome: Mapping[str, OutcomeValue]
) -> ConvertedColumn:
    """Convert a column to 1 (default), 0 (none), or NaN for an excluded outcome.

    Without `outcome` words, only the numbers 0 and 1 and booleans are readable.
    """
    words = {word.strip(): value for word, value in outcome.items()}
    return _convert_distinct(column, partial(_parse_outcome, dialect, words))


def convert_dates(column: pd.Series, dialect: CsvDialect) -> ConvertedColumn:
    """Convert a column to days since 1970-01-01."""
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        if isinstance(column.dtype, pd.DatetimeTZDtype):
            # The date in the zone of the column, where UTC may have another day.
            column = column.dt.tz_localize(None)
        days = column.to_numpy("datetime64[D]")
        return ConvertedColumn(
            np.where(np.isnat(days), np.nan, days.astype(np.int64)), np.zeros(len(days), bool)
        )
    return _convert_distinct(column, partial(parse_date, dialect))


def describe_cell(value: object) -> str:
    """Describe what kind of cell of a frame this is, without repeating it."""
    return cells.describe_cell(None if is_absent(value) else value)


def describe_mixed(column: pd.Series, dialect: CsvDialect) -> str:
    """Describe numbers of which some have a symbol and others none or another; empty if they agree.

    0 is the same with and without a symbol.
    """
    if not dialect.symbols or not pd.api.types.is_string_dtype(column):
        return ""
    rows: dict[str, int] = {}
    for cell, count in column.value_counts().items():
        number = parse_text(dialect, {}, str(cell))
        if number and not math.isnan(number):
            written = "".join(symbol for symbol in dialect.symbols if symbol in str(cell))
            rows[written] = rows.get(written, 0) + int(count)
    total = sum(rows.values())
    if not total or max(rows.values()) > (1 - LEAST_MIXED) * total:
        return ""
    counted = [f"{count} have {written or 'no symbol'}" for written, count in sorted(rows.items())]
    return f"of {total} numbers {', '.join(reversed(counted))}: of different units?"


def is_absent(value: object) -> bool:
    """Return whether a cell of a frame has no value."""
    if isinstance(value, list | tuple | dict | set | np.ndarray):
        return False
    return value is None or value is pd.NA or value is pd.NaT or value != value  # noqa: PLR0124 -- NaN


def _convert_distinct(column: pd.Series, parse: Parse) -> ConvertedColumn:
    """Parse each distinct cell once."""
    try:
        indices, uniques = pd.factorize(column, use_na_sentinel=False)
        distinct = list(uniques)
    except TypeError:  # a cell such as a list has no hash
        indices, distinct = np.arange(len(column)), column.to_list()
    parsed = [parse(None if is_absent(value) else value) for value in distinct]
    values = np.array([np.nan if number is None else number for number in parsed], np.float64)
    unreadable = np.array([number is None for number in parsed], bool)
    return ConvertedColumn(values[indices], unreadable[indices])


def _parse_outcome(
    dialect: CsvDialect, outcome: Mapping[str, OutcomeValue], value: object
) -> float | None:
    if isinstance(value, str) and value.strip() in outcome:
        declared = outcome[value.strip()]
        return math.nan if declared is None else float(declared)
    if is_absent(value):
        return math.nan if "" in outcome and outcome[""] is None else None
    if str(value) in outcome:  # True and False of a Parquet file
        return _parse_outcome(dialect, outcome, str(value))
    number = parse_number(dialect, {}, value)
    if number is not None and not outcome and number in (0, 1):
        return float(number)
    text = str(int(number)) if number is not None and float(number).is_integer() else None
    if text in outcome:
        return _parse_outcome(dialect, outcome, text)
    return None
