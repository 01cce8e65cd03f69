"""CSV files in a declared dialect, read as text: every cell of a row, or the row's number."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as arrow_csv
from pyarrow import compute

from models.data_file import CsvDialect
from models.errors import DataError
from training.reading.columns import refuse_repeated

MOST_LINES = 20  # of one cell
INDEX, EMPTY = "(index)", "(empty)"  # names of the extra cell that a dialect declares
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
    stream = io.StringIO(_decode(data, dialect), newline="")
    for _ in range(dialect.skip_lines):
        stream.readline()
    names = _read_header(stream, dialect)
    body = stream.read()
    if not body.strip():
        if allow_empty:
            return TableRows(pd.DataFrame(columns=names, dtype=TEXT), len(names))
        message = "the file has no rows"
        raise DataError(message)
    _require_closed_quotes(body, dialect)
    misshapen: dict[int, int] = {}
    table = _read_rows(body, names, dialect, _record_in(misshapen))
    if misshapen and not table.num_rows:
        raise DataError(_explain_shape(len(names), misshapen, dialect))
    frame: pd.DataFrame = table.to_pandas(types_mapper={pa.string(): TEXT}.get)
    rows = np.arange(1, len(frame) + len(misshapen) + 1)
    frame.index = pd.Index(np.setdiff1d(rows, list(misshapen)))
    _refuse_long_cells(table, frame.index)
    unnamed = {INDEX, EMPTY} | {name for name in names if not name.strip()}
    cells = frame.drop(columns=[name for name in frame.columns if name in unnamed])
    return TableRows(cells, len(names), misshapen)


def _decode(data: bytes, dialect: CsvDialect) -> str:
    # A byte order mark is no part of the first column's name.
    is_utf8 = dialect.encoding.lower().replace("-", "").replace("_", "") == "utf8"
    try:
        return data.decode("utf-8-sig" if is_utf8 else dialect.encoding)
    except UnicodeError as error:
        message = (
            f"the file is not in the encoding {dialect.encoding}; declare its own, for example "
            "--encoding utf-16 or --encoding cp1252"
        )
        raise DataError(message) from error


def _read_header(stream: io.StringIO, dialect: CsvDialect) -> list[str]:
    """Return the names of all cells of a row, and leave the stream at the first row."""
    names = list(dialect.columns)
    if not names:
        reader = csv.reader(stream, delimiter=dialect.delimiter, quotechar=dialect.quote)
        names = [name.strip() for name in next(reader, [])]
    remedy = "rename one, or name all with --columns NAME,NAME,... --skip-lines 1"
    refuse_repeated([name for name in names if name], remedy=remedy)
    if not any(names):
        message = "the file has no header; declare it with --columns NAME,NAME,..."
        raise DataError(message)
    # Several trailing delimiters leave several columns without a name.
    names = [name or f"{' ' * position}" for position, name in enumerate(names, start=1)]
    before = [INDEX] if dialect.extra_cell == "first" else []
    return [*before, *names, *([EMPTY] if dialect.extra_cell == "last" else [])]


def _read_rows(
    text: str,
    names: list[str],
    dialect: CsvDialect,
    record: Callable[[arrow_csv.InvalidRow], Literal["skip"]],
) -> pa.Table:
    return arrow_csv.read_csv(
        io.BytesIO(text.encode()),
        # With one thread an invalid row knows its number.
        read_options=arrow_csv.ReadOptions(column_names=names, use_threads=False),
        parse_options=arrow_csv.ParseOptions(
            delimiter=dialect.delimiter,
            quote_char=dialect.quote,
            newlines_in_values=True,
            invalid_row_handler=record,
        ),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
        ),
    )


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


def _record_in(misshapen: dict[int, int]) -> Callable[[arrow_csv.InvalidRow], Literal["skip"]]:
    def record(row: arrow_csv.InvalidRow) -> Literal["skip"]:
        misshapen[row.number] = row.actual_columns
        return "skip"

    return record


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
