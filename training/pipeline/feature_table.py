"""The feature table of customers, computed in the warehouse as of a date."""

import hashlib
from collections.abc import Sequence
from datetime import date, timedelta
from typing import ClassVar

import pyarrow as pa
from pyarrow import compute

from models.catalogue.customer import Customer
from models.contract import find_identifier
from models.errors import DataError
from training.pipeline.feature_queries import read_query
from training.pipeline.source_table import (
    Amount,
    Count,
    Number,
    SourceTable,
    Word,
    arrow_schema,
)
from training.pipeline.tables import Education
from training.pipeline.warehouse import TableLoad, Warehouse

FEATURE_QUERY, OUTCOME_QUERY = "customer_features", "customer_outcomes"
# Relations of the queries in whose places tables of days are put.
FEATURE_DAYS, OUTCOME_DAYS = "feature_days", "outcome_days"
OUTCOME = "default"
OPTIONAL = tuple(
    name
    for name, field in Customer.model_fields.items()
    if not field.is_required() and name != find_identifier(Customer)
)
# Of the rows to train from, those whose optional features are left out: one in so many.
DOCUMENTED_ALONE = 5
# The tables that the features read. The outcomes read `defaults` as well.
INPUTS = (
    "customers",
    "accounts",
    "payments",
    "inquiries",
    "bureau_scores",
    "macro_indicators",
)


class CustomerFeatureRow(SourceTable):
    """What was known of a customer before a date: demographic, transactional, macroeconomic."""

    table: ClassVar = "customer_features"
    key: ClassVar = ("customer_id", "as_of")

    customer_id: Word
    as_of: date
    age: Count
    annual_income: Amount
    employment_years: Amount
    education: Education
    region: Word
    credit_utilization: Amount
    mean_utilization_3m: Amount | None
    num_credit_accounts: Count
    total_debt: Amount
    account_age_months: Count | None
    payment_history_score: Count | None
    late_payments_3m: Count
    late_payments_6m: Count
    late_payments_12m: Count
    worst_days_past_due_3m: Count
    worst_days_past_due_6m: Count
    worst_days_past_due_12m: Count
    paid_share_12m: Amount | None
    inquiries_6m: Count
    interest_rate: Number | None
    unemployment_rate: Number | None
    policy_rate: Number | None
    gdp_growth: Number | None


def month_ends(since: date, day: date) -> list[date]:
    """Return the last days of the months from `since` on, before `day`, and `day` itself."""
    days = []
    current = since
    while current < day:
        following = current + timedelta(days=1)
        if following.month != current.month:
            days.append(current)
        current = following
    return [*days, day]


def compute_features(warehouse: Warehouse, days: Sequence[date]) -> pa.Table:
    """Compute the features of every customer as they stood at the end of each of the days."""
    following = [day + timedelta(days=1) for day in days]
    dates = pa.table({"as_of": pa.array(following, pa.date32())})
    query = read_query(FEATURE_QUERY, warehouse.connection.dialect)
    with warehouse.connection.stage(FEATURE_DAYS, dates) as stage:
        rows = warehouse.connection.read(query.replace(FEATURE_DAYS, stage))
    return rows.cast(arrow_schema(CustomerFeatureRow))


def load_features(warehouse: Warehouse, days: Sequence[date]) -> int:
    """Replace the feature rows of the days, and return their number.

    Raises
    ------
    DataError
        If a day has no customer: then nothing has been ingested before it.
    """
    rows = compute_features(warehouse, days)
    loads = []
    for day in days:
        as_of = pa.scalar(day + timedelta(days=1), pa.date32())
        part = rows.filter(compute.equal(rows["as_of"], as_of))
        if not part.num_rows:
            message = f"no customer was known on {day}: ingest the days before it first"
            raise DataError(message)
        loads.append(TableLoad(CustomerFeatureRow, day, part))
    warehouse.replace_days(loads)
    return sum(load.rows.num_rows for load in loads)


def draw_observations(rows: pa.Table) -> pa.Table:
    """Return one row of each customer, whose date the customer's name decides.

    Rows of one customer share most of the months that decide their outcomes. A model and its gates
    would count them as if they were independent.
    """
    indices: dict[str, list[int]] = {}
    for index, customer_id in enumerate(rows["customer_id"].to_pylist()):
        indices.setdefault(customer_id, []).append(index)
    drawn = [
        candidates[_hash(customer_id, 0) % len(candidates)]
        for customer_id, candidates in indices.items()
    ]
    return rows.take(pa.array(sorted(drawn), pa.int64()))


def leave_out_optional(rows: pa.Table) -> pa.Table:
    """Empty the optional features of every fifth customer, as the customer's name decides.

    The warehouse has them for everybody, and a caller may send the documented fields alone. A
    model that never saw a row without the others would answer such a request by accident.
    """
    is_emptied = pa.array(
        [_hash(name, 8) % DOCUMENTED_ALONE == 0 for name in rows["customer_id"].to_pylist()],
        pa.bool_(),
    )
    for name in OPTIONAL:
        index = rows.schema.get_field_index(name)
        emptied = compute.if_else(is_emptied, pa.scalar(None, rows.schema.types[index]), rows[name])
        rows = rows.set_column(index, pa.field(name, emptied.type), emptied)
    return rows


def _hash(name: str, first: int) -> int:
    """Return a number that a name decides; another first byte gives an independent one."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[first : first + 8])


def read_outcomes(warehouse: Warehouse, day: date) -> pa.Table:
    """Return the feature rows whose outcome is known at the end of a day, with `default`."""
    # Nothing is staged, so that whoever trains needs no right to write.
    following = f"(SELECT CAST('{day + timedelta(days=1)}' AS DATE) AS known_before)"
    query = read_query(OUTCOME_QUERY, warehouse.connection.dialect)
    rows = warehouse.connection.read(query.replace(OUTCOME_DAYS, following))
    return rows.cast(arrow_schema(CustomerFeatureRow).append(pa.field(OUTCOME, pa.int64())))
