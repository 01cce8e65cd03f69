"""Rows of a scan, read again in batches: the sample as a table, the others as matrices."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from models.annotations import Columns
from models.features import columns_from_fields, matrix_from_columns
from training.progress import show_steps
from training.reading.parquet_batches import RowBlock
from training.reading.row_validation import CheckedRows, read_fields
from training.split import Mask
from training.streaming.scan import RowSource, ScannedRows

Singles = NDArray[np.float32]
Outcomes = NDArray[np.int8]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SelectedRows:
    """Some rows of the files, which pass the same checks and functions each time they are read.

    `mask` marks the selected rows among those of all blocks, which are adjacent. `labels` has the
    outcomes of the selected rows.
    """

    source: RowSource
    columns: tuple[str, ...]
    blocks: tuple[RowBlock, ...]
    mask: Mask
    labels: Outcomes

    @property
    def batches(self) -> int:
        """How many batches are read at most."""
        return self.source.files.count_batches(self.blocks)

    def share(self, index: int, count: int) -> Self:
        """Return one of `count` shares of about as many rows: adjacent blocks."""
        ends = np.array([block.rows_before + block.rows for block in self.blocks])
        first = self.blocks[0].rows_before
        selected = np.cumsum(self.mask)[ends - first - 1]
        owners = np.minimum((selected - 1).clip(0) * count // len(self.labels), count - 1)
        blocks = tuple(b for b, k in zip(self.blocks, owners, strict=True) if k == index)
        if not blocks:
            return replace(self, blocks=(), mask=self.mask[:0], labels=self.labels[:0])
        start = blocks[0].rows_before - first
        mask = self.mask[start : start + sum(block.rows for block in blocks)]
        before = int(self.mask[:start].sum())
        labels = self.labels[before : before + int(mask.sum())]
        return replace(self, blocks=blocks, mask=mask, labels=labels)

    def read_fields(self) -> Iterator[tuple[Columns, Outcomes]]:
        """Yield the fields of the selected rows by column, and their outcomes, in batches."""
        source = self.source
        start = end = 0
        for frame in source.files.read(self.blocks, self.columns):
            first = int(frame.index[0]) - 1 - self.blocks[0].rows_before
            is_selected = self.mask[first : first + len(frame)]
            start, end = end, end + int(is_selected.sum())
            if start < end:
                columns = read_fields(source.model, frame, source.reading)
                selected = {name: column[is_selected] for name, column in columns.items()}
                yield selected, self.labels[start:end]

    def read_matrices(self) -> Iterator[tuple[Singles, Singles]]:
        """Yield features `(n, p)` and outcomes `(n,)` in batches, in single precision."""
        model = self.source.model
        for columns, labels in self.read_fields():
            matrix = matrix_from_columns(model, columns_from_fields(model, columns))
            yield matrix.astype(np.float32), labels.astype(np.float32)


def select_rows(source: RowSource, scanned: ScannedRows, is_selected: Mask) -> SelectedRows:
    """Select some of the accepted rows of a scan."""
    mask = np.zeros(len(scanned.accepted), bool)
    mask[scanned.row_numbers[is_selected] - 1] = True
    return SelectedRows(
        source=source,
        columns=source.list_columns(),
        blocks=source.files.blocks,
        mask=mask,
        labels=scanned.labels[is_selected],
    )


def read_sample(source: RowSource, scanned: ScannedRows, is_drawn: Mask) -> CheckedRows:
    """Read some rows of a scan into memory. Faults and counts are those of all rows."""
    selected = select_rows(source, scanned, is_drawn)
    batches: list[Columns] = []
    with show_steps("reading the sample", selected.batches) as advance:
        for columns, _ in selected.read_fields():
            batches.append(columns)
            advance()
    return CheckedRows(
        model=source.model,
        columns=_join(batches),
        labels=selected.labels.astype(np.int64),
        row_numbers=scanned.row_numbers[is_drawn],
        special=scanned.special.select(is_drawn),
        faults=scanned.faults,
        refused=scanned.refused,
        excluded=scanned.excluded,
        refused_rows={},
        ignored=scanned.ignored,
        absent=scanned.absent,
    )


def _join(batches: Sequence[Columns]) -> Columns:
    return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}
