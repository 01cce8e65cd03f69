"""Airflow as it runs: a scheduler, workers of its own, and runs that somebody starts."""

from pathlib import Path

import pytest

from tests.infra.airflow.test_day import DAY, local_airflow
from tests.infra.local.test_pipeline import read_warehouse
from tests.support.airflow_environment import running_airflow
from tests.support.counts import counts

pytestmark = [
    pytest.mark.environments,
    pytest.mark.soak,
    pytest.mark.skipif(not counts().is_full, reason="full counts only: Airflow takes minutes"),
]


def test_a_scheduler_runs_the_day_that_it_is_given(tmp_path: Path) -> None:
    with local_airflow(tmp_path) as more, running_airflow(tmp_path / "home", more) as airflow:
        for name in ("data_ingestion", "feature_engineering"):
            assert airflow.run(name, DAY) == "success", name
    assert {"customer_features", "quality_checks"} <= set(read_warehouse(tmp_path / "airflow"))
