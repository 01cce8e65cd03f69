"""A whole day run by Airflow: the tables are those of `make pipeline`."""

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from infra.local.pipeline import SOURCES, PipelineRun, run_step, running_sources
from tests.infra.local.test_pipeline import SMALL, read_lake, read_warehouse, run_pipeline
from tests.support.airflow_environment import NAMES, run_dags
from tests.support.running import REPOSITORY

pytestmark = pytest.mark.environments

DAY = date(2026, 11, 28)


def fill_until_the_day_before(run: PipelineRun, variables: dict[str, str]) -> None:
    """Load and check the history, as the guide says for a new installation."""
    day = date.fromisoformat(run.day)
    bank = ("--day", run.day, "--output", str(run.bank), "--rows", SMALL[1], "--months", SMALL[3])
    since = (
        "--since",
        str(run_step(variables, "generate", "--source", "bank", *bank)["first_day"]),
    )
    until = (*since, "--day", str(day - timedelta(days=1)))
    with running_sources(run) as addresses:
        for source in SOURCES:
            run_step(variables | addresses, "ingest", "--source", source, *until)
    run_step(variables, "quality", *until)
    month_end = day.replace(day=1) - timedelta(days=1)
    run_step(variables, "features", *since, "--day", str(month_end))


def connections(addresses: dict[str, str], warehouse: str) -> dict[str, str]:
    """The connections of the guide, as Airflow reads them from its environment."""
    made = {
        f"AIRFLOW_CONN_SURETY_{source.upper()}": {
            "conn_type": "generic",
            "password": addresses[f"SOURCE_URL_{source.upper()}"],
            "extra": {"token": addresses.get(f"SOURCE_TOKEN_{source.upper()}", "")},
        }
        for source in SOURCES
    }
    made["AIRFLOW_CONN_SURETY_WAREHOUSE"] = {"conn_type": "generic", "host": warehouse}
    return {name: json.dumps(connection) for name, connection in made.items()}


@contextlib.contextmanager
def local_airflow(folder: Path, day: date = DAY) -> Iterator[dict[str, str]]:
    """Fill a bank until the day before, start its sources, and yield what Airflow is told."""
    (folder / "airflow").mkdir()
    run = PipelineRun(folder / "airflow", str(day))
    own = run.name_variables() | {"PATH": os.defpath}
    fill_until_the_day_before(run, own)
    with running_sources(run) as addresses:
        yield own | {
            "SURETY_HOME": str(REPOSITORY),
            "SURETY_PYTHON": sys.executable,
            **connections(addresses, own["WAREHOUSE_URL"]),
        }


def test_a_day_of_all_four_leaves_the_tables_of_make_pipeline(tmp_path: Path) -> None:
    made = run_pipeline(tmp_path / "make", *SMALL)
    assert made.returncode == 0, made.stderr
    # The model and its decisions are those of the other run: what is compared are tables.
    theirs = {
        "MODEL_STORE": (tmp_path / "make" / "store").as_uri(),
        "SURETY_DECISION_LOG": str(tmp_path / "make" / "decisions.jsonl"),
    }
    with local_airflow(tmp_path) as more:
        runs: dict[str, Any] = run_dags(tmp_path / "home", more | theirs, str(DAY), NAMES)
    assert {name: run["state"] for name, run in runs.items()} == dict.fromkeys(NAMES, "success")
    assert {state for run in runs.values() for state in run["tasks"].values()} == {"success"}
    assert read_warehouse(tmp_path / "airflow") == read_warehouse(tmp_path / "make")
    lakes = [
        {Path(name).relative_to(folder): digest for name, digest in read_lake(folder).items()}
        for folder in (tmp_path / "airflow", tmp_path / "make")
    ]
    assert lakes[0] == lakes[1]


def test_a_task_whose_source_is_gone_fails_and_says_so(tmp_path: Path) -> None:
    """The checks run all the same, and fail: nothing has arrived."""
    run = PipelineRun(tmp_path, str(DAY))
    own = run.name_variables()
    gone = dict.fromkeys((f"SOURCE_URL_{source.upper()}" for source in SOURCES), "file:///nowhere")
    more = own | {
        "SURETY_HOME": str(REPOSITORY),
        "SURETY_PYTHON": sys.executable,
        **connections(gone, own["WAREHOUSE_URL"]),
    }
    runs = run_dags(tmp_path / "home", more, str(DAY), ("data_ingestion",))
    assert runs["data_ingestion"]["state"] == "failed"
    assert set(runs["data_ingestion"]["tasks"].values()) == {"failed"}
