"""The contract as SQL: numbers and rules of fields, by hand."""

from datetime import date
from typing import Annotated, ClassVar, Literal

import pytest
from pydantic import Field, field_validator

from models.annotations import (
    CalendarDate,
    Codes,
    Column,
    Columns,
    Missing,
    Other,
    Protected,
    Reason,
    derived,
)
from models.contract import CreditModel, characteristics
from models.errors import DeclarationError
from models.policy import Cutoffs
from models.score_scale import PointsToDoubleOdds
from training.scoring_sql.contract_checks import list_fields, write_absent, write_field
from training.scoring_sql.sql_text import SqlText

DUCKDB = SqlText("duckdb")


class Shop(CreditModel):
    """One of each kind of field that the toy does not have."""

    label: ClassVar = "is_default"
    label_definition: ClassVar = "made up"
    horizon: ClassVar = "12 months"
    scale: ClassVar = PointsToDoubleOdds()
    policy: ClassVar = Cutoffs(approve_below=0.2, decline_from=0.4)

    opened: Annotated[CalendarDate, Field(ge=date(2000, 1, 1))]
    rooms: Annotated[Literal[1, 2], Codes(), Reason("S1", "Rooms")]
    trade: Annotated[
        Literal["bakery", "other"] | None,
        Other("other"),
        Reason("S2", "Trade"),
        Missing("The trade is not known"),
    ] = None
    turnover: Annotated[float, Field(gt=0, lt=1e6), Protected()]

    @derived(Reason("S3", "The shop is young"), Missing("Its age is not known"))
    def years(columns: Columns) -> Column:  # noqa: N805 -- becomes a Derived, not a method
        """Years since 1970."""
        return columns["opened"] / 365.25


FIELDS = {c.name: c for c in characteristics(Shop)}


@pytest.mark.parametrize(
    ("name", "expression", "rule"),
    [
        (
            "opened",
            "CAST(DATEDIFF('day', DATE '1970-01-01', column) AS DOUBLE)",
            "f_opened IS NOT NULL AND (f_opened >= 10957e0)",
        ),
        (
            "rooms",
            (
                "CASE WHEN column IS NULL THEN NULL ELSE "
                "CASE column WHEN 1 THEN 0e0 WHEN 2 THEN 1e0 ELSE -1e0 END END"
            ),
            "f_rooms IS NOT NULL AND (f_rooms >= 0e0)",
        ),
        (
            "trade",
            (
                "CASE WHEN column IS NULL THEN NULL ELSE "
                "CASE column WHEN 'bakery' THEN 0e0 WHEN 'other' THEN 1e0 ELSE 1e0 END END"
            ),
            "f_trade IS NULL OR (f_trade >= 0e0)",
        ),
        (
            "turnover",
            ("CASE WHEN isnan(CAST(column AS DOUBLE)) THEN NULL ELSE CAST(column AS DOUBLE) END"),
            (
                "f_turnover IS NOT NULL AND (ABS(f_turnover) <= 1.7976931348623157e+308 "
                "AND f_turnover > 0e0 AND f_turnover < 1000000e0)"
            ),
        ),
    ],
)
def test_a_field_is_a_number_with_its_rule(name: str, expression: str, rule: str) -> None:
    field = write_field(FIELDS[name], Shop, "column", DUCKDB)
    assert (field.expression, field.rule) == (expression, rule)


def test_a_field_that_the_table_does_not_have_is_null_and_breaks_no_rule() -> None:
    field = write_absent(FIELDS["trade"], DUCKDB)
    assert (field.expression, field.rule) == ("CAST(NULL AS DOUBLE)", "TRUE")


def test_only_optional_and_protected_fields_can_be_left_out() -> None:
    listed = [c.name for c in list_fields(Shop, frozenset({"trade", "turnover"}))]
    assert listed == ["opened", "rooms", "trade", "turnover"]
    with pytest.raises(DeclarationError, match="--without rooms: it is required; only optional"):
        list_fields(Shop, frozenset({"rooms"}))


def test_a_check_written_in_python_is_refused() -> None:
    class Strict(Shop):
        @field_validator("turnover")
        @classmethod
        def check_turnover(cls, value: float) -> float:
            return value

    with pytest.raises(DeclarationError, match="check_turnover: export-sql writes bounds and"):
        list_fields(Strict, frozenset())

    class Stepped(Shop):
        turnover: Annotated[float, Field(multiple_of=0.5), Protected()]

    with pytest.raises(DeclarationError, match="turnover: export-sql writes bounds and levels"):
        list_fields(Stepped, frozenset())
