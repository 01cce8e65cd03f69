"""Where the records of a CSV file begin: byte ranges that can be read apart, and their lines.

A newline ends a record if the number of quotes before it is even. A quote inside a quoted cell is
doubled, so that it leaves the count as it was.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from models.errors import DataError

SCAN_BYTES = 4 << 20
NEWLINE, RETURN = 10, 13


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Complete records of a file.

    `rows_before` and `lines_before` count the rows after the header and the lines of the file that
    come before them.
    """

    start: int
    stop: int
    rows_before: int
    lines_before: int
    rows: int


def cut_ranges(
    file: BinaryIO, start: int, lines_before: int, quote: str, range_bytes: int
) -> Iterator[ByteRange]:
    """Cut everything from `start` on into ranges of about `range_bytes`.

    Raises
    ------
    DataError
        If a quote is opened and never closed.
    """
    scan = _QuoteScan(quote.encode())
    file.seek(start)
    begin, position, rows_before, lines_then = start, start, 0, lines_before
    while chunk := file.read(SCAN_BYTES):
        ends = scan.feed(chunk)
        if position + len(chunk) - begin >= range_bytes and len(ends):
            stop = position + int(ends[-1]) + 1
            rows, lines = scan.rows, scan.lines_at_end
            yield ByteRange(begin, stop, rows_before, lines_then, rows - rows_before)
            begin, rows_before, lines_then = stop, rows, lines_before + lines
        position += len(chunk)
    if scan.is_open:
        message = (
            f"row {scan.rows + 1}: a quote is opened and never closed, so that all rows after it "
            "would be one cell; close it, or declare another --quote"
        )
        raise DataError(message)
    if position > begin:
        rows = scan.rows + scan.has_rest
        yield ByteRange(begin, position, rows_before, lines_then, rows - rows_before)


class _QuoteScan:
    """Counts rows and lines of a stream of bytes. Empty lines are lines and no rows.

    `lines_at_end` counts the lines up to the last end of a record; `has_rest` tells whether
    something follows it.
    """

    def __init__(self, quote: bytes) -> None:
        self._quote = quote[0]
        self._last = bytes([NEWLINE, NEWLINE])
        self._lines = 0
        self.rows = 0
        self.lines_at_end = 0
        self.is_open = False
        self.has_rest = False

    def feed(self, chunk: bytes) -> NDArray[np.intp]:
        """Return where records end in the next bytes."""
        data = np.frombuffer(chunk, np.uint8)
        newlines = np.flatnonzero(data == NEWLINE)
        ends = newlines
        quotes = np.flatnonzero(data == self._quote)
        if len(quotes) or self.is_open:
            before = np.searchsorted(quotes, newlines) + self.is_open
            ends = newlines[before % 2 == 0]
        self.is_open = bool((len(quotes) + self.is_open) % 2)
        self.rows += len(ends) - self._count_empty(chunk, data, ends)
        if len(ends):
            self.lines_at_end = self._lines + int(np.searchsorted(newlines, ends[-1])) + 1
            self.has_rest = int(ends[-1]) + 1 < len(chunk)
        else:
            self.has_rest = True
        self._lines += len(newlines)
        self._last = (self._last + chunk)[-2:]
        return ends

    def _count_empty(self, chunk: bytes, data: NDArray[np.uint8], ends: NDArray[np.intp]) -> int:
        """Count ends of records that end nothing: an empty line."""
        padded = np.concatenate([np.frombuffer(self._last, np.uint8), data])
        before = padded[ends + 1]
        is_empty = before == NEWLINE
        is_empty |= (before == RETURN) & (padded[ends] == NEWLINE)
        del chunk
        return int(is_empty.sum())


def list_lines(data: bytes, quote: str) -> NDArray[np.int64]:
    """Return the line, from 0, on which each row of some complete records begins."""
    if not data.endswith(b"\n"):
        data += b"\n"
    scan = np.frombuffer(data, np.uint8)
    newlines = np.flatnonzero(scan == NEWLINE)
    quotes = np.flatnonzero(scan == quote.encode()[0])
    is_end = np.searchsorted(quotes, newlines) % 2 == 0
    ends = newlines[is_end]
    starts = np.concatenate([[0], ends[:-1] + 1])
    first_lines = np.searchsorted(newlines, starts)
    lengths = ends - starts
    is_empty = (lengths == 0) | ((lengths == 1) & (scan[starts] == RETURN))
    lines: NDArray[np.int64] = first_lines[~is_empty].astype(np.int64)
    return lines
