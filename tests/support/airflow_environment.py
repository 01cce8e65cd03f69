"""Airflow in an environment of its own: its DAGs listed, and run."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.environments import build_environment
from tests.support.running import REPOSITORY

DAGS = REPOSITORY / "infra" / "airflow" / "dags"
NAMES = ("data_ingestion", "feature_engineering", "model_training", "model_monitoring")
ENVIRONMENT = REPOSITORY / "var" / "airflow"
REQUIREMENTS = REPOSITORY / "tests" / "infra" / "airflow" / "airflow.txt"
SCRIPT = REPOSITORY / "tests" / "support" / "airflow_dags.py"
DAY_SECONDS = 900


def find_airflow() -> Path:
    """The folder with Airflow's programs."""
    ENVIRONMENT.parent.mkdir(exist_ok=True)
    build_environment(ENVIRONMENT, REQUIREMENTS)
    return ENVIRONMENT / "bin"


def variables(home: Path, more: Mapping[str, str]) -> dict[str, str]:
    """The environment of Airflow's processes: nothing of this machine's own."""
    return {
        "PATH": os.defpath,
        "HOME": str(home),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "NO_PROXY": "*",
        **more,
    }


def list_dags(home: Path, more: Mapping[str, str]) -> dict[str, Any]:
    """What Airflow imports."""
    return _run(home, more, "list", str(DAGS))


def run_dags(home: Path, more: Mapping[str, str], day: str, names: tuple[str, ...]) -> Any:  # noqa: ANN401 -- as printed
    """Run DAGs for a day one after the other, and return the states of each."""
    migrate(home, more)
    return _run(home, more, "test", str(DAGS), day, *names)


def migrate(home: Path, more: Mapping[str, str]) -> None:
    """Make Airflow's own database, a file."""
    command = [str(find_airflow() / "airflow"), "db", "migrate"]
    subprocess.run(command, env=variables(home, more), check=True, capture_output=True)


def _run(home: Path, more: Mapping[str, str], *words: str) -> dict[str, Any]:
    done = subprocess.run(
        [str(find_airflow() / "python"), str(SCRIPT), *words],
        env=variables(home, more),
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=DAY_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer
