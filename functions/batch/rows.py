"""Validation of a batch of rows against the contract that requests have, a column at a time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import ValidationError

from functions.batch.columns import ArrowCells, convert_column, list_read_fields
from models.annotations import Column, days_from_date
from models.contract import Characteristic, CreditModel
from models.data_file import CsvDialect
from models.errors import plain_rule
from models.features import LARGEST, find_unusable, value_from_column
from models.reading.cells import describe_cell
from models.table import find_doubtful

LARGEST_RULE = f"Number should be at most {LARGEST:g}"
DERIVED_RULE = "Number cannot be computed: its inputs are out of proportion"
THE_ROW = "the row"  # what a validator of the whole model refuses


class CellFault(NamedTuple):
    """A rule that a row breaks. `kind` is what the cell has instead, or empty."""

    row_index: int
    field: str
    rule: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class ValidRows:
    """Rows that the contract accepts, by column, and the faults of the others.

    `fields` has every field but identifiers, of the sound rows only: levels by code, NaN where
    absent. `row_indices` are those of the sound rows in the batch. `identifiers` are texts.
    """

    fields: Mapping[str, Column]
    row_indices: NDArray[np.intp]
    identifiers: Mapping[str, list[str | None]]
    faults: list[CellFault]


@dataclass(frozen=True, slots=True)
class RowValidator:
    """How columns of a file become rows of a model: `columns` maps fields to columns."""

    model: type[CreditModel]
    columns: Mapping[str, str]
    dialect: CsvDialect

    def validate(self, batch: pa.RecordBatch) -> ValidRows:
        """Check all rows by column, and those that may break a rule with pydantic."""
        fields = list_read_fields(self.model)
        cells = {c.name: self._convert(c, batch) for c in fields if not c.identifier}
        texts = {c.name: self._read_texts(c, batch) for c in fields if c.identifier}
        numbers = {name: cell.numbers for name, cell in cells.items()}
        unreadable = np.logical_or.reduce([cell.unreadable for cell in cells.values()])
        doubtful = unreadable | find_doubtful(self.model, numbers)
        for column in texts.values():
            doubtful |= pc.is_valid(column).to_numpy(zero_copy_only=False)
        row_indices = np.flatnonzero(doubtful).tolist()
        faults, accepted = self._check_rows(batch, cells, texts, row_indices)
        numbers = self._take_over(accepted, numbers)
        is_sound = np.ones(batch.num_rows, bool)
        is_sound[[fault.row_index for fault in faults]] = False
        faults += self._find_unusable(numbers, is_sound)
        is_sound[[fault.row_index for fault in faults]] = False
        sound = np.flatnonzero(is_sound)
        is_complete = len(sound) == batch.num_rows
        return ValidRows(
            fields={n: column if is_complete else column[sound] for n, column in numbers.items()},
            row_indices=sound,
            identifiers={
                name: column.take(pa.array(sound)).to_pylist() for name, column in texts.items()
            },
            faults=sorted(faults),
        )

    def _convert(self, c: Characteristic, batch: pa.RecordBatch) -> ArrowCells:
        if c.name not in self.columns:
            rows = batch.num_rows
            return ArrowCells(np.full(rows, np.nan), np.zeros(rows, dtype=bool))
        return convert_column(c, batch.column(self.columns[c.name]), self.dialect)

    def _read_texts(self, c: Characteristic, batch: pa.RecordBatch) -> pa.Array:
        """Return identifiers as texts; a number is written as one, and a missing word is none."""
        if c.name not in self.columns:
            return pa.nulls(batch.num_rows, pa.string())
        texts = batch.column(self.columns[c.name]).cast(pa.string())
        missing = pc.is_in(texts, value_set=pa.array(["", *self.dialect.missing]))
        return pc.if_else(missing, pa.scalar(None, pa.string()), texts)

    def _check_rows(
        self,
        batch: pa.RecordBatch,
        cells: Mapping[str, ArrowCells],
        texts: Mapping[str, pa.Array],
        row_indices: list[int],
    ) -> tuple[list[CellFault], dict[int, CreditModel]]:
        """Validate rows with pydantic: return all faults, and the rows without one."""
        faults: list[CellFault] = []
        accepted: dict[int, CreditModel] = {}
        rows = self._plain_rows(batch, cells, texts, row_indices)
        for row_index, values in zip(row_indices, rows, strict=True):
            try:
                accepted[row_index] = self.model.model_validate(values)
            except ValidationError as error:
                faults += self._list_faults(row_index, error, batch, cells)
        return faults, accepted

    def _take_over(
        self, accepted: Mapping[int, CreditModel], numbers: dict[str, Column]
    ) -> dict[str, Column]:
        """Return the numbers as pydantic has them, which may have changed a value."""
        if not accepted:
            return numbers
        row_indices = list(accepted)
        changed = dict(numbers)
        for c in list_read_fields(self.model):
            if not c.identifier:
                column = changed[c.name] = numbers[c.name].copy()
                values = (getattr(application, c.name) for application in accepted.values())
                column[row_indices] = [_number_from_value(c, value) for value in values]
        return changed

    def _plain_rows(
        self,
        batch: pa.RecordBatch,
        cells: Mapping[str, ArrowCells],
        texts: Mapping[str, pa.Array],
        row_indices: list[int],
    ) -> Iterator[dict[str, Any]]:
        """Yield rows as JSON would have them; cells that are unreadable stay as they are."""
        taken = pa.array(row_indices, pa.int64())
        values: dict[str, list[Any]] = {}
        for c in list_read_fields(self.model):
            if c.identifier:
                values[c.name] = texts[c.name].take(taken).to_pylist()
                continue
            cell = cells[c.name]
            plain = [_plain_from_number(c, n) for n in cell.numbers[row_indices].tolist()]
            for k in np.flatnonzero(cell.unreadable[row_indices]).tolist():
                plain[k] = batch.column(self.columns[c.name])[row_indices[k]].as_py()
            values[c.name] = plain
        for row in zip(*values.values(), strict=True):
            yield dict(zip(values, row, strict=True))

    def _list_faults(
        self,
        row_index: int,
        error: ValidationError,
        batch: pa.RecordBatch,
        cells: Mapping[str, ArrowCells],
    ) -> Iterator[CellFault]:
        for detail in error.errors():
            name = str(detail["loc"][0]) if detail["loc"] else THE_ROW
            kind = ""
            if name in cells and cells[name].unreadable[row_index]:
                kind = describe_cell(batch.column(self.columns[name])[row_index].as_py())
            elif name in cells and np.isnan(cells[name].numbers[row_index]):
                kind = "no value"
            yield CellFault(row_index, name, plain_rule(detail["msg"]), kind)

    def _find_unusable(
        self, numbers: Mapping[str, Column], is_sound: NDArray[np.bool_]
    ) -> list[CellFault]:
        """Find numbers that are infinite or too large for the matrix, such as a ratio to 0."""
        masks = find_unusable(self.model, numbers)
        return [
            CellFault(i, name, LARGEST_RULE if name in numbers else DERIVED_RULE)
            for name, mask in masks.items()
            for i in np.flatnonzero(mask & is_sound).tolist()
        ]


def _plain_from_number(c: Characteristic, number: float) -> str | int | float | None:
    is_fraction = c.is_integer and number % 1 > 0  # the contract refuses it, but not as an integer
    return number if is_fraction else value_from_column(c, number)


def _number_from_value(c: Characteristic, value: Any) -> float:  # noqa: ANN401 -- a field's value
    if value is None:
        return float("nan")
    if c.is_date:
        return days_from_date(value)
    return float(c.levels.index(value) if c.levels else value)
