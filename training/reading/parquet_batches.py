"""Parquet files as batches of rows: one file, or the files of a folder or prefix.

A local file is read a few row groups at a time. An object of a bucket is downloaded, and only one
is in memory at a time.
"""

import io
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet_files

from models.errors import DataError, ObjectMissingError
from models.reading.columns import refuse_repeated
from models.stores.uri import open_store

SUFFIX = ".parquet"
NAMELESS_INDEX = re.compile(r"__index_level_[0-9]+__")  # the name that pyarrow gives it


@dataclass(frozen=True, slots=True)
class RowBlock:
    """Adjacent row groups of one file, and the number of rows before them in all files."""

    file: str
    row_groups: tuple[int, ...]
    rows_before: int
    rows: int


@dataclass(frozen=True, slots=True)
class ParquetFiles:
    """Parquet files with the same columns, in blocks of about `batch_rows` rows or more.

    Rows are numbered from 1 through all files. `starts` has the number of rows before each file.
    `mixed` are columns that are texts in some files and numbers in others.
    """

    location: str
    columns: tuple[str, ...]
    blocks: tuple[RowBlock, ...]
    starts: tuple[tuple[str, int], ...]
    batch_rows: int
    mixed: frozenset[str] = frozenset()

    @property
    def rows(self) -> int:
        """The number of rows of all files."""
        return sum(block.rows for block in self.blocks)

    def count_batches(self, blocks: Sequence[RowBlock]) -> int:
        """Return how many batches `read` yields."""
        return sum(-(-block.rows // self.batch_rows) for block in blocks)

    def read(self, blocks: Sequence[RowBlock], columns: Sequence[str]) -> Iterator[pd.DataFrame]:
        """Yield some columns of blocks in batches, whose index has the numbers of the rows.

        Raises
        ------
        DataError
            If a file is no longer there, or cannot be read.
        """
        for file, adjacent in groupby(blocks, key=lambda block: block.file):
            with _naming(f"{self.location}: {file}"):
                opened = _open(self.location, file)
                for block in adjacent:
                    yield from self._read_block(opened, block, columns)

    def locate(self, row_number: int) -> str:
        """Return where a row is: its file, and its number in that file."""
        i = bisect_right([start for _, start in self.starts], row_number - 1) - 1
        file, start = self.starts[i]
        return f"{file} row {row_number - start}"

    def _read_block(
        self, opened: parquet_files.ParquetFile, block: RowBlock, columns: Sequence[str]
    ) -> Iterator[pd.DataFrame]:
        folders = columns_from_folders(block.file)
        stored = [name for name in columns if name in opened.schema_arrow.names]
        start = block.rows_before + 1
        for batch in opened.iter_batches(
            self.batch_rows, row_groups=list(block.row_groups), columns=stored
        ):
            frame = frame_from_table(pa.Table.from_batches([batch]))
            missing = {name: folders[name] for name in columns if name not in stored}
            frame = frame.assign(**missing)
            frame.index = pd.RangeIndex(start, start + len(frame))
            start += len(frame)
            yield frame


def open_parquet(location: str, batch_rows: int) -> ParquetFiles:
    """Read the metadata of a .parquet file, or of every one below a folder or prefix.

    Raises
    ------
    DataError
        If there is none, one cannot be read, or they have different columns.
    """
    files = _list_files(location)
    blocks: list[RowBlock] = []
    starts: list[tuple[str, int]] = []
    names: dict[str, tuple[str, ...]] = {}
    schemas: list[pa.Schema] = []
    rows = 0
    for file in files:
        with _naming(f"{location}: {file}"):
            opened = _open(location, file)
            refuse_repeated(opened.schema_arrow.names)
            names[file] = _list_columns(opened.schema_arrow, file)
            schemas.append(opened.schema_arrow)
            starts.append((file, rows))
            for row_groups in _cut_blocks(opened.metadata, batch_rows):
                count = _count(opened.metadata, row_groups)
                blocks.append(RowBlock(file, row_groups, rows, count))
                rows += count
    require_same_columns(location, names.values())
    first = next(iter(names.values()))
    mixed = frozenset(name for name in first if _is_mixed(name, schemas))
    return ParquetFiles(location, first, tuple(blocks), tuple(starts), batch_rows, mixed)


def _is_mixed(name: str, schemas: Iterable[pa.Schema]) -> bool:
    stored = [schema.field(name).type for schema in schemas if name in schema.names]
    numeric = {
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
        for kind in stored
        if not pa.types.is_null(kind)
    }
    return len(numeric) > 1


def _list_files(location: str) -> list[str]:
    """Return the names of the files in their order, below their folder."""
    folder, name = _split(location)
    if name:
        return [name]
    names = open_store(folder if "://" in folder else Path(folder).resolve().as_uri()).names("")
    files = [file for file in names if file.lower().endswith(SUFFIX)]
    if not files:
        message = (
            f"--data {location}: an engine that streams reads Parquet; name a file that ends in "
            f"{SUFFIX}, or a folder with such files, or train with --engine memory"
        )
        raise DataError(message)
    return files


def _split(location: str) -> tuple[str, str]:
    """Split a location into a folder and the name of a file, which is empty for a folder."""
    if not location.lower().endswith(SUFFIX):
        return location, ""
    folder, slash, name = location.rpartition("/")
    return folder + slash, name


def _open(location: str, file: str) -> parquet_files.ParquetFile:
    folder, _ = _split(location)
    if "://" in folder:
        return parquet_files.ParquetFile(io.BytesIO(open_store(folder).download(file)))
    return parquet_files.ParquetFile(Path(folder) / file)


def _list_columns(schema: pa.Schema, file: str) -> tuple[str, ...]:
    """Return the columns that `frame_from_table` gives, and those of folders."""
    stored = [name for name in schema.names if not NAMELESS_INDEX.fullmatch(name)]
    return (*stored, *(name for name in columns_from_folders(file) if name not in stored))


def frame_from_table(table: pa.Table) -> pd.DataFrame:
    """Return a table as pandas has it, but with a named index as a column, and without others."""
    frame: pd.DataFrame = table.to_pandas()
    index_names = [name for name in frame.index.names if name in table.column_names]
    stored = [name for name in table.column_names if not NAMELESS_INDEX.fullmatch(name)]
    return frame.reset_index(level=index_names)[stored] if index_names else frame


def columns_from_folders(file: str) -> dict[str, str]:
    """Return the columns that folders such as `year=2024` stand for."""
    folders = [folder.split("=", 1) for folder in file.split("/")[:-1] if "=" in folder]
    return {column: value for column, value in folders}  # noqa: C416 -- lists of two


def _cut_blocks(metadata: Any, batch_rows: int) -> Iterator[tuple[int, ...]]:  # noqa: ANN401 -- pyarrow has no types
    """Put adjacent row groups together until a block has the rows of a batch."""
    block: list[int] = []
    for i in range(metadata.num_row_groups):
        block.append(i)
        if _count(metadata, block) >= batch_rows:
            yield tuple(block)
            block = []
    if block:
        yield tuple(block)


def _count(metadata: Any, row_groups: Sequence[int]) -> int:  # noqa: ANN401 -- likewise
    return sum(metadata.row_group(i).num_rows for i in row_groups)


def require_same_columns(location: str, files: Iterable[Iterable[str]]) -> None:
    """Refuse files that differ in their columns.

    Raises
    ------
    DataError
        If a column is not in every file. The message names all of these.
    """
    sets = [set(columns) for columns in files]
    differing = sorted(set[str]().union(*sets) - sets[0].intersection(*sets))
    if differing:
        message = f"--data {location}: not every file has the columns {', '.join(differing)}"
        raise DataError(message)


@contextmanager
def _naming(file: str) -> Iterator[None]:
    """Name the file whose reading fails."""
    try:
        yield
    except (pa.ArrowException, ValueError, OSError, ObjectMissingError) as error:
        message = f"--data {file}: not readable as Parquet: {error}"
        raise DataError(message) from error
