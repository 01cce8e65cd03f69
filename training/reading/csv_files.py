"""CSV files in a declared dialect, read as text: every cell of a row, or the row's number."""

import csv
import io
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import compute

from models.data_file import CsvDialect
from models.errors import DataError
from models.reading.csv_text import EMPTY, INDEX, decode, read_header, read_rows

MOST_LINES = 20  # of one cell
TEXT = pd.StringDtype("pyarrow", na_value=np.nan)


@dataclass(frozen=True, slots=True)
class TableRows:
    """Rows of a CSV as text, and the rows with too few or too many cells.

    Rows are numbered from 1, after the header; the numbers are the index of the frame. `misshapen`
    maps those of the other rows to their numbers of cells; the header has `cells`.
    """

    frame: pd.DataFrame
    cells: int = 0
    misshapen: dict[int, int] = field(default_factory=dict)


def read_csv(data: bytes, dialect: CsvDialect, *, allow_empty: bool = False) -> TableRows:
    """Read a CSV. Cells stay text, exactly as written. `allow_empty` accepts a header alone.

    Raises
    ------
    DataError
        If the bytes are not in the declared encoding, the file has no header or, unless that is
        allowed, no rows, a column is there twice, or no row has as many cells as the header.
    """
    stream = io.StringIO(decode(data, dialect), newline="")
    for _ in range(dialect.skip_lines):
        stream.readline()
    names = read_header(stream, dialect)
    body = stream.read()
    if not body.strip():
        if allow_empty:
            return TableRows(pd.DataFrame(columns=names, dtype=TEXT), len(names))
        message = "the file has no rows"
        raise DataError(message)
    _require_closed_quotes(body, dialect)
    misshapen: dict[int, int] = {}
    table = read_rows(body, names, dialect, misshapen)
    if misshapen and not table.num_rows:
        raise DataError(_explain_shape(len(names), misshapen, dialect))
    frame: pd.DataFrame = table.to_pandas(types_mapper={pa.string(): TEXT}.get)
    rows = np.arange(1, len(frame) + len(misshapen) + 1)
    frame.index = pd.Index(np.setdiff1d(rows, list(misshapen)))
    _refuse_long_cells(table, frame.index)
    unnamed = {INDEX, EMPTY} | {name for name in names if not name.strip()}
    cells = frame.drop(columns=[name for name in frame.columns if name in unnamed])
    return TableRows(cells, len(names), misshapen)


def _require_closed_quotes(text: str, dialect: CsvDialect) -> None:
    """Refuse a quote that is never closed: all rows after it would be one cell."""
    if text.count(dialect.quote) % 2 == 0:
        return
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=dialect.delimiter, quotechar=dialect.quote
    )
    row = sum(1 for cells in reader if cells)
    message = (
        f"row {row}: a quote is opened and never closed, so that all rows after it would be one "
        "cell; close it, or declare another --quote"
    )
    raise DataError(message)


def _refuse_long_cells(table: pa.Table, rows: "pd.Index[int]") -> None:
    """Refuse a cell over many lines: between two quotes that are never closed, rows are lost."""
    for name in table.column_names:
        breaks = compute.count_substring(table[name], "\n")
        most = compute.max(breaks).as_py() or 0
        if most >= MOST_LINES:
            row = rows[compute.index(breaks, most).as_py()]
            message = f"row {row}, {name}: the cell goes over {most + 1} lines; close its quote"
            raise DataError(message)


def _explain_shape(expected: int, misshapen: dict[int, int], dialect: CsvDialect) -> str:
    """Explain why no row fits the header, with what could be declared."""
    cells = sorted(set(misshapen.values()))
    counts = " or ".join(map(str, cells))
    message = f"the header has {expected} cells, and no row has as many: they have {counts}"
    if cells == [expected + 1] and dialect.extra_cell == "none":
        return (
            f"{message}. Declare --extra-cell first if the first cell of a row is an index, or "
            "--extra-cell last if each row ends with a delimiter"
        )
    return (
        f"{message}. Declare the delimiter, as in --delimiter ';', or the lines above the header "
        "with --skip-lines"
    )
