"""The four DAGs as the newest Airflow reads them, in an environment of its own."""

import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.airflow_environment import DAGS, NAMES, list_dags
from tests.support.running import REPOSITORY
from training.cli import build_parser
from training.settings import settings_from_environment

pytestmark = pytest.mark.environments

SCHEDULES = {
    "data_ingestion": "0 2 * * *",
    "feature_engineering": "0 4 * * *",
    "model_training": "0 1 * * 0",
    "model_monitoring": "0 6 * * *",
}
CLOUD = {
    "SURETY_RUNNER": "cloud_run",
    "SURETY_PROJECT": "example-project",
    "SURETY_REGION": "europe-west1",
    "SURETY_ENVIRONMENT": "prod",
    "SURETY_DECISION_LOG": "bigquery://example-project/prod_decisions/run_googleapis_com_stdout",
}
RUNNERS: dict[str, dict[str, str]] = {"local": {}, "cloud_run": CLOUD}


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What Airflow imports, for each of the two places where commands run."""
    home = tmp_path_factory.mktemp("airflow")
    return {runner: list_dags(home, variables) for runner, variables in RUNNERS.items()}


def tasks(described: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: task for dag in described["dags"].values() for name, task in dag["tasks"].items()}


@pytest.mark.parametrize("runner", RUNNERS)
def test_all_four_are_imported_without_an_error_at_their_promised_times(
    described: dict[str, dict[str, Any]], runner: str
) -> None:
    assert described[runner]["errors"] == {}
    dags = described[runner]["dags"]
    assert {name: dag["schedule"] for name, dag in dags.items()} == SCHEDULES
    assert set(SCHEDULES) == set(NAMES)
    assert {(dag["catchup"], dag["max_active_runs"]) for dag in dags.values()} == {(False, 1)}


@pytest.mark.parametrize("runner", RUNNERS)
def test_every_task_is_one_command_of_ours(
    described: dict[str, dict[str, Any]], runner: str
) -> None:
    parser = build_parser(settings_from_environment({}))
    for name, task in tasks(described[runner]).items():
        command = re.sub(r"\{\{.*?\}\}", "2026-11-28", task["command"])
        template = [re.sub(r"\{\{.*?\}\}", "2026-11-28", word) for word in task["arguments"]]
        words = template or shlex.split(command)[3:]
        if task["job"] == "prod-train-customer":
            continue  # as Terraform wrote it
        assert parser.parse_args(words).run, name


def test_a_run_is_for_the_day_before_or_for_the_one_that_is_named(
    described: dict[str, dict[str, Any]],
) -> None:
    day = "{{ params.day or macros.ds_add(dag_run.run_after.strftime('%Y-%m-%d'), -1) }}"
    for task in tasks(described["local"]).values():
        assert task["command"].endswith(day)


def test_in_the_cloud_the_jobs_of_terraform_run(described: dict[str, dict[str, Any]]) -> None:
    jobs = {task["job"] for task in tasks(described["cloud_run"]).values()}
    planned = (REPOSITORY / "terraform" / "plans" / "running.md").read_text()
    assert len(jobs) == 8
    assert all(f"| name | {job} |" in planned for job in jobs)
    kinds = {task["kind"] for task in tasks(described["cloud_run"]).values()}
    assert kinds == {"CloudRunExecuteJobOperator"}


def test_a_task_that_hangs_ends_and_one_that_fails_is_tried_again(
    described: dict[str, dict[str, Any]],
) -> None:
    for task in tasks(described["local"]).values():
        assert (task["seconds"], task["retries"]) == (7_200, 2)
    quality = tasks(described["local"])["quality"]
    assert quality["after"] == ["ingest-core-banking", "ingest-crm", "ingest-macro"]


def test_addresses_come_from_connections_and_never_from_the_file(
    described: dict[str, dict[str, Any]],
) -> None:
    environment = tasks(described["local"])["ingest-crm"]["environment"]
    assert {"SOURCE_URL_CRM", "SOURCE_TOKEN_MACRO", "WAREHOUSE_SECRET"} < set(environment)
    guide = (REPOSITORY / "docs" / "airflow.md").read_text()
    for connection in ("surety_core_banking", "surety_crm", "surety_macro", "surety_warehouse"):
        assert f"`{connection}`" in guide


def test_ruff_finds_nothing_of_an_older_airflow() -> None:
    """All rules are on; these know what Airflow 3 moved or took away."""
    command = [".venv/bin/ruff", "check", "--select", "AIR", "--output-format", "json", str(DAGS)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert json.loads(done.stdout) == []
    assert Path(DAGS, "surety.py").exists()
