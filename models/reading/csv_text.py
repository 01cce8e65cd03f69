"""The text of a CSV file in a declared dialect: its encoding, its header, its cells as they are.

Cells stay text, exactly as written. Rows with too few or too many cells are told apart by number.
"""

import csv
import io
from collections.abc import Callable
from typing import Literal

import pyarrow as pa
import pyarrow.csv as arrow_csv

from models.data_file import CsvDialect
from models.errors import DataError
from models.reading.columns import refuse_repeated

INDEX, EMPTY = "(index)", "(empty)"  # names of the extra cell that a dialect declares


def decode(data: bytes, dialect: CsvDialect, errors: str = "strict") -> str:
    """Decode the bytes of a file, without its byte order mark; `errors` as `bytes.decode` has it.

    Raises
    ------
    DataError
        If they are not in the declared encoding.
    """
    # A byte order mark is no part of the first column's name.
    is_utf8 = dialect.encoding.lower().replace("-", "").replace("_", "") == "utf8"
    try:
        return data.decode("utf-8-sig" if is_utf8 else dialect.encoding, errors)
    except UnicodeError as error:
        message = (
            f"the file is not in the encoding {dialect.encoding}; declare its own, for example "
            "--encoding utf-16 or --encoding cp1252"
        )
        raise DataError(message) from error


def read_header(stream: io.StringIO, dialect: CsvDialect) -> list[str]:
    """Return the names of all cells of a row, and leave the stream at the first row.

    Raises
    ------
    DataError
        If there is no header, or it has a column twice.
    """
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


def read_rows(
    text: str, names: list[str], dialect: CsvDialect, misshapen: dict[int, int]
) -> pa.Table:
    """Read rows as text. Rows of another shape are put into `misshapen`: number to cells."""
    return arrow_csv.read_csv(
        io.BytesIO(text.encode()),
        # With one thread an invalid row knows its number.
        read_options=arrow_csv.ReadOptions(column_names=names, use_threads=False),
        parse_options=arrow_csv.ParseOptions(
            delimiter=dialect.delimiter,
            quote_char=dialect.quote,
            newlines_in_values=True,
            invalid_row_handler=_record_in(misshapen),
        ),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
        ),
    )


def _record_in(misshapen: dict[int, int]) -> Callable[[arrow_csv.InvalidRow], Literal["skip"]]:
    def record(row: arrow_csv.InvalidRow) -> Literal["skip"]:
        misshapen[row.number] = row.actual_columns
        return "skip"

    return record
