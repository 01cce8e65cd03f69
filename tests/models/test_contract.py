import math
from datetime import UTC, date, datetime
from typing import Annotated, Any, ClassVar, Literal, cast

import numpy as np
import pytest
from pydantic import Field, ValidationError, create_model

from models.annotations import (
    CalendarDate,
    Changeable,
    Codes,
    Column,
    Columns,
    FromColumn,
    Identifier,
    Missing,
    Ordered,
    Other,
    Protected,
    Reason,
    Risk,
    Special,
    days_from_date,
    derived,
)
from models.catalogue.application import Application
from models.catalogue.card_default import CardDefault
from models.catalogue.german_credit import GermanCredit
from models.contract import CreditModel, characteristics, contract_hash, name_from_model
from models.discovery import credit_models
from models.errors import DeclarationError, plain_rule
from models.features import (
    columns_from_applications,
    features,
    matrix_from_columns,
    value_from_column,
)
from models.table import find_doubtful, table_from_applications
from tests.support.toy import Toy, toy

REASON = Reason("X", "Something")
MISSING = Missing("It is unknown")


def faults(**changes: object) -> set[tuple[str, str]]:
    fields = toy().model_dump(exclude_none=True) | changes
    with pytest.raises(ValidationError) as caught:
        Toy.model_validate(fields)
    return {(str(e["loc"][0]), e["type"]) for e in caught.value.errors()}


def test_all_faults_of_a_row_are_found_at_once() -> None:
    assert faults(age="40", income=0.0, home="castle", extra=1) == {
        ("age", "int_type"),
        ("income", "greater_than"),
        ("home", "literal_error"),
        ("extra", "extra_forbidden"),
    }


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None, True, "50000", [], 1e7])
def test_a_value_that_is_no_number_in_range_is_refused(value: object) -> None:
    assert {name for name, _ in faults(income=value)} == {"income"}


def test_an_integer_is_accepted_where_a_float_is_declared() -> None:
    assert toy(income=50_000).income == 50_000.0


def test_errors_never_show_the_input() -> None:
    with pytest.raises(ValidationError) as caught:
        Toy.model_validate({"income": "a secret"})
    assert "a secret" not in str(caught.value)


@pytest.mark.parametrize("value", [True, 1.0, "1", None])
def test_a_level_that_is_a_whole_number_is_given_as_one(value: object) -> None:
    account = {"odd": value, **toy().model_dump(exclude_none=True)}
    coded = declared(odd=(Annotated[Literal[1, 2], Codes(), REASON], ...))
    with pytest.raises(ValidationError):
        coded.model_validate(account)
    assert coded.model_validate(account | {"odd": 1})


def test_annotations_of_a_field_are_read_from_its_declaration() -> None:
    by_name = {c.name: c for c in characteristics(Toy)}
    assert by_name["age"].protected
    assert by_name["income"].sign == -1
    assert by_name["income"].unit == "currency a year"
    assert by_name["debt"].private
    assert by_name["home"].levels == ("own", "rent")
    assert by_name["home"].reason == Reason("T3", "Housing situation")
    assert by_name["months_since_default"].special == {-7: "There is no credit history"}
    assert by_name["months_since_default"].optional
    assert by_name["debt_to_income"].compute is not None


def test_names_are_class_names_in_snake_case() -> None:
    assert [name_from_model(m) for m in (Application, CardDefault, GermanCredit)] == [
        "application",
        "card_default",
        "german_credit",
    ]


def test_the_application_contract_has_17_fields_and_2_derived_numbers() -> None:
    derived = [c.name for c in characteristics(Application) if c.compute]
    assert len(Application.model_fields) == 17
    assert derived == ["monthly_payment", "payment_to_income"]


@pytest.mark.parametrize(
    ("model", "protected"),
    [
        ("application", {"age"}),
        ("card_default", {"age", "sex", "marriage"}),
        ("german_credit", {"age", "personal_status", "foreign_worker"}),
        ("customer", {"age", "customer_id", "region"}),
        ("bureau", {"age"}),
    ],
)
def test_protected_fields_of_the_catalogue(model: str, protected: set[str]) -> None:
    declared_characteristics = characteristics(credit_models()[model])
    assert {c.name for c in declared_characteristics if c.protected} == protected


def test_an_identifier_is_a_protected_text_and_another_contract() -> None:
    with_identifier = declared(name=(Annotated[str | None, Identifier()], None))
    by_name = {c.name: c for c in characteristics(with_identifier)}
    assert (by_name["name"].identifier, by_name["name"].protected) == (True, True)
    assert contract_hash(with_identifier) != contract_hash(declared())
    plain = declared(name=(Annotated[int | None, Protected()], None))
    assert contract_hash(with_identifier) != contract_hash(plain)


def declared(**fields: Any) -> type[CreditModel]:  # noqa: ANN401 -- what create_model takes
    """The toy model with fields added or declared otherwise."""
    return create_model("Changed", __base__=Toy, **fields)


def test_the_contract_hash_changes_with_a_bound_and_not_with_a_title() -> None:
    same = declared(
        income=(Annotated[float, Field(gt=0, le=1e6, title="x"), Risk(-1), REASON], ...)
    )
    wider = declared(income=(Annotated[float, Field(gt=0, le=2e6), Risk(-1), REASON], ...))
    unmarked = declared(age=(Annotated[int, Field(ge=18, le=100), REASON], ...))
    hashes = {contract_hash(m) for m in (declared(), same)}
    assert len(hashes) == 1
    assert len(hashes | {contract_hash(wider), contract_hash(unmarked)}) == 3


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ((str, ...), "the type must be int, float, Literal or CalendarDate"),
        ((Literal[1, 2], ...), "needs the annotation Codes"),
        ((Annotated[int, Risk(1)], ...), "a scored characteristic needs a Reason"),
        ((Annotated[int | None, Reason("X", "x")], ...), "may be absent needs a Missing"),
        ((Annotated[int, Reason("X", "{income}")], ...), "may contain only {odd}"),
        ((Annotated[Literal["a"], Reason("X", "{odd}")], ...), "only if that is a number"),
        ((Annotated[Literal["a"], Risk(1)], ...), "Risk applies to numbers and to levels in an"),
        ((Annotated[Literal["a"], Special({1: "x"})], ...), "Special applies to numbers"),
        ((Annotated[float, Ordered(), Reason("A", "x")], ...), "Ordered applies to the levels"),
        ((Annotated[float, FromColumn(factor=0), REASON], ...), "the factor of FromColumn must"),
        ((Annotated[float, FromColumn(factor=math.nan), REASON], ...), "must be finite and not 0"),
        ((Annotated[float, FromColumn(words={"Y": "x"}), REASON], ...), "must stand for numbers"),
        ((Annotated[Literal["a"], FromColumn(words={"Y": "b"})], ...), "must stand for levels"),
        ((Annotated[float, Other("x"), Reason("A", "x")], ...), "Other names a level of a Literal"),
        ((Annotated[Literal["a"], Other("b")], ...), "Other names a level .*; 'b' is none"),
        ((Annotated[Literal[1, 2], Codes(), Other("b")], ...), "Other names a level of a Literal"),
        ((Annotated[str, Identifier()], ...), "an Identifier must have the type"),
        ((Annotated[int | None, Identifier()], None), "an Identifier must have the type"),
        ((str | None, None), "the type must be int, float, Literal or CalendarDate"),
        ((Annotated[int, Reason("X", "{odd:d}")], ...), "cannot write a float .*{odd:.0f}"),
        ((Annotated[int, Reason("X", "{odd:,d}")], ...), "cannot write a float"),
        ((Annotated[float, Reason("X", "{odd.real.x}")], ...), "may contain only|cannot write"),
        ((Annotated[float, Reason("X", "{odd[0]}")], ...), "may contain only|cannot write"),
        ((Annotated[float, Reason("X", "{odd!q}")], ...), "not a format|cannot write"),
        ((Annotated[float, Reason("X", "half {odd")], ...), "is not a format"),
        ((Annotated[float, Risk(cast("Any", 2)), REASON], ...), "Risk takes 1 .* or -1, not 2"),
        ((Annotated[float, Field(ge=5, le=1), REASON], ...), "no number is within its bounds"),
        ((Annotated[float, Field(gt=1, lt=1), REASON], ...), "no number is within its bounds"),
        (
            (Annotated[int, Field(ge=0), Special({-1: "unknown"}), MISSING, REASON], ...),
            "its bounds exclude its special codes -1",
        ),
        ((Annotated[int, REASON], 3), "its default would be scored"),
        ((Annotated[int, REASON, Field(default_factory=lambda: 3)], ...), "its default would be"),
        ((Annotated[int, REASON, Field(alias="Odd")], ...), "an alias has no meaning here"),
        ((Annotated[int, REASON, Field(validation_alias="Odd")], ...), "an alias has no meaning"),
    ],
)
def test_a_declaration_that_cannot_work_is_refused_at_import(
    field: tuple[Any, ...], message: str
) -> None:
    with pytest.raises(DeclarationError, match=message):
        declared(odd=field)


def test_a_field_cannot_be_the_label() -> None:
    with pytest.raises(DeclarationError, match="is_default: a field cannot be the label"):
        declared(is_default=(Annotated[int, REASON], ...))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("CardDefault", "card_default"),
        ("SBALoan", "sba_loan"),
        ("LoanSBA", "loan_sba"),
        ("SME2Loan", "sme2_loan"),
        ("Toy", "toy"),
    ],
)
def test_a_name_in_capitals_is_one_word(name: str, expected: str) -> None:
    model = type(name, (), {})
    assert name_from_model(model) == expected


def test_a_model_without_a_policy_is_refused_at_import() -> None:
    with pytest.raises(DeclarationError, match="Incomplete declares no label"):

        class Incomplete(CreditModel):
            horizon: ClassVar = "12 months"
            age: Annotated[int, Protected()]


@pytest.mark.parametrize(
    ("field", "message"),
    [
        (Annotated[float, Changeable(), REASON], "needs a step above 0"),
        (Annotated[float, Changeable(step=0), REASON], "needs a step above 0"),
        (Annotated[int, Changeable(step=0.5), REASON], "an integer step for an int"),
        (Annotated[Literal["a"], Changeable(step=1), REASON], "no step for a Literal"),
        (
            Annotated[int, Changeable(), Protected()],
            "protected, derived or date characteristic cannot be Changeable",
        ),
    ],
)
def test_a_changeable_field_needs_a_step_that_fits(field: object, message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        declared(new=(field, ...))


def test_what_is_changeable_is_no_part_of_the_contract() -> None:
    plain = Annotated[int, REASON]
    changeable = Annotated[int, Changeable(step=5), REASON]
    hashes = {contract_hash(declared(new=(kind, ...))) for kind in (plain, changeable)}
    assert len(hashes) == 1


class Graded(Toy):
    """The toy model with a grade in order, and a purpose that may be another one."""

    grade: Annotated[
        Literal["A", "B", "C"], Ordered(), Risk(+1), Changeable(), Reason("T5", "Low grade")
    ]
    purpose: Annotated[
        Literal["car", "house", "other"] | None,
        Other("other"),
        Reason("T6", "Purpose"),
        Missing("The purpose is not known"),
    ] = None


GRADED: dict[str, Any] = {"age": 40, "income": 5e4, "debt": 1e4, "home": "own", "grade": "B"}


def test_ordered_levels_are_one_signed_number() -> None:
    [feature] = [f for f in features(Graded) if f.characteristic == "grade"]
    assert (feature.name, feature.equals, feature.sign) == ("grade", None, 1)
    rows = [Graded.model_validate(GRADED | {"grade": grade}) for grade in ("A", "B", "C")]
    matrix = matrix_from_columns(Graded, columns_from_applications(Graded, rows))
    assert matrix[:, features(Graded).index(feature)].tolist() == [0.0, 1.0, 2.0]


def test_another_text_counts_as_the_declared_level_and_another_type_is_refused() -> None:
    purposes = [
        Graded.model_validate(GRADED | {"purpose": purpose}).model_dump()["purpose"]
        for purpose in ("car", "boat", "other", None)
    ]
    assert purposes == ["car", "other", "other", None]
    with pytest.raises(ValidationError):
        Graded.model_validate(GRADED | {"purpose": 7})
    assert Graded.model_json_schema()["properties"]["purpose"]["anyOf"] == [
        {"type": "string", "examples": ["car", "house", "other"]},
        {"type": "null"},
    ]


def test_order_and_other_levels_are_part_of_the_contract() -> None:
    class Plain(Graded):
        grade: Annotated[Literal["A", "B", "C"], Reason("T5", "Low grade")]

    class Closed(Graded):
        purpose: Annotated[
            Literal["car", "house", "other"] | None, Reason("T6", "Purpose"), Missing("Unknown")
        ] = None

    hashes = {contract_hash(type("Graded", (model,), {})) for model in (Graded, Plain, Closed)}
    assert len(hashes) == 3


class Dated(Toy):
    """The toy model with two dates, which a derived number reads."""

    applied: Annotated[CalendarDate, Field(ge=date(2000, 1, 1), lt=date(2100, 1, 1))]
    opened: CalendarDate | None = None

    @derived(
        Risk(-1),
        Reason("T7", "The account has been open for {months_open:.0f} months"),
        Missing("It is not known when the account was opened"),
    )
    def months_open(columns: Columns) -> Column:  # noqa: N805 -- becomes a Derived
        """Months between the two dates."""
        return (columns["applied"] - columns["opened"]) / 30.4375


DATED: dict[str, Any] = {
    "age": 40,
    "income": 5e4,
    "debt": 1e4,
    "home": "own",
    "applied": "2026-11-30",
    "opened": "2024-11-30",
}


def test_dates_are_read_by_derived_numbers_and_are_no_features() -> None:
    row = Dated.model_validate(DATED)
    columns = columns_from_applications(Dated, [row])
    assert columns["applied"].tolist() == [(date(2026, 11, 30) - date(1970, 1, 1)).days]
    assert columns["months_open"].tolist() == [730 / 30.4375]
    names = {f.characteristic for f in features(Dated)}
    assert names & {"applied", "opened", "months_open"} == {"months_open"}
    by_name = {c.name: c for c in characteristics(Dated)}
    assert value_from_column(by_name["applied"], columns["applied"][0]) == "2026-11-30"
    assert table_from_applications(Dated, [row]).values["opened"] == ["2024-11-30"]
    absent = columns_from_applications(Dated, [Dated.model_validate(DATED | {"opened": None})])
    assert math.isnan(absent["months_open"][0])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("30.11.2026", "Input should be a date such as 2026-11-30"),
        ("2026-02-30", "Input should be a date such as 2026-11-30"),
        ("20261130", "Input should be a date such as 2026-11-30"),
        (20_000, "Input should be a date such as 2026-11-30"),
        (datetime(2026, 11, 30, tzinfo=UTC), "Input should be a date such as 2026-11-30"),
        ("1999-12-31", "greater than or equal to 2000-01-01"),
        ("2100-01-01", "less than 2100-01-01"),
    ],
)
def test_what_is_no_date_within_its_bounds_is_refused(value: object, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Dated.model_validate(DATED | {"applied": value})
    [detail] = caught.value.errors()
    assert plain_rule(detail["msg"]).endswith(message)


def test_rows_with_dates_are_checked_by_column_as_pydantic_checks_them() -> None:
    days = np.array([days_from_date(day) for day in ("1999-12-31", "2026-11-30", "2100-01-01")])
    numbers = {"applied": days, "opened": np.full(3, np.nan)}
    assert find_doubtful(Dated, numbers).tolist() == [True, False, True]


def test_a_name_that_python_reserves_is_refused() -> None:
    with pytest.raises(DeclarationError, match="cls: Python reserves this name"):
        create_model("Broken", __base__=Toy, cls=(Annotated[float, REASON], ...))


def test_a_date_is_declared_by_its_own_type() -> None:
    with pytest.raises(DeclarationError, match="opened: declare a date as CalendarDate"):
        create_model("Broken", __base__=Toy, opened=(date, ...))
    with pytest.raises(DeclarationError, match="opened: a protected, derived or date"):
        create_model("Broken", __base__=Toy, opened=(Annotated[CalendarDate, Changeable()], ...))
