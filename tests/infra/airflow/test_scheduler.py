"""Airflow as it runs: its scheduler starts what is due."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from tests.infra.airflow.test_day import local_airflow
from tests.support.airflow_environment import running_airflow
from tests.support.counts import counts

pytestmark = [
    pytest.mark.environments,
    pytest.mark.soak,
    pytest.mark.skipif(not counts().is_full, reason="full counts only: Airflow takes minutes"),
]


def test_a_scheduler_starts_by_itself_what_was_due_last(tmp_path: Path) -> None:
    """At 02:00 ingestion of the day before was due: that is the bank's last day."""
    day = (datetime.now(UTC) - timedelta(hours=2)).date() - timedelta(days=1)
    with (
        local_airflow(tmp_path, day) as more,
        running_airflow(tmp_path / "home", more) as airflow,
    ):
        for name in ("data_ingestion", "feature_engineering"):
            assert airflow.await_due_run(name) == "success", name
    with duckdb.connect(tmp_path / "airflow" / "warehouse.duckdb", read_only=True) as warehouse:
        days = {row[0] for row in warehouse.execute("SELECT day FROM quality_checks").fetchall()}
    assert day in days
