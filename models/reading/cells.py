"""Cells as numbers, level codes and dates, one at a time: what training and batches read alike.

A cell may be a number, a date, a boolean or text in the dialect of its file. One that cannot be
converted is None, never replaced: the contract refuses its row.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from numbers import Real

import numpy as np

from models.annotations import days_from_date
from models.data_file import CsvDialect

ISO_FORMAT = CsvDialect().date
PLAIN_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
# Words that people write for an absent value. They are named in messages, never guessed.
MISSING_WORDS = frozenset(
    (
        *("na", "n/a", "n.a.", "nan", "null", "none", "nil", "missing", "unknown"),
        *("k.a.", "k. a.", "keine angabe", "unbekannt"),
        *("nd", "n/d", "n.d.", "inconnu", "inconnue", "non renseigné"),
        *("s/d", "sin datos", "desconocido", "não informado", "desconhecido", "sconosciuto"),
        *("n.v.t.", "onbekend", "brak danych", "not available", "not applicable"),
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


def is_absent(value: object) -> bool:
    """Return whether a cell has no value: None, or a number that is none."""
    return value is None or (isinstance(value, Real) and value != value)  # noqa: PLR0124 -- NaN


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


def parse_scaled(
    dialect: CsvDialect, words: Mapping[str, object], factor: float, value: object
) -> float | None:
    """Parse a cell. A word is a value of the field already, so the factor is not for it."""
    number = parse_number(dialect, words, value)
    is_word = isinstance(value, str) and value.strip() in words
    return number if number is None or is_word else number * factor


def parse_number(dialect: CsvDialect, words: Mapping[str, object], value: object) -> float | None:
    """Parse a cell as a number. Booleans are 0 and 1."""
    if is_absent(value):
        return math.nan
    if isinstance(value, str):
        return parse_text(dialect, words, value)
    if isinstance(value, Real | Decimal | np.bool_):
        number = float(value)
        return None if math.isinf(number) else number
    return None


def parse_text(dialect: CsvDialect, words: Mapping[str, object], text: str) -> float | None:
    """Parse a number as the dialect writes it. `words` stand for numbers or None."""
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


def parse_level(
    dialect: CsvDialect,
    words: Mapping[str, object],
    levels: Levels,
    value: object,
) -> float | None:
    """Parse a cell as the code of a level."""
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
        number = parse_number(dialect, {}, level)
        is_integral = number is not None and float(number).is_integer()
        level = int(number) if is_integral else None  # type: ignore[arg-type]  # a number
    return levels.find_code(level) if isinstance(level, str | int) else None


def parse_date(dialect: CsvDialect, value: object) -> float | None:
    """Parse a cell as a date: the days since 1970-01-01."""
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
