"""A day's features as the scoring service looks them up."""

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from models.catalogue.application import Application
from models.catalogue.customer import Customer
from models.errors import DataError, DeclarationError
from models.registry.feature_snapshot import find_snapshot, read_shard
from models.stores.uri import open_store
from training.pipeline.feature_table import CustomerFeatureRow
from training.pipeline.snapshot import publish_features
from training.pipeline.source_table import arrow_schema
from training.pipeline.warehouse import TableLoad, Warehouse

DAY = date(2026, 6, 30)
ROW: dict[str, Any] = (
    {
        "customer_id": "C1",
        "as_of": date(2026, 7, 1),
        "age": 46,
        "annual_income": 50_000.0,
        "employment_years": 11.4,
        "education": "master",
        "region": "north",
        "credit_utilization": 0.25,
        "num_credit_accounts": 1,
        "total_debt": 250.0,
        "payment_history_score": 700,
        "interest_rate": 0.05,
        "unemployment_rate": 0.04,
    }
    | dict.fromkeys(
        ("late_payments_3m", "late_payments_6m", "late_payments_12m", "inquiries_6m"), 0
    )
    | dict.fromkeys([f"worst_days_past_due_{n}m" for n in (3, 6, 12)], 0)
)


def load_rows(warehouse: Warehouse, *rows: dict[str, Any]) -> None:
    table = pa.Table.from_pylist(
        [ROW | row for row in rows], schema=arrow_schema(CustomerFeatureRow)
    )
    warehouse.replace_days([TableLoad(CustomerFeatureRow, DAY, table)])


def test_what_the_contract_takes_is_published_and_the_rest_is_counted_by_field(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    load_rows(
        warehouse,
        {},
        {"customer_id": "C2", "payment_history_score": None},
        {"customer_id": "C3", "age": 17, "annual_income": 0.0},
        {"customer_id": "C4"},
    )
    store = open_store(tmp_path.as_uri())
    published = publish_features(warehouse, store, Customer, DAY)
    assert (published.rows, published.refused) == (2, 2)
    assert published.refused_by_field == {"age": 1, "annual_income": 1, "payment_history_score": 1}
    snapshot = find_snapshot(store, "customer", DAY, 0)
    assert snapshot is not None
    rows = read_shard(store, snapshot, "")
    assert set(rows) == {"C1", "C4"}
    sent = {name: value for name, value in ROW.items() if name in Customer.model_fields}
    assert Customer.model_validate(rows["C1"] | {"customer_id": "C1"}) == Customer.model_validate(
        sent
    )
    assert publish_features(warehouse, store, Customer, DAY) == published


def test_a_day_without_features_or_a_model_without_identifier_is_refused(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    store = open_store(tmp_path.as_uri())
    with pytest.raises(DataError, match="run features --day 2026-06-30 first"):
        publish_features(warehouse, store, Customer, DAY)
    with pytest.raises(DeclarationError, match="application has no identifier"):
        publish_features(warehouse, store, Application, DAY)
    assert store.names("") == []
