"""Columns beside the fields: the identifier of a row, its group, its date and its weight."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from typing import NoReturn, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.annotations import Column
from models.data_file import DataFile
from models.errors import DataError
from models.weighting import Weights, select_weights
from training.reading.cells import (
    ConvertedColumn,
    convert_dates,
    convert_numbers,
    describe_cell,
    is_absent,
)
from training.reading.faults import RowFault
from training.split import Hashes, hash_texts

LARGEST_WEIGHT = 1e6
SMALLEST_WEIGHT = 1e-6
REPEATED_RULE = "Row should be there once"

RowNumbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecialColumns:
    """The special columns that a model declares, shape `(n,)` each, or None.

    `hashes` are equal for the rows of one group, or of one identifier if no group is declared.
    `dates` are days since 1970-01-01. `weights` are how many applications a row stands for.
    """

    hashes: Hashes | None = None
    dates: Column | None = None
    weights: Weights | None = None
    weight_column: str | None = None
    is_grouped: bool = False
    faults: tuple[RowFault, ...] = ()

    def select(self, rows: NDArray[np.bool_]) -> Self:
        """Return the same columns of some rows."""
        return replace(
            self,
            hashes=None if self.hashes is None else self.hashes[rows],
            dates=None if self.dates is None else self.dates[rows],
            weights=select_weights(self.weights, rows),
            faults=(),
        )


def read_special(
    frame: pd.DataFrame, declared: DataFile, repeated: RowNumbers | None = None
) -> SpecialColumns:
    """Read the special columns; rows without a value, and repeated identifiers, are faults.

    `repeated` has the numbers of the rows whose identifier was there before, if the frame is one
    of several batches and cannot show it.
    """
    hashes, faults = _read_keys(frame, declared, repeated)
    dates, date_faults = _read_dates(frame, declared)
    weights, weight_faults = _read_weights(frame, declared)
    return SpecialColumns(
        hashes=hashes,
        dates=dates,
        weights=weights,
        weight_column=declared.weight_column,
        is_grouped=declared.group_column is not None,
        faults=(*faults, *date_faults, *weight_faults),
    )


def _read_keys(
    frame: pd.DataFrame, declared: DataFile, repeated: RowNumbers | None
) -> tuple[Hashes | None, list[RowFault]]:
    """Read identifier and group; the hashes are those of the group if there is one."""
    faults: list[RowFault] = []
    hashes: Hashes | None = None
    for name in (declared.id_column, declared.group_column):
        if name is None:
            continue
        _refuse_mixed(name, frame[name])
        texts = [text_from_key(value, declared.csv.missing) for value in frame[name]]
        faults += [
            RowFault(i, name, "Identifier should be present")
            for i, text in enumerate(texts)
            if text is None
        ]
        hashes = hash_texts(text or "" for text in texts)
        if name == declared.id_column:
            indices = (
                find_repeated(hashes, [text is not None for text in texts])
                if repeated is None
                else np.flatnonzero(np.isin(frame.index.to_numpy(), repeated))
            )
            faults += [RowFault(i, name, REPEATED_RULE) for i in indices.tolist()]
    return hashes, faults


def _refuse_mixed(name: str, column: pd.Series) -> None:
    """Refuse keys of which some are texts and others numbers, as two files may have them."""
    if column.dtype != object:
        return
    types = {type(value) for value in column if not is_absent(value)}
    if str in types and any(issubclass(kind, Real) for kind in types):
        refuse_mixed_keys(name)


def refuse_mixed_keys(name: str) -> NoReturn:
    """Refuse a column of keys that has texts and numbers.

    Raises
    ------
    DataError
        Always.
    """
    message = (
        f"{name}: some keys are texts and others are numbers, so that 0012 and 12 would be two; "
        "write the column as one type in all files"
    )
    raise DataError(message)


def _read_dates(frame: pd.DataFrame, declared: DataFile) -> tuple[Column | None, list[RowFault]]:
    if declared.date_column is None:
        return None, []
    column = frame[declared.date_column]
    cells = convert_dates(column, declared.csv)
    is_faulty = cells.unreadable | np.isnan(cells.numbers)
    rule = f"Date should be written as {declared.csv.date}"
    return cells.numbers, _list_faults((declared.date_column, rule), column, cells, is_faulty)


def _read_weights(frame: pd.DataFrame, declared: DataFile) -> tuple[Weights | None, list[RowFault]]:
    if declared.weight_column is None:
        return None, []
    column = frame[declared.weight_column]
    cells = convert_numbers(column, declared.csv, {})
    is_sound = (cells.numbers >= SMALLEST_WEIGHT) & (cells.numbers <= LARGEST_WEIGHT)
    is_faulty = cells.unreadable | ~is_sound
    rule = f"Weight should be a number from {SMALLEST_WEIGHT:g} to {LARGEST_WEIGHT:,.0f}"
    return cells.numbers, _list_faults((declared.weight_column, rule), column, cells, is_faulty)


def _list_faults(
    column_and_rule: tuple[str, str],
    column: pd.Series,
    cells: ConvertedColumn,
    is_faulty: NDArray[np.bool_],
) -> list[RowFault]:
    """List the faults of a column; `column_and_rule` are its name and what it breaks."""
    return [
        RowFault(i, *column_and_rule, _describe_read_cell(column.iloc[i], cells, i))
        for i in np.flatnonzero(is_faulty).tolist()
    ]


def _describe_read_cell(value: object, cells: ConvertedColumn, i: int) -> str:
    """Describe a cell as it was read, so that a declared missing word is no value."""
    if cells.unreadable[i]:
        return describe_cell(value)
    return "no value" if np.isnan(cells.numbers[i]) else "a number"


def text_from_key(value: object, missing: Collection[str] = ("",)) -> str | None:
    """Convert a key to text, so that it is equal in a CSV, in a column of numbers and with gaps."""
    if isinstance(value, str):
        return None if value.strip() in missing else value.strip()
    if is_absent(value):
        return None
    return str(int(value) if isinstance(value, float) and value.is_integer() else value)


def find_repeated(hashes: Hashes, is_present: Sequence[bool]) -> NDArray[np.int64]:
    """Return the indices of identifiers that were there before, among those that are present."""
    indices = np.flatnonzero(is_present)
    repeated: NDArray[np.int64] = indices[pd.Series(hashes[indices]).duplicated().to_numpy()]
    return repeated
