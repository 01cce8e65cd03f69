"""Features as of a date: values that a reader can check, and nothing of the future."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, get_args

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.catalogue.customer import Customer, Education
from models.contract import characteristics
from models.errors import DataError
from models.table import table_from_applications
from tests.support.counts import counts
from tests.training.pipeline.conftest import ALL_TABLES, ROWS, make_load, read_rows
from training.pipeline.duckdb_warehouse import DuckDBConnection
from training.pipeline.feature_table import (
    INPUTS,
    OPTIONAL,
    CustomerFeatureRow,
    compute_features,
    draw_observations,
    leave_out_optional,
    load_features,
    month_ends,
    read_outcomes,
)
from training.pipeline.source_table import arrow_schema
from training.pipeline.tables import TABLES
from training.pipeline.tables import Education as CrmEducation
from training.pipeline.warehouse import TableLoad, Warehouse

DAY = date(2026, 6, 30)  # as_of is the day after it
AS_OF = date(2026, 7, 1)


def day_before(days: int) -> date:
    return DAY - timedelta(days=days)


def compute(warehouse: Warehouse, *loads: TableLoad, day: date = DAY) -> dict[str, Any]:
    """The features of C1, whose CRM row came a year before."""
    warehouse.replace_days([make_load("customers", day_before(365), {}), *loads])
    [row] = compute_features(warehouse, [day]).to_pylist()
    return dict(row)


def test_a_customer_without_accounts_has_what_the_crm_knows(warehouse: Warehouse) -> None:
    row = compute(warehouse)
    assert (row["customer_id"], row["as_of"]) == ("C1", AS_OF)
    assert (row["age"], row["annual_income"], row["education"]) == (46, 50_000.0, "master")
    assert row["employment_years"] == pytest.approx(11.5, abs=0.01)
    assert (row["num_credit_accounts"], row["total_debt"], row["credit_utilization"]) == (0, 0, 0)
    absent = {name for name, value in row.items() if value is None}
    assert absent == {
        *("mean_utilization_3m", "account_age_months", "payment_history_score"),
        *("paid_share_12m", "interest_rate", "unemployment_rate", "policy_rate", "gdp_growth"),
    }


def test_who_is_not_employed_has_no_years_of_employment(warehouse: Warehouse) -> None:
    warehouse.replace_days([make_load("customers", DAY, {"employed_since": None})])
    [row] = compute_features(warehouse, [DAY]).to_pylist()
    assert row["employment_years"] == 0


def test_a_customer_is_known_from_the_day_after_the_row_came(warehouse: Warehouse) -> None:
    warehouse.replace_days([make_load("customers", DAY, {})])
    assert compute_features(warehouse, [DAY - timedelta(days=1)]).num_rows == 0
    assert compute_features(warehouse, [DAY]).num_rows == 1


def test_of_the_versions_of_a_row_the_last_one_before_the_date_counts(
    warehouse: Warehouse,
) -> None:
    incomes = [(100, 1.0), (10, 2.0), (0, 3.0), (-1, 4.0)]
    loads = [make_load("customers", day_before(n), {"annual_income": i}) for n, i in incomes]
    assert compute(warehouse, *loads)["annual_income"] == 3.0


def test_utilisation_is_of_open_cards_and_debt_of_all_open_accounts(warehouse: Warehouse) -> None:
    loan = {"account_id": "L", "kind": "loan", "credit_limit": 9_000.0, "balance": 600.0}
    closed = {"account_id": "A2", "balance": 50.0, "closed_on": day_before(40)}
    other = {"account_id": "A3", "customer_id": "C2"}
    row = compute(warehouse, make_load("accounts", day_before(30), {}, loan, closed, other))
    assert (row["num_credit_accounts"], row["total_debt"]) == (2, 850.0)
    assert row["credit_utilization"] == 0.25
    assert row["account_age_months"] == 6 * 12 + 6
    # The closed card was still in use within three months: (250 + 50) of 2,000.
    assert row["mean_utilization_3m"] == 0.15


def test_utilisation_is_at_most_all_of_the_limit(warehouse: Warehouse) -> None:
    row = compute(warehouse, make_load("accounts", DAY, {"balance": 1_500.0}))
    assert (row["credit_utilization"], row["mean_utilization_3m"]) == (1.0, 1.5)


def test_a_card_without_a_limit_has_no_utilisation(warehouse: Warehouse) -> None:
    row = compute(warehouse, make_load("accounts", DAY, {"credit_limit": 0.0}))
    assert (row["credit_utilization"], row["mean_utilization_3m"]) == (0.0, None)


def make_payment(number: int, due: date, paid: date | None) -> dict[str, Any]:
    amount = 0.0 if paid is None else 100.0
    name = f"P{number}"
    return {"payment_id": name, "due_date": due, "paid_on": paid, "amount_paid": amount}


def test_late_payments_and_the_worst_delay_are_counted_by_window(warehouse: Warehouse) -> None:
    payments = [
        make_payment(1, day_before(10), day_before(8)),  # 2 days late
        make_payment(2, day_before(100), day_before(95)),  # 5
        make_payment(3, day_before(200), day_before(190)),  # 10
        make_payment(4, day_before(300), day_before(300)),  # in time
        make_payment(5, day_before(400), day_before(350)),  # due more than a year before
    ]
    row = compute(warehouse, make_load("payments", DAY, *payments))
    late = [row[f"late_payments_{months}m"] for months in (3, 6, 12)]
    worst = [row[f"worst_days_past_due_{months}m"] for months in (3, 6, 12)]
    assert (late, worst, row["paid_share_12m"]) == ([1, 2, 3], [2, 5, 10], 1.0)


def test_a_payment_that_is_still_open_is_as_late_as_it_is_old(warehouse: Warehouse) -> None:
    payments = [make_payment(1, day_before(20), None), make_payment(2, DAY, None)]
    row = compute(warehouse, make_load("payments", DAY, *payments))
    assert (row["late_payments_3m"], row["worst_days_past_due_3m"]) == (1, 20)
    assert row["paid_share_12m"] == 0.0


def test_what_was_paid_later_was_open_before(warehouse: Warehouse) -> None:
    due, paid = day_before(20), day_before(5)
    loads = [
        make_load("payments", due, make_payment(1, due, None)),
        make_load("payments", paid, make_payment(1, due, paid)),
    ]
    assert compute(warehouse, *loads)["worst_days_past_due_3m"] == 15
    before = compute(warehouse, day=day_before(10))
    assert (before["worst_days_past_due_3m"], before["paid_share_12m"]) == (10, 0.0)


def test_inquiries_count_once_for_six_months(warehouse: Warehouse) -> None:
    loads = [
        make_load("inquiries", day_before(30), {"inquired_on": day_before(30)}),
        make_load("inquiries", day_before(29), {"inquired_on": day_before(30)}),  # again
        make_load(
            "inquiries", day_before(190), {"inquiry_id": "I2", "inquired_on": day_before(190)}
        ),
    ]
    assert compute(warehouse, *loads)["inquiries_6m"] == 1


def test_of_an_indicator_the_last_month_that_was_released_counts(warehouse: Warehouse) -> None:
    april, may = date(2026, 4, 1), date(2026, 5, 1)
    loads = [
        make_load("macro_indicators", day_before(40), {"period": april, "value": 0.04}),
        make_load("macro_indicators", day_before(20), {"period": may, "value": 0.05}),
        make_load("macro_indicators", day_before(10), {"period": april, "value": 0.041}),  # revised
        make_load("macro_indicators", day_before(-1), {"period": may, "value": 0.06}),  # too late
    ]
    for load in loads:
        released = pa.array([load.day], pa.date32())
        rows = load.rows.set_column(3, "released_on", released)
        warehouse.replace_days([TableLoad(load.table, load.day, rows)])
    assert compute(warehouse)["interest_rate"] == 0.05
    assert compute(warehouse, day=day_before(21))["interest_rate"] == 0.04
    assert compute(warehouse, day=day_before(-1))["interest_rate"] == 0.06


def test_a_release_date_after_the_date_hides_a_figure_that_came_early(
    warehouse: Warehouse,
) -> None:
    early = {"released_on": AS_OF, "value": 0.09}
    assert compute(warehouse, make_load("macro_indicators", DAY, early))["interest_rate"] is None


def test_a_feature_row_is_a_request_of_the_model(warehouse: Warehouse) -> None:
    scores = make_load("bureau_scores", DAY, {})
    rates = [
        make_load("macro_indicators", DAY, {"indicator": name})
        for name in ("interest_rate", "unemployment_rate")
    ]
    both = TableLoad(rates[0].table, DAY, pa.concat_tables([rate.rows for rate in rates]))
    row = compute(warehouse, scores, make_load("accounts", DAY, {}), both)
    request = Customer.model_validate({name: row[name] for name in Customer.model_fields})
    assert request.credit_utilization == row["credit_utilization"]


def test_features_are_stored_once_for_each_day(warehouse: Warehouse) -> None:
    warehouse.replace_days([make_load("customers", day_before(40), {})])
    days = [day_before(30), DAY]
    assert load_features(warehouse, days) == load_features(warehouse, days) == 2
    rows = read_rows(warehouse, "customer_features")
    assert [(row["as_of"], row["day"]) for row in rows] == [
        (day_before(29), day_before(30)),
        (AS_OF, DAY),
    ]


def test_a_day_before_every_customer_is_named(warehouse: Warehouse) -> None:
    with pytest.raises(DataError, match="no customer was known on 2026-06-30: ingest the days"):
        load_features(warehouse, [DAY])


def test_month_ends_and_the_last_day() -> None:
    assert month_ends(date(2026, 4, 30), date(2026, 6, 15)) == [
        date(2026, 4, 30),
        date(2026, 5, 31),
        date(2026, 6, 15),
    ]
    assert month_ends(date(2026, 6, 30), date(2026, 6, 30)) == [date(2026, 6, 30)]


@pytest.mark.parametrize(
    ("defaulted_on", "outcome"),
    [
        (None, [0]),
        (day_before(0), []),  # before as_of: no longer a customer to score
        (AS_OF, [1]),
        (date(2027, 6, 30), [1]),
        (date(2027, 7, 1), [0]),
    ],
)
def test_an_outcome_is_a_default_within_twelve_months(
    warehouse: Warehouse, defaulted_on: date | None, outcome: list[int]
) -> None:
    warehouse.replace_days([make_load("customers", DAY, {})])
    load_features(warehouse, [DAY])
    if defaulted_on:
        warehouse.replace_days(
            [make_load("defaults", defaulted_on, {"defaulted_on": defaulted_on})]
        )
    outcomes = read_outcomes(warehouse, date(2027, 7, 1))
    assert outcomes["default"].to_pylist() == outcome
    assert "day" not in outcomes.column_names


def test_an_outcome_is_not_known_before_its_twelve_months_are_over(warehouse: Warehouse) -> None:
    warehouse.replace_days([make_load("customers", DAY, {})])
    load_features(warehouse, [DAY])
    assert read_outcomes(warehouse, date(2027, 6, 29)).num_rows == 0
    assert read_outcomes(warehouse, date(2027, 6, 30)).num_rows == 1


def test_each_customer_is_drawn_once_and_always_the_same() -> None:
    names = [f"C{number}" for number in range(50)]
    rows = pa.table({"customer_id": names * 12, "month": [m for m in range(12) for _ in names]})
    drawn = draw_observations(rows)
    assert sorted(drawn["customer_id"].to_pylist()) == sorted(names)
    assert len(set(drawn["month"].to_pylist())) > 6
    assert draw_observations(rows) == drawn


# Rows of the future: of any table, about the same customer and the same keys.
KEYS: Mapping[str, Sequence[str]] = {
    "account_id": ("A1", "A2"),
    "payment_id": ("P1", "P2"),
    "inquiry_id": ("I1", "I2"),
    "indicator": ("interest_rate", "gdp_growth"),
}


def draw_row(
    table: str, draw: Callable[[st.SearchStrategy[Any]], Any], first: date, last: date
) -> TableLoad:
    """One load of a table, with dates up to its own day and other values."""
    day = draw(st.dates(first, last))
    change: dict[str, Any] = {}
    for name, value in ROWS[table].items():
        if name in KEYS:
            change[name] = draw(st.sampled_from(KEYS[name]))
        elif isinstance(value, date):
            change[name] = draw(st.dates(date(2025, 1, 1), day))
        elif isinstance(value, float | int):
            change[name] = type(value)(draw(st.integers(300, 800)))
    return make_load(table, day, change)


@st.composite
def histories(
    draw: Callable[[st.SearchStrategy[Any]], Any], first: date, last: date
) -> list[TableLoad]:
    """Loads of any tables, with days of the range; of a table and day the last one counts."""
    tables = draw(st.lists(st.sampled_from(INPUTS), max_size=8))
    loads = [draw_row(table, draw, first, last) for table in tables]
    return list({(load.table.table, load.day): load for load in loads}.values())


PAST = histories(date(2025, 6, 1), DAY)
FUTURE = histories(AS_OF, date(2026, 12, 31))


def features_after(database: duckdb.DuckDBPyConnection, loads: Sequence[TableLoad]) -> pa.Table:
    warehouse = Warehouse(DuckDBConnection(database))
    warehouse.connection.run([f"DELETE FROM {name}" for name in (*TABLES, "loads")])  # noqa: S608
    first = make_load("customers", date(2025, 1, 1), {})
    warehouse.replace_days([first, *loads])
    return compute_features(warehouse, [DAY])


@pytest.fixture(scope="module")
def database() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    Warehouse(DuckDBConnection(connection)).initialise(ALL_TABLES)
    return connection


@pytest.mark.soak
@settings(deadline=None, max_examples=counts().feature_examples)
@given(past=PAST, future=FUTURE)
def test_no_row_of_the_future_changes_a_feature(
    database: duckdb.DuckDBPyConnection, past: list[TableLoad], future: list[TableLoad]
) -> None:
    assert features_after(database, [*past, *future]) == features_after(database, past)


def test_the_property_would_see_a_row_of_the_past(database: duckdb.DuckDBPyConnection) -> None:
    for table in INPUTS:
        if table != "customers":
            change = {"due_date": DAY} if table == "payments" else {}
            changed = features_after(database, [make_load(table, DAY, change)])
            assert changed != features_after(database, []), table


def test_the_columns_of_the_table_are_the_fields_of_the_model_and_nothing_else() -> None:
    columns = [name for name in arrow_schema(CustomerFeatureRow).names if name != "as_of"]
    assert set(columns) == set(Customer.model_fields)
    names = {pa.string(): str, pa.int64(): int, pa.float64(): float}
    for c in characteristics(Customer):
        if c.compute is None:
            kind = names[arrow_schema(CustomerFeatureRow).field(c.name).type]
            assert kind is (str if c.is_text else int if c.is_integer else float), c.name


def test_the_model_has_every_level_of_the_table() -> None:
    assert set(get_args(CrmEducation)) == set(get_args(Education))


def test_every_fifth_customer_is_trained_from_by_the_documented_fields_alone() -> None:
    rows = pa.Table.from_pylist(
        [{"customer_id": f"C{i}", "age": 40, **dict.fromkeys(OPTIONAL, 1)} for i in range(1_000)]
    )
    emptied = leave_out_optional(rows)
    [counts] = {tuple(emptied[name].is_null().to_pylist()) for name in OPTIONAL}
    assert 160 < sum(counts) < 240
    assert emptied["age"].null_count == 0
    assert emptied.schema == rows.schema
    assert leave_out_optional(rows) == emptied


def test_a_row_with_its_optional_features_is_a_request_too(warehouse: Warehouse) -> None:
    names = ("interest_rate", "unemployment_rate", "policy_rate", "gdp_growth")
    rates = [make_load("macro_indicators", DAY, {"indicator": name}) for name in names]
    both = TableLoad(rates[0].table, DAY, pa.concat_tables([rate.rows for rate in rates]))
    loads = [
        *(make_load("bureau_scores", DAY, {}), make_load("accounts", DAY, {}), both),
        *(make_load("payments", DAY, {}), make_load("inquiries", DAY, {})),
    ]
    row = compute(warehouse, *loads)
    request = Customer.model_validate({name: row[name] for name in Customer.model_fields})
    assert {name: value for name, value in request.model_dump().items() if value is None} == {}
    table = table_from_applications(Customer, [request]).numbers
    assert {name: table[name].tolist() for name in ("late_payments_12m", "gdp_growth")} == {
        "late_payments_12m": [row["late_payments_12m"]],
        "gdp_growth": [row["gdp_growth"]],
    }
