"""The contract of a table that a source delivers: one class a table, one field a column."""

import re
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, Union, get_args, get_origin

import pyarrow as pa
from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from models.errors import DeclarationError

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


NO_UNDERSCORE = BeforeValidator(_refuse_underscore)
RULES: Mapping[type, tuple[str, str]] = {
    Ge: ("low", "ge"),
    Le: ("high", "le"),
    MinLen: ("shortest", "min_length"),
    MaxLen: ("longest", "max_length"),
}
Count = Annotated[int, NO_UNDERSCORE, Field(ge=0, le=10**9)]
Amount = Annotated[float, NO_UNDERSCORE, Field(ge=0, le=1e12, allow_inf_nan=False)]
Number = Annotated[float, NO_UNDERSCORE, Field(ge=-1e12, le=1e12, allow_inf_nan=False)]
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


@dataclass(frozen=True, slots=True, kw_only=True)
class TableColumn:
    """One column: its Python type, whether a row may leave it empty, and its bounds.

    `low` and `high` bound numbers and dates, `shortest` and `longest` the length of a text. They
    are inclusive. `levels` are the only values, if there are any.
    """

    name: str
    python: type
    optional: bool
    low: Any = None
    high: Any = None
    shortest: int = 0
    longest: int | None = None
    levels: tuple[str, ...] = ()

    @property
    def sql_type(self) -> str:
        """The type in DuckDB's dialect."""
        return COLUMN_TYPES[self.python][0]

    @property
    def arrow_type(self) -> pa.DataType:
        """The type in Parquet files."""
        return COLUMN_TYPES[self.python][1]


@cache
def columns_from_table(table: type[SourceTable]) -> tuple[TableColumn, ...]:
    """Return the columns of a table in the order of their declaration."""
    return tuple(
        _column_from_field(table, name, field) for name, field in table.model_fields.items()
    )


def arrow_schema(table: type[SourceTable]) -> pa.Schema:
    """Return the schema of the Parquet files of a table."""
    return pa.schema([(c.name, c.arrow_type, c.optional) for c in columns_from_table(table)])


def _find_declaration_faults(table: type[SourceTable]) -> Iterator[str]:
    missing = [name for name in ("table", "key") if not getattr(table, name, None)]
    if missing:
        yield f"declares no {' and no '.join(missing)}"
        return
    for name in (table.table, *table.model_fields):
        if not IDENTIFIER.fullmatch(name):
            yield f"{name!r} is no name of a table or column: use a-z, 0-9 and _"
    decorators = table.__pydantic_decorators__
    if decorators.field_validators or decorators.model_validators:
        yield "has validators of its own, which a check by columns would not call"
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


def _column_from_field(table: type[SourceTable], name: str, field: FieldInfo) -> TableColumn:
    kinds: list[Any] = [field.annotation]
    if get_origin(field.annotation) in (Union, types.UnionType):
        kinds = list(get_args(field.annotation))
    optional = type(None) in kinds
    present = [kind for kind in kinds if kind is not type(None)]
    plain = {_plain_type(kind) for kind in present}
    if len(plain) != 1 or not plain <= COLUMN_TYPES.keys():
        _refuse(table, f"{name} must be str, int, float, date or bool, or one of them or None")
    [python] = plain
    rules: dict[str, Any] = {}
    for rule in _list_rules([field, *present]):
        names = next((names for kind, names in RULES.items() if isinstance(rule, kind)), None)
        if names:
            rules[names[0]] = getattr(rule, names[1])
        elif rule is not NO_UNDERSCORE and not hasattr(rule, "allow_inf_nan"):
            _refuse(
                table, f"{name}: only ge, le, min_length, max_length and Literal are rules here"
            )
    levels = next((get_args(kind) for kind in present if get_origin(kind) is Literal), ())
    return TableColumn(name=name, python=python, optional=optional, levels=levels, **rules)


def _list_rules(annotations: list[Any]) -> Iterator[object]:
    """Yield the rules of annotations, which may be in one another."""
    for annotation in annotations:
        if isinstance(annotation, FieldInfo):
            yield from _list_rules(annotation.metadata)
        elif get_origin(annotation) is Annotated:
            yield from _list_rules(list(get_args(annotation)))
        elif not isinstance(annotation, type) and get_origin(annotation) is None:
            yield annotation


def _plain_type(kind: Any) -> type:  # noqa: ANN401 -- any annotation
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    levels = get_args(kind)
    return type(levels[0]) if levels else kind


def _refuse(table: type[SourceTable], fault: str) -> None:
    message = f"{table.__name__}: {fault}"
    raise DeclarationError(message)
