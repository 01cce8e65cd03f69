"""Checking by columns and row by row: the same verdicts, the same numbers, the same values."""

import json
from typing import Annotated, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import Field, ValidationError

from models.annotations import Reason
from models.contract import CreditModel, characteristics
from models.discovery import credit_models
from models.table import (
    Table,
    join_tables,
    table_from_applications,
    table_from_columns,
    table_from_rows,
)
from tests.support.counts import counts
from tests.support.published import ROWS as EXAMPLES
from tests.support.toy import Toy

pytestmark = pytest.mark.soak

MODELS: dict[str, type[CreditModel]] = {**credit_models(), "toy": Toy}
ODD: list[Any] = [
    *(None, True, False, 0, 1, -1, 1.0, -0.0, 0.5, 45.0, 1e300, 2**53, 2**53 + 1, 10**400),
    *("", "A11", "x", [], {}, [1], {"a": 1}, -1e-9, 1e-320, "\N{CAT FACE}" * 64, "x" * 65),
]


@st.composite
def many_rows(draw: st.DrawFn) -> tuple[type[CreditModel], list[Any]]:
    """Rows of one model: sound ones at and between their bounds, some then made odd."""
    name = draw(st.sampled_from(sorted(MODELS)))
    model = MODELS[name]
    rows = draw(st.lists(_rows(model, EXAMPLES[name]), min_size=1, max_size=30))
    if draw(st.booleans()):
        return model, rows
    for _ in range(draw(st.integers(1, 2))):
        row = rows[draw(st.integers(0, len(rows) - 1))]
        field = draw(st.sampled_from([*model.model_fields, "unknown"]))
        match draw(st.integers(0, 2)):
            case 0:
                row.pop(field, None)
            case _:
                row[field] = draw(st.sampled_from(ODD))
    return model, rows


def _rows(model: type[CreditModel], example: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=_values(model)).map(lambda changes: example | changes)


def _values(model: type[CreditModel]) -> dict[str, st.SearchStrategy[Any]]:
    strategies: dict[str, st.SearchStrategy[Any]] = {}
    schema = model.model_json_schema()["properties"]
    for c in characteristics(model):
        if c.identifier:
            strategies[c.name] = st.text(min_size=1, max_size=64) | st.none()
        elif c.levels:
            strategies[c.name] = st.sampled_from(c.levels)
        elif c.compute is None:
            numbers = next(s for s in schema[c.name].get("anyOf", [schema[c.name]]) if "type" in s)
            lowest = numbers.get("minimum", numbers.get("exclusiveMinimum", -1e6))
            highest = numbers.get("maximum", numbers.get("exclusiveMaximum", 1e6))
            integers = st.integers(int(np.ceil(lowest)), int(highest))
            strategies[c.name] = integers if c.is_integer else integers | st.floats(lowest, highest)
            if c.optional:
                strategies[c.name] |= st.none()
    return strategies


def verdicts(model: type[CreditModel], rows: list[Any]) -> Table | None:
    """What pydantic says, row by row; None if it refuses any."""
    try:
        return table_from_applications(model, [model.model_validate(row) for row in rows])
    except ValidationError:
        return None


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=counts().table_examples)
@given(case=many_rows())
def test_columns_say_nothing_that_rows_do_not(case: tuple[type[CreditModel], list[Any]]) -> None:
    model, rows = case
    by_rows, by_columns = verdicts(model, rows), table_from_rows(model, rows)
    if by_columns is None:
        return
    assert by_rows is not None
    assert by_columns.numbers.keys() == by_rows.numbers.keys()
    for name, numbers in by_rows.numbers.items():
        np.testing.assert_array_equal(by_columns.numbers[name], numbers)
    names = tuple(model.model_fields)
    assert list(by_columns.rows(names)) == list(by_rows.rows(names))
    assert json.dumps(list(by_columns.rows(names))).replace(".0", "") == json.dumps(
        list(by_rows.rows(names))
    ).replace(".0", "")


@pytest.mark.parametrize("name", sorted(MODELS))
def test_plain_rows_are_taken_by_columns(name: str) -> None:
    model, example = MODELS[name], EXAMPLES[name]
    table = table_from_rows(model, [example] * 3)
    assert table is not None
    assert len(table) == 3


@pytest.mark.parametrize("name", sorted(MODELS))
@pytest.mark.parametrize("odd", [None, True, 1e300, 2**60, 10**400, "no such level", [], {}])
def test_a_field_with_an_odd_value_is_taken_only_where_the_contract_takes_it(
    name: str, odd: object
) -> None:
    model, example = MODELS[name], EXAMPLES[name]
    for field in model.model_fields:
        rows = [example, example | {field: odd}]
        assert table_from_rows(model, rows) is None or verdicts(model, rows) is not None


@pytest.mark.parametrize("rows", [[], [None], [[]], ["x"], [1], [{}], [{"unknown": 1}]])
def test_what_is_no_row_is_left_to_the_contract(rows: list[Any]) -> None:
    assert table_from_rows(Toy, rows) is None


def test_columns_are_taken_as_they_are() -> None:
    [row] = [EXAMPLES["toy"]]
    table = table_from_columns(Toy, {name: [row[name]] * 4 for name in Toy.model_fields})
    assert table is not None
    assert len(table) == 4


def test_a_model_of_one_field_is_taken_too() -> None:
    class Single(CreditModel):
        label = "bad"
        label_definition = "90 days past due"
        horizon = "12 months"
        scale = Toy.scale
        policy = Toy.policy

        income: Annotated[float, Field(ge=0), Reason("R01", "Income")]

    table = table_from_rows(Single, [{"income": 5}, {"income": 6.5}])
    assert table is not None
    assert table.numbers["income"].tolist() == [5.0, 6.5]
    assert table_from_rows(Single, [{"income": -1}]) is None


@pytest.mark.parametrize("name", ["c1", "x" * 64, "\N{CAT FACE}" * 64, None])
def test_identifiers_of_a_length_that_the_contract_takes_are_taken_by_columns(
    name: str | None,
) -> None:
    rows = [EXAMPLES["customer"] | {"customer_id": name}, EXAMPLES["customer"]]
    table = table_from_rows(MODELS["customer"], rows)
    assert table is not None
    assert table.values["customer_id"] == [name, None]
    assert "customer_id" not in table.numbers


@pytest.mark.parametrize("name", ["", "x" * 65, "\N{CAT FACE}" * 65])
def test_identifiers_of_another_length_are_left_to_the_contract(name: str) -> None:
    rows = [EXAMPLES["customer"] | {"customer_id": name}, EXAMPLES["customer"]]
    assert table_from_rows(MODELS["customer"], rows) is None


def test_tables_are_joined_in_their_order() -> None:
    rows = [EXAMPLES["toy"] | {"income": 1_000.0 * (i + 1)} for i in range(5)]
    parts = [table_from_rows(Toy, rows[:3]), table_from_rows(Toy, rows[3:])]
    joined, whole_table = join_tables([t for t in parts if t]), table_from_rows(Toy, rows)
    assert whole_table is not None
    assert joined.values == whole_table.values
    for name, column in whole_table.numbers.items():
        np.testing.assert_array_equal(joined.numbers[name], column)
