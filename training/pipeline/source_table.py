"""The contract of a table that a source delivers: one class a table, one field a column."""

import re
import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, ClassVar, Union, get_args, get_origin

import pyarrow as pa
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from models.errors import DataError, DeclarationError, plain_rule

UNDERSCORE = "number_with_underscore"  # the type of a fault
DAY = "day"  # the column of the warehouse that says which load a row came with
IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,62}")
WITH_UNDERSCORE = re.compile(r"[0-9]_[0-9]")
COLUMN_TYPES: Mapping[type, tuple[str, pa.DataType]] = {
    str: ("VARCHAR", pa.string()),
    int: ("BIGINT", pa.int64()),
    float: ("DOUBLE", pa.float64()),
    date: ("DATE", pa.date32()),
    bool: ("BOOLEAN", pa.bool_()),
}


def _refuse_underscore(value: object) -> object:
    """Refuse `1_100`, which Python reads as a number and nobody else writes."""
    if isinstance(value, str) and WITH_UNDERSCORE.search(value):
        raise PydanticCustomError(UNDERSCORE, "Input should be a number without underscores")
    return value


Count = Annotated[int, BeforeValidator(_refuse_underscore), Field(ge=0, le=10**9)]
Amount = Annotated[
    float, BeforeValidator(_refuse_underscore), Field(ge=0, le=1e12, allow_inf_nan=False)
]
Number = Annotated[
    float, BeforeValidator(_refuse_underscore), Field(ge=-1e12, le=1e12, allow_inf_nan=False)
]
Key = Annotated[str, Field(min_length=1, max_length=64)]
Word = Annotated[str, Field(min_length=1, max_length=64)]


class SourceTable(BaseModel):
    """Base class of the contract of a table. A subclass is one row.

    - `table` is the name in the lake and in the warehouse.
    - `key` names the columns that identify a row of a day. A later day may bring the same key
      again: then the row has changed, and the older one stays.
    - `dated_by` names the dates that no row may have after the day of its load.

    Raises
    ------
    DeclarationError
        When a subclass is defined whose declaration cannot be loaded.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    table: ClassVar[str]
    key: ClassVar[tuple[str, ...]]
    dated_by: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def __pydantic_init_subclass__(cls, **_: object) -> None:
        """Refuse a declaration that cannot be loaded, by name."""
        for fault in _find_declaration_faults(cls):
            _refuse(cls, fault)


@dataclass(frozen=True, slots=True)
class TableColumn:
    """One column: its Python type, and whether a row may leave it empty."""

    name: str
    python: type
    optional: bool

    @property
    def sql_type(self) -> str:
        """The type in DuckDB's dialect."""
        return COLUMN_TYPES[self.python][0]

    @property
    def arrow_type(self) -> pa.DataType:
        """The type in Parquet files."""
        return COLUMN_TYPES[self.python][1]


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


def columns_from_table(table: type[SourceTable]) -> tuple[TableColumn, ...]:
    """Return the columns of a table in the order of their declaration."""
    return tuple(
        _column_from_field(table, name, field.annotation)
        for name, field in table.model_fields.items()
    )


def arrow_schema(table: type[SourceTable]) -> pa.Schema:
    """Return the schema of the Parquet files of a table."""
    return pa.schema([(c.name, c.arrow_type, c.optional) for c in columns_from_table(table)])


def check_columns(table: type[SourceTable], names: Iterable[str]) -> None:
    """Compare the columns that a source delivers with the contract.

    Raises
    ------
    DataError
        If a column is missing, unknown or given twice. The message names all of them.
    """
    given = list(names)
    unknown = sorted(set(given) - set(table.model_fields))
    missing = sorted(set(table.model_fields) - set(given))
    twice = sorted({name for name in given if given.count(name) > 1})
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


def check_rows(
    table: type[SourceTable], batches: Iterable[list[Mapping[str, Any]]], day: date
) -> ContractRows:
    """Validate every row of a day.

    Raises
    ------
    DataError
        If the columns are not those of the contract.
    """
    schema = arrow_schema(table)
    parts: list[pa.Table] = []
    refused: list[RefusedRow] = []
    number = 0
    for batch in batches:
        if batch:
            check_columns(table, batch[0])
        accepted: list[Mapping[str, Any]] = []
        for number, values in enumerate(batch, start=number + 1):  # noqa: B020 -- goes on
            reason, row = _check_row(table, values, day)
            if row is None:
                refused.append(RefusedRow(number, values, reason))
            else:
                accepted.append(row)
        parts.append(pa.Table.from_pylist(accepted, schema=schema))
    return ContractRows(pa.concat_tables(parts) if parts else schema.empty_table(), tuple(refused))


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


def _find_declaration_faults(table: type[SourceTable]) -> Iterator[str]:
    missing = [name for name in ("table", "key") if not getattr(table, name, None)]
    if missing:
        yield f"declares no {' and no '.join(missing)}"
        return
    for name in (table.table, *table.model_fields):
        if not IDENTIFIER.fullmatch(name):
            yield f"{name!r} is no name of a table or column: use a-z, 0-9 and _"
    if DAY in table.model_fields:
        yield f"the column {DAY} is added by the load: name the field otherwise"
    columns = {column.name: column for column in columns_from_table(table)}
    absent = sorted({*table.key, *table.dated_by} - columns.keys())
    if absent:
        yield f"key or dated_by names {', '.join(absent)}, which is no field"
        return
    yield from (
        f"{c} is in the key and must not be optional" for c in table.key if columns[c].optional
    )
    yield from (
        f"dated_by names {c}, which is no date"
        for c in table.dated_by
        if columns[c].python is not date
    )


def _column_from_field(table: type[SourceTable], name: str, annotation: object) -> TableColumn:
    kinds = [annotation]
    if get_origin(annotation) in (Union, types.UnionType):
        kinds = list(get_args(annotation))
    optional = type(None) in kinds
    plain = {_plain_type(kind) for kind in kinds if kind is not type(None)}
    if len(plain) != 1 or not plain <= COLUMN_TYPES.keys():
        _refuse(table, f"{name} must be str, int, float, date or bool, or one of them or None")
    [python] = plain
    return TableColumn(name, python, optional)


def _plain_type(kind: Any) -> type:  # noqa: ANN401 -- any annotation
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    literals = get_args(kind)
    return type(literals[0]) if literals else kind


def _refuse(table: type[SourceTable], fault: str) -> None:
    message = f"{table.__name__}: {fault}"
    raise DeclarationError(message)
