"""Rows as a CSV file that a spreadsheet opens as it is meant."""

import csv
import io
from collections.abc import Mapping, Sequence

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def csv_from_rows(rows: Sequence[Mapping[str, object]]) -> bytes:
    """Write rows of the same columns; text that a spreadsheet would run is marked as text."""
    file = io.StringIO(newline="")
    columns = list(rows[0]) if rows else []
    writer = csv.writer(file)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row[column]) for column in columns])
    return file.getvalue().encode("utf-8-sig")


def _cell(value: object) -> object:
    if not isinstance(value, str) or not value.startswith(FORMULA_STARTS):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value
