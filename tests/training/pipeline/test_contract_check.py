"""Delivered rows against the contract: what is accepted, what is refused, and why."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from models.errors import DataError
from tests.training.pipeline.conftest import ROWS
from training.pipeline.contract_check import (
    REPEATED,
    TWICE,
    ContractRows,
    check_columns,
    check_rows,
    separate_repeated,
)
from training.pipeline.delivery import Batch, batch_from_rows
from training.pipeline.source_table import arrow_schema
from training.pipeline.tables import AccountRow, CustomerRow, PaymentRow

DAY = date(2026, 6, 1)


def check_payments(*changes: dict[str, Any]) -> ContractRows:
    rows = [{**ROWS["payments"], **change} for change in changes]
    return check_rows(PaymentRow, [batch_from_rows(rows)], DAY)


def test_a_row_that_follows_the_contract_is_taken_as_it_is() -> None:
    checked = check_payments({})
    assert checked.accepted.to_pylist() == [ROWS["payments"]]
    assert checked.refused == ()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"amount_due": -1.0}, "amount_due: Input should be greater than or equal to 0"),
        ({"amount_due": None}, "amount_due: Input should be a valid number"),
        ({"amount_due": float("nan")}, "amount_due: Input should be greater than or equal to 0"),
        ({"amount_due": "1_000"}, "amount_due: Input should be a number without underscores"),
        ({"payment_id": ""}, "payment_id: String should have at least 1 character"),
        ({"payment_id": 7}, "payment_id: Input should be a valid string"),
        ({"due_date": "soon"}, "due_date: Input should be a valid date or datetime, input is"),
        ({"due_date": date(1800, 1, 1)}, "due_date: Input should be greater than or equal to 1900"),
        ({"due_date": date(2026, 6, 2)}, "due_date: dated after the day of the load"),
        ({"paid_on": date(2026, 6, 2)}, "paid_on: dated after the day of the load"),
    ],
)
def test_a_refused_row_has_its_number_and_the_rule_without_the_value(
    change: dict[str, Any], reason: str
) -> None:
    checked = check_payments({}, change, {})
    [row] = checked.refused
    assert (row.number, row.values) == (2, {**ROWS["payments"], **change})
    assert row.reason.startswith(reason)
    assert checked.accepted.num_rows == 2


def test_what_means_the_same_is_converted() -> None:
    checked = check_payments(
        {"payment_id": " P2 ", "amount_due": Decimal("12.50"), "amount_paid": "12.5"},
        {"due_date": "2026-05-01", "amount_due": 7, "paid_on": datetime(2026, 5, 2)},  # noqa: DTZ001
    )
    assert checked.refused == ()
    first, second = sorted(checked.accepted.to_pylist(), key=lambda row: str(row["due_date"]))[::-1]
    assert (first["payment_id"], first["amount_due"], first["amount_paid"]) == ("P2", 12.5, 12.5)
    assert (second["due_date"], second["paid_on"]) == (date(2026, 5, 1), date(2026, 5, 2))


def test_a_row_that_lacks_a_value_is_refused_though_others_have_it() -> None:
    short = {name: value for name, value in ROWS["payments"].items() if name != "paid_on"}
    [row] = check_rows(PaymentRow, [batch_from_rows([ROWS["payments"], short])], DAY).refused
    assert (row.number, row.reason) == (2, "paid_on: Field required")


def test_rows_are_numbered_over_all_batches() -> None:
    bad = {**ROWS["payments"], "amount_due": -1}
    batches = [batch_from_rows([ROWS["payments"]] * 3), batch_from_rows([ROWS["payments"], bad])]
    assert [row.number for row in check_rows(PaymentRow, batches, DAY).refused] == [5]


def test_arrow_columns_are_checked_like_python_values() -> None:
    table = pa.Table.from_pylist([ROWS["payments"]], schema=arrow_schema(PaymentRow))
    whole_numbers = table.set_column(4, "amount_due", pa.array([100], pa.int32()))
    for rows in (table, whole_numbers):
        batch = Batch(dict(zip(rows.column_names, rows.columns, strict=True)), 1)
        assert check_rows(PaymentRow, [batch], DAY).accepted.to_pylist() == [ROWS["payments"]]


def test_changed_columns_are_named_even_on_a_day_without_rows() -> None:
    names = [*(name for name in PaymentRow.model_fields if name != "paid_on"), "paidOn", "paidOn"]
    expected = "payments: the columns .* it lacks paid_on; unknown: paidOn; twice: paidOn. Declare"
    with pytest.raises(DataError, match=expected):
        check_columns(PaymentRow, names)
    with pytest.raises(DataError, match="it lacks paid_on"):
        check_rows(PaymentRow, [Batch(dict.fromkeys(names, ()), 0)], DAY)


def test_equal_rows_stay_once_and_rows_that_differ_under_one_key_go() -> None:
    schema = arrow_schema(AccountRow)
    rows = [{**ROWS["accounts"], "account_id": name} for name in ("B", "A", "A", "C", "C")]
    rows[4]["balance"] = 9.0
    accepted, refused = separate_repeated(AccountRow, pa.Table.from_pylist(rows, schema=schema))
    assert [row["account_id"] for row in accepted.to_pylist()] == ["A", "B"]
    assert [row.reason for row in refused] == [TWICE, TWICE, REPEATED]


def test_rows_without_repetition_are_only_sorted() -> None:
    rows = [{**ROWS["accounts"], "account_id": name} for name in ("B", "C", "A")]
    table = pa.Table.from_pylist(rows, schema=arrow_schema(AccountRow))
    accepted, refused = separate_repeated(AccountRow, table)
    assert [row["account_id"] for row in accepted.to_pylist()] == ["A", "B", "C"]
    assert refused == ()
    assert separate_repeated(AccountRow, table.slice(0, 0))[0].num_rows == 0


ODD_VALUES = st.one_of(
    st.none(),
    st.text(max_size=3),
    st.sampled_from(
        ["x" * 65, " a ", "\u2003b", "master", "north", "2026-01-01", "12", "1_0", "nan"]
    ),
    st.integers(-3, 3),
    st.sampled_from([10**13, 2**70, -(2**70)]),
    st.floats(),
    st.booleans(),
    st.dates(date(1890, 1, 1), date(2030, 1, 1)),
    st.decimals(-2, 10**13, places=2),
)
CUSTOMERS = st.lists(
    st.fixed_dictionaries(
        {name: st.one_of(st.just(value), ODD_VALUES) for name, value in ROWS["customers"].items()}
    ),
    min_size=1,
    max_size=6,
)


def accept_by_pydantic(row: dict[str, Any]) -> dict[str, Any] | None:
    """What the contract says of one row, without any column."""
    plain = {n: float(v) if isinstance(v, Decimal) else v for n, v in row.items()}
    try:
        accepted = dict(CustomerRow.model_validate(plain))
    except ValidationError:
        return None
    dates = [accepted[name] for name in CustomerRow.dated_by]
    return None if any(value and value > DAY for value in dates) else accepted


@settings(deadline=None)
@given(CUSTOMERS)
def test_columns_accept_exactly_what_pydantic_accepts(rows: list[dict[str, Any]]) -> None:
    checked = check_rows(CustomerRow, [batch_from_rows(rows)], DAY)
    by_row = [accept_by_pydantic(row) for row in rows]
    key: Callable[[dict[str, Any]], str] = repr
    expected = sorted((row for row in by_row if row is not None), key=key)
    assert sorted(checked.accepted.to_pylist(), key=key) == expected
    assert [row.number for row in checked.refused] == [
        number for number, row in enumerate(by_row, start=1) if row is None
    ]
