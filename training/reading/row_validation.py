"""Validation of training rows against the same contract as requests, a column at a time."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import ValidationError

from models.annotations import Column, Columns
from models.contract import Characteristic, CreditModel
from models.data_file import DataFile
from models.errors import plain_rule
from models.features import LARGEST, find_unusable, value_from_column
from models.metrics import Labels
from models.reading.cells import Levels
from models.table import find_doubtful
from training.reading.applications import (
    applications_from_fields,
    fields_from_applications,
    list_fields,
)
from training.reading.cells import (
    ConvertedColumn,
    convert_dates,
    convert_levels,
    convert_numbers,
    convert_outcomes,
    describe_cell,
    describe_mixed,
)
from training.reading.columns import ColumnMap, map_columns
from training.reading.faults import (
    OUTCOME_RULES,
    DataFault,
    Refused,
    RowFault,
    describe_rule,
    refuse_rows,
    summarise,
)
from training.reading.fingerprint import Fingerprint
from training.reading.special_columns import RowNumbers, SpecialColumns, read_special
from training.row_independence import require_sound_derivations
from training.split import Hashes, hash_rows

LARGEST_RULE = f"Number should be at most {LARGEST:g}"
DERIVED_RULE = "Number cannot be computed: its inputs are out of proportion"
THE_ROW = "the row"  # what a validator of the whole model refuses


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How the columns of a table become rows of a model.

    `declared` replaces the `data_file` of the model. `chosen` maps fields to columns, and `without`
    has the optional fields that the data does not have. `before` counts rows refused earlier.
    `repeated` has the numbers of rows whose identifier was in an earlier batch or row, if the
    table is one of several batches.
    """

    declared: DataFile | None = None
    chosen: Mapping[str, str] = field(default_factory=dict)
    without: Collection[str] = ()
    before: Refused = Refused()
    repeated: RowNumbers | None = None

    def declare(self, model: type[CreditModel]) -> DataFile:
        """Return how the table is written."""
        return self.declared or model.data_file

    def map(self, model: type[CreditModel], names: Iterable[str]) -> ColumnMap:
        """Map columns to fields. Errors are those of `map_columns`."""
        return map_columns(model, list(names), self.declare(model), self.chosen, self.without)


@dataclass(frozen=True, kw_only=True)
class CheckedRows:
    """Rows that the contract accepts, by column, with their labels, and the faults of the others.

    - `columns` has every field but identifiers, shape `(n,)`: levels by code, NaN where absent.
    - `row_numbers` are those of the source, from 1.
    - `hashes` decide the part of each row, which `special` may have instead.
    - `excluded` counts rows whose outcome the model leaves out.
    - `refused_rows` maps the numbers of refused rows to their faults.
    - `ignored` has the columns that are not read, and `absent` the fields without a column.
    - `remarks` say what no rule refuses and only the cells show, such as numbers of two units.
    """

    model: type[CreditModel]
    columns: Columns
    labels: Labels
    row_numbers: NDArray[np.int64]
    special: SpecialColumns
    faults: tuple[DataFault, ...]
    refused: int
    excluded: int
    refused_rows: Mapping[int, str]
    ignored: tuple[str, ...]
    absent: tuple[str, ...]
    remarks: tuple[str, ...] = ()

    @property
    def refusals(self) -> dict[str, int]:
        """The number of rows with each fault, most frequent first."""
        return {fault.rule: fault.rows for fault in self.faults}

    def refuse_too_many(self, max_refused_share: float) -> None:
        """Raise DataError if no row is left, or more than the share of the rows is refused."""
        rows = len(self.labels) + self.refused
        if not len(self.labels) or self.refused > max_refused_share * rows:
            refuse_rows(f"{self.refused} of {rows}", self.faults, max_refused_share)

    def list_refused(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the refused rows of the source, each with its number and its faults.

        A row with a wrong number of cells has no values.
        """
        refused = frame.reindex(list(self.refused_rows))
        refused.insert(0, "fault", list(self.refused_rows.values()))
        return refused.reset_index(names="row")

    @cached_property
    def hashes(self) -> Hashes:
        """What decides the part of each row: its group, its identifier, or its fields."""
        hashes = self.special.hashes
        return hash_rows(self.model, self.columns) if hashes is None else hashes

    @cached_property
    def applications(self) -> list[CreditModel]:
        """The rows as validated applications, without identifiers."""
        return applications_from_fields(self.model, self.columns)

    def fingerprint(self) -> str:
        """Return the sha256 of all rows, labels and weights in order, 64 hex digits."""
        fingerprint = Fingerprint()
        fingerprint.update(self.columns, self.labels, self.special.weights)
        return fingerprint.hexdigest()


def check_rows(
    model: type[CreditModel],
    frame: pd.DataFrame,
    max_refused_share: float,
    reading: Reading = Reading(),
) -> CheckedRows:
    """Validate every row, and refuse the data if too many rows are refused.

    Raises
    ------
    DataError
        If a column is missing or ambiguous, no row is left, or more than `max_refused_share` of
        the rows is refused.
    """
    rows = validate_rows(model, frame, reading)
    rows.refuse_too_many(max_refused_share)
    return rows


def validate_rows(
    model: type[CreditModel], frame: pd.DataFrame, reading: Reading = Reading()
) -> CheckedRows:
    """Validate every row. The index of the frame numbers the rows.

    Raises
    ------
    DataError
        If a column is missing or ambiguous.
    DeclarationError
        If a derived function of the model cannot be served.
    """
    declared = reading.declare(model)
    names = list(map(str, frame.columns))
    columns = reading.map(model, names)
    raw = _RawRows(model, frame, declared, columns)
    special = read_special(frame, declared, reading.repeated)
    outcomes = convert_outcomes(frame[columns.outcome], declared.csv, declared.outcome)
    is_excluded = np.isnan(outcomes.numbers) & ~outcomes.unreadable
    validated = raw.validate()
    faults = [
        *_find_outcome_faults(model, declared, outcomes, frame[columns.outcome]),
        *special.faults,
        *validated.faults,
    ]
    faults = [fault for fault in faults if not is_excluded[fault.row_index]]
    is_sound = ~is_excluded
    is_sound[[fault.row_index for fault in faults]] = False
    if is_sound.any():
        sound = {name: column[is_sound] for name, column in validated.columns.items()}
        require_sound_derivations(model, sound)
    faults += _find_unusable_faults(model, validated.columns, is_sound)
    is_sound[[fault.row_index for fault in faults]] = False
    row_numbers = frame.index.to_numpy(np.int64)
    return CheckedRows(
        model=model,
        columns={name: column[is_sound] for name, column in validated.columns.items()},
        labels=outcomes.numbers[is_sound].astype(np.int64),
        row_numbers=row_numbers[is_sound],
        special=special.select(is_sound),
        faults=(*reading.before.faults, *summarise(faults, row_numbers.tolist())),
        refused=reading.before.rows + len(frame) - int((is_sound | is_excluded).sum()),
        excluded=int(is_excluded.sum()),
        refused_rows={**reading.before.by_number, **_describe_rows(faults, row_numbers)},
        ignored=tuple(sorted(set(names) - columns.used())),
        absent=columns.absent,
        remarks=tuple(raw.remark_on_cells()),
    )


def read_fields(model: type[CreditModel], frame: pd.DataFrame, reading: Reading) -> Columns:
    """Return the columns of all fields as `validate_rows` has them, with every row of the frame.

    What a refused row has in them means nothing.
    """
    declared = reading.declare(model)
    columns = reading.map(model, map(str, frame.columns))
    return _RawRows(model, frame, declared, columns).validate().columns


@dataclass(frozen=True, slots=True)
class _Validated:
    """Columns of all fields, and the faults of rows that break the contract."""

    columns: dict[str, Column]
    faults: list[RowFault]


@dataclass(frozen=True, slots=True)
class _RawRows:
    """Rows as the source has them, and the columns of the fields."""

    model: type[CreditModel]
    frame: pd.DataFrame
    declared: DataFile
    columns: ColumnMap

    def validate(self) -> _Validated:
        """Check all rows by column, and those that may break a rule with pydantic."""
        cells = {c.name: self._convert(c) for c in list_fields(self.model)}
        numbers = {name: cell.numbers for name, cell in cells.items()}
        unreadable = np.logical_or.reduce([cell.unreadable for cell in cells.values()])
        doubtful = np.flatnonzero(unreadable | find_doubtful(self.model, numbers)).tolist()
        faults: list[RowFault] = []
        accepted: list[int] = []
        applications: list[CreditModel] = []
        for row_index, values in zip(doubtful, self._plain_rows(cells, doubtful), strict=True):
            try:
                applications.append(self.model.model_validate(values))
                accepted.append(row_index)
            except ValidationError as error:
                faults += self._list_faults(row_index, error, cells)
        if accepted:  # pydantic may have changed a value
            for name, column in fields_from_applications(self.model, applications).items():
                numbers[name] = numbers[name].copy()
                numbers[name][accepted] = column
        return _Validated(numbers, faults)

    def remark_on_cells(self) -> Iterator[str]:
        """Yield remarks on fields whose numbers are written in more than one way."""
        for c in list_fields(self.model):
            if c.name in self.columns.fields and not c.levels and not c.is_date:
                column = self.frame[self.columns.fields[c.name]]
                if mixed := describe_mixed(column, self.declared.csv):
                    yield f"{c.name}: {mixed}"
        yield from self.columns.remarks

    def _convert(self, c: Characteristic) -> ConvertedColumn:
        if c.name not in self.columns.fields:
            rows = len(self.frame)
            return ConvertedColumn(np.full(rows, np.nan), np.zeros(rows, dtype=bool))
        column, dialect = self.frame[self.columns.fields[c.name]], self.declared.csv
        if c.is_date:
            return convert_dates(column, dialect)
        if not c.levels:
            return convert_numbers(column, dialect, c.source.words, c.source.factor)
        return convert_levels(column, dialect, c.source.words, Levels(c.levels, c.other))

    def _plain_rows(
        self, cells: Mapping[str, ConvertedColumn], row_indices: list[int]
    ) -> Iterator[dict[str, Any]]:
        """Yield rows as JSON would have them; cells that are unreadable stay as they are."""
        values: list[list[Any]] = []
        for c in list_fields(self.model):
            numbers = cells[c.name].numbers[row_indices].tolist()
            plain = [_plain_from_number(c, number) for number in numbers]
            for k in np.flatnonzero(cells[c.name].unreadable[row_indices]).tolist():
                plain[k] = self.frame[self.columns.fields[c.name]].iloc[row_indices[k]]
            values.append(plain)
        names = [c.name for c in list_fields(self.model)]
        for row in zip(*values, strict=True):
            yield dict(zip(names, row, strict=True))

    def _list_faults(
        self, row_index: int, error: ValidationError, cells: Mapping[str, ConvertedColumn]
    ) -> Iterator[RowFault]:
        for detail in error.errors():
            name = str(detail["loc"][0]) if detail["loc"] else THE_ROW
            kind = ""
            if name in self.columns.fields and cells[name].unreadable[row_index]:
                kind = describe_cell(self.frame[self.columns.fields[name]].iloc[row_index])
            elif name in cells and np.isnan(cells[name].numbers[row_index]):
                kind = "no value"
            yield RowFault(row_index, name, plain_rule(detail["msg"]), kind)


def _plain_from_number(c: Characteristic, number: float) -> str | int | float | None:
    is_fraction = c.is_integer and number % 1 > 0  # the contract refuses it, but not as an integer
    return number if is_fraction else value_from_column(c, number)


def _find_outcome_faults(
    model: type[CreditModel], declared: DataFile, outcomes: ConvertedColumn, column: pd.Series
) -> list[RowFault]:
    rule = OUTCOME_RULES[bool(declared.outcome)]
    return [
        RowFault(i, model.label, rule, describe_cell(column.iloc[i]))
        for i in np.flatnonzero(outcomes.unreadable).tolist()
    ]


def _find_unusable_faults(
    model: type[CreditModel], columns: Columns, is_sound: NDArray[np.bool_]
) -> list[RowFault]:
    """Find numbers that are infinite or too large for the matrix, such as a ratio to 0."""
    indices = np.flatnonzero(is_sound)
    masks = find_unusable(model, {name: column[indices] for name, column in columns.items()})
    return [
        RowFault(int(i), name, LARGEST_RULE if name in columns else DERIVED_RULE)
        for name, mask in masks.items()
        for i in indices[mask]
    ]


def _describe_rows(faults: list[RowFault], row_numbers: NDArray[np.int64]) -> dict[int, str]:
    described: dict[int, str] = {}
    for fault in sorted(faults):
        number = int(row_numbers[fault.row_index])
        text = describe_rule(fault.field, fault.rule, fault.kind)
        described[number] = f"{described[number]}; {text}" if number in described else text
    return described
