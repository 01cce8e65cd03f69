"""The file of a batch: one generation of an object, cut into parts that are read apart.

A Parquet file is cut at its row groups, and within them where they are large; a CSV file at byte
ranges. A CSV that is compressed, or in an encoding without ASCII, is first written to a temporary
file of this machine as UTF-8.
"""

import gzip
import io
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast
from urllib.parse import unquote, urlsplit

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from functions.batch.csv_ranges import ByteRange, cut_ranges, list_lines
from models.data_file import CsvDialect
from models.errors import DataError, ObjectMissingError
from models.reading.columns import refuse_repeated
from models.reading.csv_text import EMPTY, INDEX, decode, read_header, read_rows
from models.stores.object_file import ObjectFile, ObjectState
from models.stores.uri import open_store

TEXT_SUFFIXES = (".csv", ".tsv", ".txt", ".dat")
PART_ROWS = 1 << 17
PART_BYTES = 16 << 20  # of a CSV
SMALLEST_BYTES = 1 << 20
FEWEST_PARTS = 32  # so that many tasks can share them
CHUNK_ROWS = 1 << 13  # that are scored at once: their matrix fits into a cache
HEADER_BYTES = 1 << 20
BUFFER_BYTES = 1 << 20
ASCII_TEXT = "!#+,-./0123456789;\n"  # an encoding that writes it as ASCII is cut as bytes


@dataclass(frozen=True, slots=True)
class FilePart:
    """Rows that are read and written together.

    Of a Parquet file `start` and `stop` are rows, of a CSV bytes. `rows_before` counts the rows of
    the file before them, and `lines_before` the lines.
    """

    number: int
    start: int
    stop: int
    rows_before: int
    rows: int
    lines_before: int = 0


class Chunk(NamedTuple):
    """Some rows of a part: the number of the first, from 1, and their cells."""

    first_row: int
    batch: pa.RecordBatch


class ShapeFault(NamedTuple):
    """A row with too few or too many cells, or with bytes that are not in the encoding."""

    row: int
    rule: str


class PartRows(NamedTuple):
    """What a part has: chunks of rows, the rows of another shape, and how to find a line."""

    chunks: Iterator[Chunk]
    misshapen: list[ShapeFault]
    lines: NDArray[np.int64] | None = None


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a store: the URI of the store, and a name below it."""

    store: str
    name: str

    @property
    def uri(self) -> str:
        """The place as one URI."""
        return f"{self.store.rstrip('/')}/{self.name}"

    @classmethod
    def from_text(cls, text: str) -> "Location":
        """Read a URI, or a path of this machine."""
        if "://" not in text:
            text = Path(text).resolve().as_uri()
        folder, _, name = text.rstrip("/").rpartition("/")
        return cls(folder, unquote(name) if urlsplit(text).scheme == "file" else name)


@dataclass(frozen=True)
class InputFile:
    """One generation of an object that is to be scored; whoever is done with it closes it."""

    location: Location
    state: ObjectState
    dialect: CsvDialect = field(default=CsvDialect())
    _cursor: list["_Cursor"] = field(default_factory=list, repr=False, compare=False)
    _files: list[BinaryIO] = field(default_factory=list, repr=False, compare=False)

    @classmethod
    def find(cls, location: Location, dialect: CsvDialect) -> "InputFile":
        """Look at an object.

        Raises
        ------
        DataError
            If there is none, or its name has no suffix of a file that can be read.
        """
        if _suffix(location.name) not in (*TEXT_SUFFIXES, ".parquet"):
            listed = ", ".join((*TEXT_SUFFIXES, ".parquet"))
            message = f"--input {location.uri}: the name must end in {listed}, perhaps with .gz"
            raise DataError(message)
        try:
            return cls(location, open_store(location.store).stat(location.name), dialect)
        except ObjectMissingError as error:
            message = f"--input {location.uri}: {error}"
            raise DataError(message) from error

    def close(self) -> None:
        """Close what was opened to read it."""
        self._cursor.clear()
        while self._files:
            self._files.pop().close()

    @property
    def is_parquet(self) -> bool:
        """Whether it is read as Parquet."""
        return _suffix(self.location.name) == ".parquet"

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns that have one."""
        if self.is_parquet:
            names = list(self._parquet.schema_arrow.names)
            refuse_repeated(names)
            return tuple(names)
        return tuple(n for n in self._header.names if n.strip() and n not in {INDEX, EMPTY})

    def cut(self) -> list[FilePart]:
        """Cut the file into parts: at least `FEWEST_PARTS`, unless they would be very small.

        Raises
        ------
        DataError
            If it has no rows, or cannot be read as its suffix and dialect say.
        """
        with self._naming():
            if self.is_parquet:
                rows = self._parquet.metadata.num_rows // FEWEST_PARTS
                parts = self._cut_parquet(min(max(rows, CHUNK_ROWS), PART_ROWS))
            else:
                size = self.state.size // FEWEST_PARTS
                parts = self._cut_csv(min(max(size, SMALLEST_BYTES), PART_BYTES))
        if not parts:
            message = f"--input {self.location.uri}: the file has no rows"
            raise DataError(message)
        return parts

    def read(self, part: FilePart, columns: Sequence[str]) -> PartRows:
        """Read some columns of a part."""
        if self.is_parquet:
            return PartRows(self._read_parquet(part, columns), [])
        with self._naming():
            return self._read_csv(part, columns)

    def _cut_parquet(self, part_rows: int) -> list[FilePart]:
        metadata = self._parquet.metadata
        parts: list[FilePart] = []
        start = rows = 0
        for i in range(metadata.num_row_groups):
            size = metadata.row_group(i).num_rows
            if rows and rows + size > part_rows:
                parts.append(FilePart(len(parts), start, start + rows, start, rows))
                start, rows = start + rows, 0
            rows += size
            while rows > part_rows:
                parts.append(FilePart(len(parts), start, start + part_rows, start, part_rows))
                start, rows = start + part_rows, rows - part_rows
        if rows:
            parts.append(FilePart(len(parts), start, start + rows, start, rows))
        return parts

    def _read_parquet(self, part: FilePart, columns: Sequence[str]) -> Iterator[Chunk]:
        metadata, before = self._parquet.metadata, 0
        for i in range(metadata.num_row_groups):
            stop = before + metadata.row_group(i).num_rows
            if stop > part.start and before < part.stop:
                yield from self._read_row_group(i, before, part, columns)
            before = stop

    def _read_row_group(
        self, row_group: int, before: int, part: FilePart, columns: Sequence[str]
    ) -> Iterator[Chunk]:
        """Read the rows of a row group that belong to a part.

        Neighbouring parts of a large row group decode it once: the next goes on where one ended.
        """
        with self._naming():
            cursor = self._cursor[0] if self._cursor else None
            if not (cursor and cursor.fits(row_group, part, columns)):
                batches = self._parquet.iter_batches(
                    CHUNK_ROWS, row_groups=[row_group], columns=list(columns), use_threads=False
                )
                first = next(batches, None)
                cursor = _Cursor(row_group, tuple(columns), before, first, batches)
            while cursor.batch is not None and cursor.before < part.stop:
                self._cursor[:] = [cursor]
                stop = cursor.before + cursor.batch.num_rows
                start, end = max(part.start, cursor.before), min(part.stop, stop)
                if end > start:
                    yield Chunk(start + 1, cursor.batch.slice(start - cursor.before, end - start))
                if stop >= part.stop:  # the next part goes on from this batch
                    return
                cursor = cursor.advance()

    def _cut_csv(self, part_bytes: int) -> list[FilePart]:
        header = self._header
        ranges: Iterator[ByteRange] = cut_ranges(
            self._text, header.size, header.lines, self.dialect.quote, part_bytes
        )
        return [
            FilePart(i, r.start, r.stop, r.rows_before, r.rows, r.lines_before)
            for i, r in enumerate(r for r in ranges if r.rows)
        ]

    def _read_csv(self, part: FilePart, columns: Sequence[str]) -> PartRows:
        self._text.seek(part.start)
        data = self._text.read(part.stop - part.start)
        misshapen: dict[int, int] = {}
        names = list(self._header.names)
        text, undecodable = self._decode_rows(data)
        table = read_rows(text, names, self._dialect, misshapen)
        rules = {
            row: f"{n} cells, where the header has {len(names)}" for row, n in misshapen.items()
        }
        rules |= dict.fromkeys(
            undecodable, f"not in the encoding {self.dialect.encoding}; declare its own: --encoding"
        )
        faults = [ShapeFault(part.rows_before + row, rules[row]) for row in sorted(rules)]
        lines = part.lines_before + 1 + list_lines(data, self.dialect.quote)
        if len(lines) != table.num_rows + len(misshapen):
            message = f"{self.location.uri}: rows and lines do not agree; declare the --quote"
            raise DataError(message)
        if undecodable:
            read = [n for n in range(1, part.rows + 1) if n not in misshapen]
            table = table.filter(pa.array([n not in undecodable for n in read], pa.bool_()))
        numbers = [n for n in range(1, part.rows + 1) if n not in rules] if rules else None
        return PartRows(_cut_table(table, columns, part, numbers), faults, lines)

    def _decode_rows(self, data: bytes) -> tuple[str, set[int]]:
        """Decode the rows of a part; return the numbers of those that are not in the encoding."""
        try:
            return decode(data, self._dialect), set()
        except DataError:
            starts = list_lines(data, self.dialect.quote).tolist()
        lines, undecodable = data.split(b"\n"), set()
        for row, (start, stop) in enumerate(pairwise([*starts, len(lines)]), start=1):
            try:
                b"\n".join(lines[start:stop]).decode(self._dialect.encoding)
            except UnicodeError:
                undecodable.add(row)
        return decode(data, self._dialect, "replace"), undecodable

    @cached_property
    def _parquet(self) -> pq.ParquetFile:
        with self._naming():
            return pq.ParquetFile(self._open(), pre_buffer=True)

    @cached_property
    def _header(self) -> "_Header":
        with self._naming():
            return _find_header(self._text, self._dialect)

    @cached_property
    def _dialect(self) -> CsvDialect:
        return self.dialect if self._is_cut_as_bytes else replace(self.dialect, encoding="utf-8")

    @cached_property
    def _is_cut_as_bytes(self) -> bool:
        return ASCII_TEXT.encode(self.dialect.encoding) == ASCII_TEXT.encode()

    @cached_property
    def _text(self) -> BinaryIO:
        """The bytes that ranges count: the object's, or those of a temporary file."""
        file = self._open()
        is_packed = self.location.name.lower().endswith(".gz")
        if is_packed:
            file = cast("BinaryIO", gzip.open(file))  # noqa: SIM115 -- `close` closes it
            self._files.append(file)
        if self._is_cut_as_bytes and not is_packed:
            return file
        temporary = tempfile.TemporaryFile()  # noqa: SIM115 -- likewise
        self._files.append(cast("BinaryIO", temporary))
        with self._naming():
            if self._is_cut_as_bytes:
                shutil.copyfileobj(file, temporary, BUFFER_BYTES)
            else:
                reader = io.TextIOWrapper(file, self.dialect.encoding, newline="")
                writer = io.TextIOWrapper(temporary, "utf-8", newline="", write_through=True)
                shutil.copyfileobj(reader, writer, BUFFER_BYTES)
                writer.detach()
                reader.detach()
        return cast("BinaryIO", temporary)

    def _open(self) -> BinaryIO:
        parts = urlsplit(self.location.store)
        if parts.scheme == "file":
            file: BinaryIO = (Path(unquote(parts.path)) / self.location.name).open("rb")
        else:
            store = open_store(self.location.store)
            raw = ObjectFile(store, self.location.name, self.state)
            file = cast("BinaryIO", io.BufferedReader(raw, BUFFER_BYTES))
        self._files.append(file)
        return file

    def _naming(self) -> "_Naming":
        return _Naming(self.location.uri)


class _Cursor(NamedTuple):
    """Where reading a row group is: the rows of the file before a batch, and what follows it."""

    row_group: int
    columns: tuple[str, ...]
    before: int
    batch: pa.RecordBatch | None
    batches: Iterator[pa.RecordBatch]

    def fits(self, row_group: int, part: FilePart, columns: Sequence[str]) -> bool:
        """Whether a part can be read from here on."""
        is_same = (self.row_group, self.columns) == (row_group, tuple(columns))
        return is_same and self.before <= part.start

    def advance(self) -> "_Cursor":
        """Go on to the next batch."""
        rows = self.batch.num_rows if self.batch is not None else 0
        return self._replace(before=self.before + rows, batch=next(self.batches, None))


class _Header(NamedTuple):
    """The names of all cells of a row, and how many bytes and lines are before the first row."""

    names: tuple[str, ...]
    size: int
    lines: int


class _Naming:
    """Names the file whose reading fails."""

    def __init__(self, uri: str) -> None:
        self._uri = uri

    def __enter__(self) -> None:
        """Begin to read."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Raise another error with the name of the file."""
        if isinstance(error, DataError) and not str(error).startswith("--input"):
            message = f"--input {self._uri}: {error}"
            raise DataError(message) from error
        if isinstance(
            error, (pa.ArrowException, ValueError, OSError, EOFError, ObjectMissingError)
        ):
            message = f"--input {self._uri}: not readable: {error}"
            raise DataError(message) from error


def _suffix(name: str) -> str:
    return Path(name.lower().removesuffix(".gz")).suffix


def _find_header(file: BinaryIO, dialect: CsvDialect) -> _Header:
    file.seek(0)
    data = file.read(HEADER_BYTES)
    skipped = _find_line_end(data, dialect.skip_lines)
    size = skipped
    if not dialect.columns:
        quote = dialect.quote.encode()
        size = data.find(b"\n", skipped) + 1 or len(data)
        while data[skipped:size].count(quote) % 2 and size < len(data):
            size = data.find(b"\n", size) + 1 or len(data)
    text = decode(data[skipped:size] if skipped else data[:size], dialect)
    names = read_header(io.StringIO(text, newline=""), dialect)
    return _Header(tuple(names), size, data[:size].count(b"\n"))


def _find_line_end(data: bytes, lines: int) -> int:
    end = 0
    for _ in range(lines):
        end = data.find(b"\n", end) + 1 or len(data)
    return end


def _cut_table(
    table: pa.Table, columns: Sequence[str], part: FilePart, numbers: Sequence[int] | None
) -> Iterator[Chunk]:
    """Yield chunks of a table; a chunk holds rows whose numbers follow one another."""
    selected = table.select(list(columns)).combine_chunks()
    starts = [0]
    if numbers is not None:
        starts += [i for i in range(1, len(numbers)) if numbers[i] != numbers[i - 1] + 1]
    for start, stop in zip(starts, [*starts[1:], selected.num_rows], strict=True):
        for first in range(start, stop, CHUNK_ROWS):
            rows = selected.slice(first, min(CHUNK_ROWS, stop - first)).combine_chunks()
            row = part.rows_before + (numbers[first] if numbers is not None else first + 1)
            yield from (Chunk(row, batch) for batch in rows.to_batches() if batch.num_rows)
