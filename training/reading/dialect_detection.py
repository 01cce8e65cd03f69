"""Detection of how a CSV is written, as a suggestion to declare. Training itself never guesses."""

import csv
import io
import tempfile
from dataclasses import replace
from pathlib import Path

import duckdb

from models.data_file import CsvDialect
from models.errors import DataError

SAMPLE_BYTES = 2_000_000
BYTE_ORDER_MARKS = (
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"\xef\xbb\xbf", "utf-8"),
)
NO_CSV = "the file does not look like a CSV; declare --delimiter, --quote and --skip-lines"
WHAT = "select Delimiter, Quote, SkipRows, HasHeader, len(Columns)"
SNIFFS = (f"{WHAT} from sniff_csv(?)", f"{WHAT} from sniff_csv(?, ignore_errors = true)")
UNSET = "(empty)"  # what DuckDB reports for a character that does not occur


def detect_dialect(data: bytes, encoding: str | None = None) -> CsvDialect:
    """Detect delimiter, quote, lines above the header, header, an extra cell, and the encoding.

    A declared encoding is not detected.

    Raises
    ------
    DataError
        If the bytes do not look like a CSV in any dialect.
    """
    encoding = encoding or detect_encoding(data)
    text = data[: SAMPLE_BYTES * (2 if "16" in encoding else 1)].decode(encoding, "ignore")
    lines = text.removeprefix("\ufeff").splitlines(keepends=True)
    sample = "".join(lines[:-1] if len(data) > SAMPLE_BYTES else lines)
    if not sample.strip() or "\0" in sample:
        raise DataError(NO_CSV)
    delimiter, quote, skip, has_header = _sniff(sample)
    dialect = CsvDialect(
        delimiter=delimiter,
        quote='"' if quote == UNSET else quote,
        decimal="." if delimiter != "." else ",",
        encoding=encoding,
        skip_lines=skip,
    )
    widths = _measure_widths(sample, dialect)
    if has_header:
        header, *rows = widths[skip:]
    elif skip and widths[skip:] and set(widths[skip:]) == {widths[skip - 1] + 1}:
        # Rows one cell wider than the line above them: that is the header, and they have an index.
        return replace(dialect, skip_lines=skip - 1, extra_cell="first")
    else:
        count = max(widths[skip:], default=1)
        return replace(dialect, columns=tuple(f"column_{i}" for i in range(1, count + 1)))
    is_wider = bool(rows) and set(rows) == {header + 1}
    return replace(dialect, extra_cell="last") if is_wider else dialect


def detect_encoding(data: bytes) -> str:
    """Return what a byte order mark names, else UTF-8, else cp1252, which Windows writes."""
    for mark, encoding in BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return encoding
    try:
        data.decode()
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _sniff(sample: str) -> tuple[str, str, int, bool]:
    """Return delimiter, quote, lines above the header, and whether there is a header."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sample.csv"
        path.write_text(sample, encoding="utf-8", newline="")
        attempts = [_sniff_file(path, query) for query in SNIFFS]
    # Some rows with other numbers of cells make the first, stricter one see a single column.
    row = max(attempts, key=lambda sniffed: sniffed[-1] if sniffed else 0)
    if row is None or row[0] == UNSET:
        raise DataError(NO_CSV)
    delimiter, quote, skip, has_header, _ = row
    return str(delimiter).replace("\\t", "\t"), str(quote), int(skip), bool(has_header)


def _sniff_file(path: Path, query: str) -> tuple[str, str, int, bool, int] | None:
    """Return what DuckDB detects, with the number of columns, or None if it detects nothing."""
    try:
        return duckdb.execute(query, [str(path)]).fetchone()
    except duckdb.Error:
        return None


def _measure_widths(sample: str, dialect: CsvDialect) -> list[int]:
    """Return the number of cells of each row."""
    rows = csv.reader(
        io.StringIO(sample, newline=""), delimiter=dialect.delimiter, quotechar=dialect.quote
    )
    return [len(row) for row in rows if row]
