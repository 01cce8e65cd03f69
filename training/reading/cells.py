"""Conversion of cells to numbers, level codes, dates and outcomes, a column at a time.

A column may have numbers, decimals, booleans, categories or text in the dialect of the file. A cell
that cannot be converted is marked, never replaced: the contract refuses its row.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from numbers import Real

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.annotations import Column, days_from_date
from models.data_file import CsvDialect, OutcomeValue

ISO_FORMAT = CsvDialect().date
PLAIN_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
# Words that people write for an absent value. They are named in messages, never guessed.
MISSING_WORDS = frozenset(
    (
        *("na", "n/a", "n.a.", "nan", "null", "none", "nil", "missing", "unknown"),
        *("?", "-", "--", "."),
        *("#n/a", "#na", "#value!"),  # of a spreadsheet
    )
)
CURRENCY = r"[€$£¥₹]|EUR|USD|GBP|INR|CHF|Rs\.?"
KINDS = (
    ("a per cent", re.compile(r"[+-]?[0-9.,\s]+%")),
    (
        "an amount with a currency sign",
        re.compile(rf"[+-]?({CURRENCY})\s?-?[0-9.,'\s]+|-?[0-9.,'\s]+({CURRENCY})"),
    ),
    ("a number with an underscore", re.compile(r"[+-]?[0-9][0-9_]*_[0-9]+(\.[0-9]+)?")),
    ("a number with separators", re.compile(r"[+-]?[0-9]+[.,'\u2019\s][0-9.,'\u2019\s]*")),
    ("another number", re.compile(r"[+-]?[0-9]+")),
    ("an infinite number", re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)),
    ("a date", re.compile(r"[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}.*")),
)

FOUR_DIGITS = "write years with four digits"  # a remedy
LEAST_MIXED = 0.01  # share of numbers with another symbol, from which they are called mixed

OTHER_TYPES: Mapping[str, tuple[type, ...]] = {  # of Parquet files; no field reads them
    "bytes": (bytes, bytearray),
    "a list": (list, tuple, set, np.ndarray),
    "a record": (dict,),
    "a duration": (timedelta, np.timedelta64),
}

Parse = Callable[[object], float | None]  # None: the cell is unreadable; NaN: it is absent


@dataclass(frozen=True, slots=True)
class Levels:
    """The levels of a field, texts or integers, and the one that other texts count as."""

    levels: tuple[str | int, ...]
    other: str | None = None

    def find_code(self, level: object) -> float | None:
        """Return the code of a level, or None if it has none."""
        if level in self.levels:
            return float(self.levels.index(level))
        is_other = self.other is not None and isinstance(level, str)
        return self.find_code(self.other) if is_other else None


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
        cells = ConvertedColumn(values, np.isinf(values))
    else:
        return _convert_distinct(column, partial(_parse_scaled, dialect, words, factor))
    return cells if factor == 1.0 else ConvertedColumn(cells.numbers * factor, cells.unreadable)


def convert_levels(
    column: pd.Series, dialect: CsvDialect, words: Mapping[str, object], levels: Levels
) -> ConvertedColumn:
    """Convert a column to the codes of its levels: 0 for the first, 1 for the second, and so on."""
    return _convert_distinct(column, partial(_parse_level, dialect, words, levels))


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
    return _convert_distinct(column, partial(_parse_date, dialect))


def describe_cell(value: object) -> str:
    """Describe what kind of cell this is, without repeating it.

    A word for an absent value is repeated, because it says nothing about a person.
    """
    if is_absent(value):
        return "no value"
    if isinstance(value, Real):
        return "a number"
    if not isinstance(value, str):
        kinds = (kind for kind, types in OTHER_TYPES.items() if isinstance(value, types))
        return next(kinds, "a value of another type")
    if not value.strip():
        return "no value"
    if value.strip().lower() in MISSING_WORDS:
        return f'the word "{value.strip()}"'
    return next((kind for kind, form in KINDS if form.fullmatch(value.strip())), "text")


def describe_mixed(column: pd.Series, dialect: CsvDialect) -> str:
    """Describe numbers of which some have a symbol and others none or another; empty if they agree.

    0 is the same with and without a symbol.
    """
    if not dialect.symbols or not pd.api.types.is_string_dtype(column):
        return ""
    rows: dict[str, int] = {}
    for cell, count in column.value_counts().items():
        number = _parse_text(dialect, {}, str(cell))
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
    parsed = [parse(value) for value in distinct]
    values = np.array([np.nan if number is None else number for number in parsed], np.float64)
    unreadable = np.array([number is None for number in parsed], bool)
    return ConvertedColumn(values[indices], unreadable[indices])


def _parse_scaled(
    dialect: CsvDialect, words: Mapping[str, object], factor: float, value: object
) -> float | None:
    """Parse a cell. A word is a value of the field already, so the factor is not for it."""
    number = _parse_number(dialect, words, value)
    is_word = isinstance(value, str) and value.strip() in words
    return number if number is None or is_word else number * factor


def _parse_number(dialect: CsvDialect, words: Mapping[str, object], value: object) -> float | None:
    if is_absent(value):
        return math.nan
    if isinstance(value, str):
        return _parse_text(dialect, words, value)
    if isinstance(value, Real | Decimal | np.bool_):
        number = float(value)
        return None if math.isinf(number) else number
    return None


def _parse_text(dialect: CsvDialect, words: Mapping[str, object], text: str) -> float | None:
    stripped = text.strip()
    if stripped in words:
        word = words[stripped]
        return math.nan if word is None else float(word)  # type: ignore[arg-type]  # declared
    if text in dialect.missing or stripped in dialect.missing:
        return math.nan
    for symbol in dialect.symbols:
        stripped = stripped.replace(symbol, "").strip()
    if dialect.thousands:
        grouped = re.escape(dialect.thousands)
        decimal = re.escape(dialect.decimal)
        if re.fullmatch(
            rf"[+-]?[1-9][0-9]{{0,2}}({grouped}[0-9]{{3}})+({decimal}[0-9]*)?", stripped
        ):
            stripped = stripped.replace(dialect.thousands, "")
    if dialect.decimal != ".":
        stripped = stripped.replace(".", "?").replace(dialect.decimal, ".")
    if not PLAIN_NUMBER.fullmatch(stripped):
        return None
    number = float(stripped)
    return None if math.isinf(number) else number


def _parse_level(
    dialect: CsvDialect,
    words: Mapping[str, object],
    levels: Levels,
    value: object,
) -> float | None:
    if is_absent(value):
        return math.nan
    level: object = value
    if isinstance(value, str):
        stripped = value.strip()
        level = words.get(stripped, stripped)
        if level is None or (level == stripped and {value, stripped} & {*dialect.missing}):
            return math.nan
    is_coded = any(isinstance(code, int) for code in levels.levels)
    if is_coded and type(level) is not int:
        number = _parse_number(dialect, {}, level)
        is_integral = number is not None and float(number).is_integer()
        level = int(number) if is_integral else None  # type: ignore[arg-type]  # a number
    return levels.find_code(level) if isinstance(level, str | int) else None


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
    number = _parse_number(dialect, {}, value)
    if number is not None and not outcome and number in (0, 1):
        return float(number)
    text = str(int(number)) if number is not None and float(number).is_integer() else None
    if text in outcome:
        return _parse_outcome(dialect, outcome, text)
    return None


def _parse_date(dialect: CsvDialect, value: object) -> float | None:
    if is_absent(value) or (isinstance(value, str) and value.strip() in dialect.missing):
        return math.nan
    if isinstance(value, Real) and dialect.date != ISO_FORMAT and float(value).is_integer():
        value = str(int(float(value)))  # a date such as 20241231
    if isinstance(value, str):
        try:
            if dialect.date == ISO_FORMAT:  # perhaps with a time
                value = datetime.fromisoformat(value.strip())
            else:
                value = datetime.strptime(value.strip(), dialect.date).date()  # noqa: DTZ007 -- a date
        except ValueError:
            return None
    if isinstance(value, datetime):
        value = value.date()
    return days_from_date(value) if isinstance(value, date) else None
