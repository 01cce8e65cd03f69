"""The declaration of a table: what it may say, and what it becomes."""

from datetime import date
from typing import Annotated, Any, ClassVar, Literal

import pyarrow as pa
import pytest
from pydantic import Field, field_validator

from models.errors import DeclarationError
from training.pipeline.source_table import (
    Amount,
    Key,
    SourceTable,
    TableColumn,
    arrow_schema,
    columns_from_table,
)
from training.pipeline.tables import CustomerRow


class Visit(SourceTable):
    table: ClassVar = "visits"
    key: ClassVar = ("visit_id",)
    dated_by: ClassVar = ("visited_on",)

    visit_id: Key
    visited_on: Annotated[date, Field(ge=date(2000, 1, 1))] | None
    channel: Literal["branch", "web"]
    spent: Amount


def test_columns_have_the_types_and_bounds_of_the_declaration() -> None:
    assert columns_from_table(Visit) == (
        TableColumn(name="visit_id", python=str, optional=False, shortest=1, longest=64),
        TableColumn(name="visited_on", python=date, optional=True, low=date(2000, 1, 1)),
        TableColumn(name="channel", python=str, optional=False, levels=("branch", "web")),
        TableColumn(name="spent", python=float, optional=False, low=0, high=1e12),
    )
    assert [column.sql_type for column in columns_from_table(Visit)] == [
        "VARCHAR",
        "DATE",
        "VARCHAR",
        "DOUBLE",
    ]


def test_files_have_the_same_types_and_say_what_may_be_absent() -> None:
    schema = arrow_schema(Visit)
    assert schema.field("visited_on") == pa.field("visited_on", pa.date32(), nullable=True)
    assert schema.field("spent") == pa.field("spent", pa.float64(), nullable=False)


def test_the_shipped_tables_bound_every_amount_and_date() -> None:
    bounded = {c.name for c in columns_from_table(CustomerRow) if c.low is not None}
    assert bounded == {"birth_date", "annual_income", "employed_since"}


def declare(fields: dict[str, Any], settings: dict[str, Any]) -> None:
    """Declare a table with some fields more and some settings changed."""
    members = {"table": "visits", "key": ("visit_id",)} | settings
    annotations = dict.fromkeys(members, ClassVar) | {"visit_id": str} | fields
    type("Odd", (SourceTable,), {"__annotations__": annotations, "__module__": __name__} | members)


@pytest.mark.parametrize(
    ("fields", "settings", "message"),
    [
        ({}, {"key": ()}, "declares no key"),
        ({}, {"table": "Visits"}, "'Visits' is no name of a table or column"),
        ({"day": date}, {}, "the column day is added by the load"),
        ({}, {"key": ("visitor",)}, "key or dated_by names visitor, which is no field"),
        ({"visit_id": str | None}, {}, "visit_id is in the key and must not be optional"),
        ({"note": str}, {"dated_by": ("note",)}, "dated_by names note, which is no date"),
        ({"tags": list}, {}, "tags must be str, int, float, date or bool"),
        ({"n": int | str}, {}, "n must be str, int, float, date or bool"),
        ({"n": Annotated[int, Field(gt=0)]}, {}, "n: only ge, le, min_length"),
    ],
)
def test_what_cannot_be_loaded_cannot_be_declared(
    fields: dict[str, Any], settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(DeclarationError, match=message):
        declare(fields, settings)


def test_a_validator_of_its_own_would_be_passed_by_and_is_refused() -> None:
    with pytest.raises(DeclarationError, match="has validators of its own"):

        class Checked(SourceTable):
            table: ClassVar = "checked"
            key: ClassVar = ("name",)
            name: str

            @field_validator("name")
            @classmethod
            def check(cls, value: str) -> str:
                return value
