"""The feature table of customers, computed in the warehouse as of a date."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import ClassVar

import pyarrow as pa

from models.errors import DataError
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

QUERIES = Path(__file__).with_name("features")
FEATURES = (QUERIES / "customer_features.sql").read_text()
OUTCOMES = (QUERIES / "customer_outcomes.sql").read_text()
COMPUTED = "computed"  # in place of a load of the lake


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
    dates = pa.table({"as_of": pa.array([day + timedelta(days=1) for day in days], pa.date32())})
    with warehouse.stage(dates) as stage:
        observations = (
            "SELECT DISTINCT c.customer_id, o.as_of "
            f"FROM {stage} AS o INNER JOIN customers AS c ON c.day < o.as_of"
        )
        statement = FEATURES.replace("WITH\n", f"WITH observations AS ({observations}),\n", 1)
        rows = warehouse.read(f"SELECT * FROM ({statement}) ORDER BY as_of, customer_id")
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
        part = rows.filter(pa.compute.equal(rows["as_of"], as_of))
        if not part.num_rows:
            message = f"no customer was known on {day}: ingest the days before it first"
            raise DataError(message)
        loads.append(TableLoad(CustomerFeatureRow, day, part, COMPUTED, "", 0))
    warehouse.replace_days(loads)
    return sum(load.rows.num_rows for load in loads)


def read_outcomes(warehouse: Warehouse, day: date) -> pa.Table:
    """Return the feature rows whose outcome is known at the end of a day, with `default`."""
    return warehouse.read(OUTCOMES, [day + timedelta(days=1)])
