"""How the training data of a credit model is written: CSV dialect, outcome words, special columns.

A model declares it as the class variable `data_file`, and `python -m training train` has an option
for each part. Nothing here is guessed. Serving does not read it.
"""

import codecs
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Literal

from models.errors import DeclarationError

OutcomeValue = Literal[0, 1] | None
NUMBER_CHARACTERS = frozenset("0123456789+-.,")
ONE_CHARACTER = ("delimiter", "quote", "decimal", "thousands")


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvDialect:
    """How the cells of a table are written. The default is RFC 4180 in UTF-8.

    - `decimal` may be the delimiter if numbers are quoted.
    - `thousands` separates groups of three digits; empty if there are none.
    - `symbols` are left out of numbers, such as "$" or "%". A per cent stays a number of per cent
      unless its field declares a factor: `FromColumn("rate", factor=0.01)`.
    - `missing` are the cells that stand for an absent value, exactly as written.
    - `date` is the format of dates, as in `datetime.strptime`.
    - `skip_lines` counts the lines above the header, or above the rows if there is no header.
    - `columns` names the columns of a file without a header.
    - `extra_cell` says that every row has one cell more than the header: an index before the
      `first` column, or an empty cell after the `last`, from a trailing delimiter.

    The numbers, dates and missing words also hold for text in Parquet files and query results.
    """

    delimiter: str = ","
    quote: str = '"'
    decimal: str = "."
    thousands: str = ""
    symbols: tuple[str, ...] = ()
    missing: tuple[str, ...] = ("",)
    date: str = "%Y-%m-%d"
    encoding: str = "utf-8"
    skip_lines: int = 0
    columns: tuple[str, ...] = ()
    extra_cell: Literal["none", "first", "last"] = "none"

    def __post_init__(self) -> None:
        """Refuse a dialect that cannot be read, by name."""
        for name in ONE_CHARACTER:
            value = getattr(self, name)
            if len(value) != 1 and not (name == "thousands" and not value):
                _refuse(name, f"must be one character, got {value!r}")
        if self.decimal == self.thousands:
            _refuse("decimal", "must differ from thousands")
        if any(not symbol or set(symbol) & NUMBER_CHARACTERS for symbol in self.symbols):
            _refuse("symbols", "must have no digit, sign, point or comma, which numbers need")
        self._check_file()

    def _check_file(self) -> None:
        if self.skip_lines < 0:
            _refuse("skip_lines", f"must be at least 0, got {self.skip_lines}")
        if len(set(self.columns)) < len(self.columns):
            _refuse("columns", "names a column twice")
        if self.extra_cell not in ("none", "first", "last"):
            _refuse("extra_cell", f"must be none, first or last, got {self.extra_cell!r}")
        try:
            codecs.lookup(self.encoding)
        except LookupError:
            _refuse("encoding", f"Python has no encoding {self.encoding!r}")


DIALECT_OPTIONS = tuple(option.name for option in fields(CsvDialect))


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """What the training data of a model contains beside its fields.

    - `outcome_column` is the column of the label if it has another name there.
    - `outcome` maps words to 1 (default), 0 (none) or None (the row is left out). Without it the
      outcome must be 0 or 1.
    - `id_column` identifies a row, and `group_column` whoever several rows belong to. All rows of
      a group are in the same part of the split.
    - `known_afterwards` are columns that are known only after the outcome. No field may read one.
    - `date_column` is the date of the application. With it the last rows test the model out of
      time.
    - `weight_column` is how many applications a row stands for, as after undersampling. The model
      and its figures are then those of these applications. No field may read it.
    """

    csv: CsvDialect = CsvDialect()
    outcome_column: str | None = None
    outcome: Mapping[str, OutcomeValue] = field(default_factory=dict)
    id_column: str | None = None
    group_column: str | None = None
    date_column: str | None = None
    weight_column: str | None = None
    known_afterwards: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse outcome words that could never give both outcomes."""
        values = set(self.outcome.values())
        if not values <= {0, 1, None}:
            _refuse("outcome", "maps each word to 1 (default), 0 (none) or None (left out)")
        if values and not values >= {0, 1}:
            _refuse("outcome", "needs at least one word for 1 (default) and one for 0 (none)")


def _refuse(name: str, rule: str) -> None:
    message = f"data_file: {name} {rule}"
    raise DeclarationError(message)
