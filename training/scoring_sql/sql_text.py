"""Texts of SQL: numbers, names and the few functions that the dialects spell differently.

Everything else is written in what DuckDB, BigQuery and Snowflake share. NULL stands for a missing
number; the text never lets a NaN arise.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from training.pipeline.dialects import Dialect

ATOM = re.compile(r"\w+|-?[0-9.]+e[+-]?[0-9]+(::FLOAT)?")
LN_2 = math.log(2.0)
ROUNDING = 1.5 * 2.0**52  # added to a double below 2**51 it leaves no binary place after the point
SINGLE_PLACES = 23  # of the fraction of a number in single precision
LARGEST_DOUBLE = math.nextafter(math.inf, 0.0)


@dataclass(frozen=True, slots=True)
class SqlText:
    """How one dialect writes names, numbers and dates."""

    dialect: Dialect

    @property
    def double(self) -> str:
        """The type of a number in double precision."""
        return {"bigquery": "FLOAT64", "duckdb": "DOUBLE", "snowflake": "FLOAT"}[self.dialect]

    @property
    def integer(self) -> str:
        """The type of an integer of 64 bits."""
        return "INT64" if self.dialect == "bigquery" else "BIGINT"

    @property
    def null(self) -> str:
        """A missing number."""
        return f"CAST(NULL AS {self.double})"

    def number(self, value: float) -> str:
        """Write a double exactly. Without an exponent it would be read as a decimal."""
        if not math.isfinite(value):
            word = "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
            return self.null if word == "nan" else f"CAST('{word}' AS {self.double})"
        digits = repr(float(value))
        if "e" not in digits:
            digits = digits.removesuffix(".0") + "e0"
        return f"{digits}::FLOAT" if self.dialect == "snowflake" else digits

    def string(self, value: str) -> str:
        """Write a text."""
        if self.dialect == "duckdb":
            return "'" + value.replace("'", "''") + "'"
        escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
        return f"'{escaped}'"

    def name(self, column: str) -> str:
        """Quote the name of a column or the parts of a table's.

        Snowflake folds names that are not quoted to upper case, so a lower-case name is written
        in upper case: it means the column that `CREATE TABLE` made without quotes.
        """
        if self.dialect == "bigquery":
            return f"`{column}`"
        if self.dialect == "snowflake" and column == column.lower():
            column = column.upper()
        return '"' + column.replace('"', '""') + '"'

    def drop_nan(self, text: str) -> str:
        """Write a number with NULL in the place of NaN."""
        test = {
            "bigquery": f"IS_NAN({text})",
            "duckdb": f"isnan({text})",
            "snowflake": f"{text} = CAST('nan' AS FLOAT)",
        }[self.dialect]
        return f"CASE WHEN {test} THEN NULL ELSE {text} END"

    def days(self, column: str) -> str:
        """Write a date as days since 1970-01-01."""
        if self.dialect == "bigquery":
            difference = f"DATE_DIFF({column}, DATE '1970-01-01', DAY)"
        else:
            difference = f"DATEDIFF('day', DATE '1970-01-01', {column})"
        return f"CAST({difference} AS {self.double})"

    def rint(self, atom: str) -> str:
        """Round to the nearest integer, halves to the even one, which no ROUND here does."""
        shift = self.number(ROUNDING)
        limit = self.number(2.0**51)
        return f"CASE WHEN ABS({atom}) < {limit} THEN ({atom} + {shift}) - {shift} ELSE {atom} END"

    def shift_to_single(self, atom: str) -> str:
        """Write the number that rounds `atom` to single precision: see `round_to_single`."""
        exponent = f"FLOOR(LN(NULLIF(ABS({atom}), {self.number(0)})) / {self.number(LN_2)})"
        power = f"POW({self.number(2)}, {exponent} - {self.number(SINGLE_PLACES)})"
        return f"{self.number(ROUNDING)} * {power}"

    def round_to_single(self, atom: str, shift: str) -> str:
        """Round to single precision, halves to even: BigQuery and Snowflake have no such type.

        Adding a number whose last place is that of the single leaves no finer place. 0 has no
        logarithm, so its shift is NULL and it stays as it is.
        """
        if self.dialect == "duckdb":
            return f"CAST(CAST({atom} AS FLOAT) AS DOUBLE)"
        return f"COALESCE(({atom} + {shift}) - {shift}, {atom})"


def is_atom(text: str) -> bool:
    """Whether a text is one name or one number, so that repeating it repeats no work."""
    return ATOM.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class SqlStep:
    """One common table: columns added to those of the step before, or in their place."""

    name: str
    columns: Sequence[tuple[str, str]]  # name and expression
    comment: str
    replaces: bool = False

    def write(self, source: str) -> str:
        """Write the step as a common table over `source`."""
        lines = [] if self.replaces else ["*"]
        lines += [
            name if name == expression else f"{expression} AS {name}"
            for name, expression in self.columns
        ]
        body = ",\n    ".join(lines)
        comment = f"  -- {self.comment}\n" if self.comment else ""
        return f"{self.name} AS (\n{comment}  SELECT\n    {body}\n  FROM {source}\n)"
