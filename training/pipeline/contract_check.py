"""The check of delivered rows against the contract of their table.

Pydantic says what a row may be and words every fault. Most rows are plainly sound, and that is
seen for a column at once: only the others are given to pydantic, one by one.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import compute
from pydantic import ValidationError

from models.errors import DataError, plain_rule
from training.pipeline.delivery import MISSING, Batch, Values
from training.pipeline.source_table import (
    SourceTable,
    TableColumn,
    arrow_schema,
    columns_from_table,
)

TWICE = "the key is there twice, with different values"
REPEATED = "the row is there twice"
PLAIN_TYPES: Mapping[type, frozenset[type]] = {
    str: frozenset((str, type(None))),
    int: frozenset((int, type(None))),
    float: frozenset((float, int, Decimal, type(None))),
    date: frozenset((date, type(None))),
    bool: frozenset((bool, type(None))),
}

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that breaks the contract: its number in the source, from 1, its values and why."""

    number: int
    values: Mapping[str, object]
    reason: str


@dataclass(frozen=True, slots=True)
class ContractRows:
    """The rows of a load, as the contract reads them, and those that it refuses."""

    accepted: pa.Table
    refused: tuple[RefusedRow, ...]


def check_columns(table: type[SourceTable], names: Iterable[str]) -> None:
    """Compare the columns that a source delivers with the contract.

    Raises
    ------
    DataError
        If a column is missing, unknown or given twice. The message names all of them.
    """
    delivered = list(names)
    unknown = sorted(set(delivered) - set(table.model_fields))
    missing = sorted(set(table.model_fields) - set(delivered))
    twice = sorted({name for name in delivered if delivered.count(name) > 1})
    faults = [
        f"{word} {', '.join(columns)}"
        for word, columns in (("it lacks", missing), ("unknown:", unknown), ("twice:", twice))
        if columns
    ]
    if faults:
        message = (
            f"{table.table}: the columns are not those of the contract: {'; '.join(faults)}. "
            f"Declare the change in {table.__module__}.{table.__name__}, or mend the source"
        )
        raise DataError(message)


def check_rows(table: type[SourceTable], batches: Iterable[Batch], day: date) -> ContractRows:
    """Validate every row of a day. The accepted ones are in no particular order.

    Raises
    ------
    DataError
        If the columns are not those of the contract.
    """
    parts: list[pa.Table] = [arrow_schema(table).empty_table()]
    refused: list[RefusedRow] = []
    before = 0
    for batch in batches:
        if batch.columns:
            check_columns(table, batch.columns)
        if batch.rows:
            rows = _check_batch(table, batch, day, before)
            parts.append(rows.accepted)
            refused.extend(rows.refused)
        before += batch.rows
    return ContractRows(pa.concat_tables(parts), tuple(refused))


def separate_repeated(
    table: type[SourceTable], rows: pa.Table
) -> tuple[pa.Table, tuple[RefusedRow, ...]]:
    """Return the rows sorted by key, each once, and those that cannot be told apart by their key.

    Of equal rows one stays. Of different rows with the same key none does: nobody could say which.
    """
    ordered = rows.sort_by([(name, "ascending") for name in table.key]).combine_chunks()
    if not _has_repeated(ordered, table.key):
        return ordered, ()
    key = ", ".join(table.key)
    with duckdb.connect() as connection:
        connection.register("delivered", rows)
        connection.execute(
            f"CREATE TABLE counted AS SELECT *, count(*) OVER (PARTITION BY {key}) AS copies "
            "FROM (SELECT DISTINCT * FROM delivered)"
        )
        once = "SELECT * EXCLUDE copies FROM counted WHERE copies"
        accepted: pa.Table = connection.sql(f"{once} = 1 ORDER BY {key}").to_arrow_table()
        twice: pa.Table = connection.sql(f"{once} > 1 ORDER BY ALL").to_arrow_table()
    repeated = rows.num_rows - accepted.num_rows - twice.num_rows
    faults = [RefusedRow(0, values, TWICE) for values in twice.to_pylist()]
    faults += [RefusedRow(0, {}, REPEATED)] * repeated
    return accepted.cast(rows.schema).combine_chunks(), tuple(faults)


def _has_repeated(ordered: pa.Table, key: tuple[str, ...]) -> bool:
    if ordered.num_rows <= 1:
        return False
    same = [
        compute.equal(ordered[name].slice(1), ordered[name].slice(0, ordered.num_rows - 1))
        for name in key
    ]
    both = same[0]
    for other in same[1:]:
        both = compute.and_(both, other)
    return bool(compute.any(both).as_py())


def _check_batch(table: type[SourceTable], batch: Batch, day: date, before: int) -> ContractRows:
    columns = columns_from_table(table)
    arrays, masks = [], [np.ones(batch.rows, bool)]
    for column in columns:
        latest = day if column.name in table.dated_by else None
        array, is_sound = _check_column(column, batch.columns[column.name], latest)
        arrays.append(array)
        masks.append(is_sound)
    is_sound = np.logical_and.reduce(masks)
    schema = arrow_schema(table)
    sound = pa.Table.from_arrays(arrays, schema=schema).filter(pa.array(is_sound))
    accepted: list[dict[str, Any]] = []
    refused: list[RefusedRow] = []
    for index in np.flatnonzero(~is_sound).tolist():
        values = _row_from_batch(batch, index)
        reason, row = _check_row(table, values, day)
        if row is None:
            refused.append(RefusedRow(before + index + 1, values, reason))
        else:
            accepted.append(row)
    rows = pa.concat_tables([sound, pa.Table.from_pylist(accepted, schema=schema)])
    return ContractRows(rows, tuple(refused))


def _check_column(
    column: TableColumn, values: Values, latest: date | None
) -> tuple[pa.Array, Mask]:
    """Return the values in the column's type, and a mask of those that surely follow the contract.

    `latest` is the last date that the column may have, if it is a date.
    """
    array, is_sound = _convert(column, values)
    within: list[pa.Array] = []
    high = column.high if latest is None else min(filter(None, (column.high, latest)))
    if column.python is str:
        length = compute.utf8_length(array)
        within.append(compute.equal(compute.utf8_trim_whitespace(array), array))
        within.append(compute.greater_equal(length, column.shortest))
        if column.longest is not None:
            within.append(compute.less_equal(length, column.longest))
    if column.levels:
        within.append(compute.is_in(array, pa.array(column.levels)))
    if column.python is float:
        within.append(compute.is_finite(array))
    if column.low is not None:
        within.append(compute.greater_equal(array, pa.scalar(column.low, column.arrow_type)))
    if high is not None:
        within.append(compute.less_equal(array, pa.scalar(high, column.arrow_type)))
    is_null = np.asarray(array.is_null())
    for rule in within:
        is_sound &= np.asarray(rule.fill_null(False)) | is_null  # noqa: FBT003 -- Arrow's
    return array, is_sound if column.optional else is_sound & ~is_null


def _convert(column: TableColumn, values: Values) -> tuple[pa.Array, Mask]:
    """Convert values that are plainly of the column's type. The others become null."""
    is_sound = np.ones(len(values), bool)
    if isinstance(values, pa.Array | pa.ChunkedArray):
        if values.type == column.arrow_type:
            array = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
            return array, is_sound
        values = values.to_pylist()
    plain = PLAIN_TYPES[column.python]
    kinds = set(map(type, values))
    if not kinds <= plain:
        is_sound = np.fromiter((type(value) in plain for value in values), bool, len(values))
        values = [v if sound else None for v, sound in zip(values, is_sound, strict=True)]
    if column.python is float and Decimal in kinds:
        values = [None if value is None else float(value) for value in values]
    try:
        return pa.array(values, column.arrow_type), is_sound
    except (pa.ArrowInvalid, OverflowError):  # a number that the type has no room for
        return pa.nulls(len(values), column.arrow_type), np.zeros(len(values), bool)


def _row_from_batch(batch: Batch, index: int) -> dict[str, Any]:
    row = {}
    for name, values in batch.columns.items():
        value = values[index]
        if value is not MISSING:
            plain = value.as_py() if isinstance(value, pa.Scalar) else value
            row[name] = float(plain) if isinstance(plain, Decimal) else plain
    return row


def _check_row(
    table: type[SourceTable], values: Mapping[str, Any], day: date
) -> tuple[str, dict[str, Any] | None]:
    try:
        row = table.model_validate(values).__dict__
    except ValidationError as error:
        return "; ".join(_describe_errors(error)), None
    late = [name for name in table.dated_by if row[name] is not None and row[name] > day]
    if late:
        return f"{', '.join(late)}: dated after the day of the load", None
    return "", row


def _describe_errors(error: ValidationError) -> Iterator[str]:
    """Yield each fault as field and rule. A rule never repeats the value."""
    for detail in error.errors(include_input=False, include_url=False):
        name = str(detail["loc"][0]) if detail["loc"] else "the row"
        yield f"{name}: {plain_rule(detail['msg'])}"
