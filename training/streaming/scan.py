"""The first pass over streamed rows: every row is checked, counted, hashed and forgotten."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.annotations import Column
from models.contract import CreditModel
from models.data_file import DataFile
from training.progress import show_steps
from training.reading.columns import ColumnMap
from training.reading.faults import DataFault, merge, refuse_rows
from training.reading.fingerprint import Fingerprint
from training.reading.parquet_batches import ParquetFiles
from training.reading.row_validation import CheckedRows, Reading, validate_rows
from training.reading.special_columns import (
    RowNumbers,
    SpecialColumns,
    find_repeated,
    refuse_mixed_keys,
    text_from_key,
)
from training.split import Hashes, Mask, hash_fields, hash_occurrences, hash_texts

MOST_LISTED = 100_000  # refused rows that are written to a file; more are only counted


@dataclass(frozen=True, slots=True, kw_only=True)
class RowSource:
    """Parquet files, and how their columns become rows of a model."""

    model: type[CreditModel]
    files: ParquetFiles
    reading: Reading

    @property
    def declared(self) -> DataFile:
        """How the files are written."""
        return self.reading.declare(self.model)

    def map_columns(self) -> ColumnMap:
        """Map the columns of the files to fields.

        Raises
        ------
        DataError
            If a column is missing, ambiguous or used for two things.
        """
        return self.reading.map(self.model, self.files.columns)

    def list_columns(self) -> tuple[str, ...]:
        """Return the columns that are read, in the order of the files.

        Errors are those of `map_columns`.
        """
        used = self.map_columns().used()
        return tuple(name for name in self.files.columns if name in used)


@dataclass(frozen=True, kw_only=True)
class ScannedRows:
    """What is remembered of all rows: some 20 bytes of each.

    `accepted` marks accepted rows among all. The other arrays have only those, shape `(n,)`.
    `faults` name their first rows by file. `refused_frame` has refused rows as the files have
    them, up to `MOST_LISTED`, if they are asked for.
    """

    accepted: Mask
    labels: NDArray[np.int8]
    special: SpecialColumns
    faults: tuple[DataFault, ...]
    refused: int
    excluded: int
    ignored: tuple[str, ...]
    absent: tuple[str, ...]
    sha256: str
    refused_frame: pd.DataFrame | None

    @cached_property
    def row_numbers(self) -> RowNumbers:
        """The numbers of the accepted rows, from 1."""
        return np.flatnonzero(self.accepted) + 1

    @property
    def hashes(self) -> Hashes:
        """What decides the part of each row."""
        if self.special.hashes is None:
            message = "a scan has hashed every row"
            raise AssertionError(message)
        return self.special.hashes


def scan_rows(
    source: RowSource, max_refused_share: float, *, lists_refused: bool = False
) -> ScannedRows:
    """Check every row of the files. The scan ends as soon as too many rows are refused.

    Raises
    ------
    DataError
        If a column is missing, no row is left, or too large a share of the rows is refused.
    """
    columns = source.list_columns()
    for name in (source.declared.id_column, source.declared.group_column):
        if name in source.files.mixed:
            refuse_mixed_keys(name)
    source = replace(source, reading=replace(source.reading, repeated=find_repeated_rows(source)))
    scan = _Scan(source, lists_refused=lists_refused)
    files = source.files
    with show_steps("checking rows", files.count_batches(files.blocks)) as advance:
        for frame in files.read(files.blocks, columns):
            scan.add(frame)
            scan.refuse_hopeless(max_refused_share)
            advance()
    return scan.finish(max_refused_share)


def find_repeated_rows(source: RowSource) -> RowNumbers | None:
    """Return the numbers of rows whose identifier an earlier row has, if there are identifiers."""
    declared = source.declared
    name = declared.id_column
    if name is None:
        return None
    hashes: list[Hashes] = []
    present: list[bool] = []
    files = source.files
    with show_steps("comparing identifiers", files.count_batches(files.blocks)) as advance:
        for frame in files.read(files.blocks, [name]):
            texts = [text_from_key(value, declared.csv.missing) for value in frame[name]]
            hashes.append(hash_texts(text or "" for text in texts))
            present += [text is not None for text in texts]
            advance()
    repeated = find_repeated(np.concatenate(hashes), present) + 1
    return repeated.astype(np.int64)


class _Scan:
    """What a scan has seen so far."""

    def __init__(self, source: RowSource, *, lists_refused: bool) -> None:
        self.source = source
        self.lists_refused = lists_refused
        self.accepted = np.zeros(source.files.rows, bool)
        self.labels: list[NDArray[np.int8]] = []
        self.hashes: list[Hashes] = []
        self.dates: list[Column] = []
        self.faults: tuple[DataFault, ...] = ()
        self.fingerprint = Fingerprint()
        self.refused_frames: list[pd.DataFrame] = []
        self.seen = self.refused = self.excluded = self.listed = 0

    def add(self, frame: pd.DataFrame) -> None:
        """Check a batch, and remember of it what is needed."""
        rows = validate_rows(self.source.model, frame, self.source.reading)
        self.accepted[rows.row_numbers - 1] = True
        self.labels.append(rows.labels.astype(np.int8))
        hashes = rows.special.hashes
        self.hashes.append(hash_fields(rows.model, rows.columns) if hashes is None else hashes)
        if rows.special.dates is not None:
            self.dates.append(rows.special.dates)
        self.faults = merge([self.faults, list(self._locate(rows))])
        self.fingerprint.update(rows.columns, rows.labels)
        self.seen += len(frame)
        self.refused += rows.refused
        self.excluded += rows.excluded
        if self.lists_refused and rows.refused and self.listed < MOST_LISTED:
            listed = rows.list_refused(frame)[: MOST_LISTED - self.listed]
            listed["row"] = [self.source.files.locate(number) for number in listed["row"]]
            self.refused_frames.append(listed)
            self.listed += len(listed)

    def refuse_hopeless(self, max_refused_share: float) -> None:
        """End the scan if too many rows are refused, whatever the others are."""
        if self.refused > max_refused_share * len(self.accepted):
            counted = f"{self.refused} of the first {self.seen}"
            refuse_rows(counted, self.faults, max_refused_share)

    def finish(self, max_refused_share: float) -> ScannedRows:
        """Return what a finished scan has seen."""
        rows = int(self.accepted.sum()) + self.refused
        if not self.accepted.any() or self.refused > max_refused_share * rows:
            refuse_rows(f"{self.refused} of {rows}", self.faults, max_refused_share)
        declared, mapped = self.source.declared, self.source.map_columns()
        has_keys = bool(declared.id_column or declared.group_column)
        hashes = np.concatenate(self.hashes)
        return ScannedRows(
            accepted=self.accepted,
            labels=np.concatenate(self.labels),
            special=SpecialColumns(
                hashes=hashes if has_keys else hash_occurrences(hashes),
                dates=np.concatenate(self.dates) if self.dates else None,
                is_grouped=declared.group_column is not None,
            ),
            faults=self.faults,
            refused=self.refused,
            excluded=self.excluded,
            ignored=tuple(sorted(set(self.source.files.columns) - mapped.used())),
            absent=mapped.absent,
            sha256=self.fingerprint.hexdigest(),
            refused_frame=self._join_refused(),
        )

    def _join_refused(self) -> pd.DataFrame | None:
        if not self.lists_refused:
            return None
        frames = self.refused_frames
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=["row"])

    def _locate(self, rows: CheckedRows) -> Iterator[DataFault]:
        for fault in rows.faults:
            first = [self.source.files.locate(int(number)) for number in fault.first_rows]
            yield replace(fault, first_rows=tuple(first))
