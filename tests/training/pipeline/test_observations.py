"""Rows to train from: a file for the time of a training run."""

from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet_files
import pytest

from models.errors import DataError
from training.cli_pipeline import WAREHOUSE_TABLES
from training.pipeline.feature_table import CustomerFeatureRow
from training.pipeline.observations import open_observations, write_observations
from training.pipeline.source_table import arrow_schema
from training.pipeline.warehouse import TableLoad, Warehouse
from training.pipeline.warehouse_url import open_warehouse
from training.settings import PipelineSettings

DAY = date(2026, 6, 30)
AS_OF = date(2025, 6, 1)
FEATURES = {
    field.name: "x" if pa.types.is_string(field.type) else 1
    for field in arrow_schema(CustomerFeatureRow)
} | {"customer_id": "C1", "as_of": AS_OF, "education": "master"}


def fill(warehouse: Warehouse) -> None:
    """One customer, whose outcome is known a year after the date of its features."""
    warehouse.initialise(WAREHOUSE_TABLES)
    rows = pa.Table.from_pylist([FEATURES], arrow_schema(CustomerFeatureRow))
    warehouse.replace_days([TableLoad(CustomerFeatureRow, AS_OF - timedelta(days=1), rows)])


def test_rows_are_in_a_file_of_the_days_name_while_they_are_read(tmp_path: Path) -> None:
    url = f"duckdb:///{tmp_path / 'w.duckdb'}"
    with open_warehouse(url) as warehouse:
        fill(warehouse)
    with open_observations(f"warehouse:{DAY}", PipelineSettings(warehouse_url=url)) as location:
        assert location is not None
        assert Path(location).name == "observations-2026-06-30.parquet"
        [row] = parquet_files.read_table(location).to_pylist()
    assert (row["customer_id"], row["default"]) == ("C1", 0)
    assert not Path(location).exists()


def test_before_the_first_outcome_the_message_names_the_remedy(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=r"before 2025-06-30 has an outcome; .* features --since"):
        write_observations(warehouse, DAY, tmp_path / "none.parquet")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("data", [None, "rows.csv", "gs://bucket/rows.parquet"])
def test_other_data_is_left_as_it_is(data: str | None) -> None:
    with open_observations(data, PipelineSettings()) as location:
        assert location == data


def test_what_is_no_day_is_named() -> None:
    with (
        pytest.raises(DataError, match="--data warehouse:now: 'now' is not a day"),
        open_observations("warehouse:now", PipelineSettings()),
    ):
        pytest.fail("it was opened")
