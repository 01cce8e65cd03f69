"""Airflow in an environment of its own: its DAGs listed, and run."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.support.environments import build_environment
from tests.support.running import REPOSITORY, free_port

DAGS = REPOSITORY / "infra" / "airflow" / "dags"
NAMES = ("data_ingestion", "feature_engineering", "model_training", "model_monitoring")
ENVIRONMENT = REPOSITORY / "var" / "airflow"
REQUIREMENTS = REPOSITORY / "tests" / "infra" / "airflow" / "airflow.txt"
SCRIPT = REPOSITORY / "tests" / "support" / "airflow_dags.py"
DAY_SECONDS = 900
START_SECONDS = 300  # four processes, each of which imports for seconds


def find_airflow() -> Path:
    """The folder with Airflow's programs."""
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


@dataclass(frozen=True)
class RunningAirflow:
    """Airflow's processes, and the address of its interface."""

    url: str

    def await_due_run(self, dag: str) -> str:
        """Switch a DAG on, wait until the run that was due last has ended, and return how."""
        with httpx.Client(base_url=f"{self.url}/api/v2", trust_env=False, timeout=60) as client:
            token = client.get(f"{self.url}/auth/token").json()["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"
            client.patch(f"/dags/{dag}", json={"is_paused": False}).raise_for_status()
            deadline = time.monotonic() + DAY_SECONDS
            while time.monotonic() < deadline:
                runs = client.get(f"/dags/{dag}/dagRuns").raise_for_status().json()["dag_runs"]
                states = {run["state"] for run in runs if run["run_type"] == "scheduled"}
                if ended := states & {"success", "failed"}:
                    return str(*ended)
                time.sleep(1)
        return "unfinished"


@contextlib.contextmanager
def running_airflow(home: Path, more: Mapping[str, str]) -> Iterator[RunningAirflow]:
    """Start scheduler, interface and what reads the DAGs, on ports of their own; end them."""
    port, log = free_port(), home.parent / "airflow.log"
    own = {
        "PATH": f"{find_airflow()}:{os.defpath}",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__CORE__PARALLELISM": "2",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
    }
    command = [str(find_airflow() / "airflow"), "standalone"]
    environment = variables(home, {**more, **own})
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_healthy(url, log)
        yield RunningAirflow(url)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=30)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def wait_until_healthy(url: str, log: Path) -> None:
    """Return once the scheduler says that it runs; fail with the log otherwise."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError, ValueError, KeyError):
            answer = httpx.get(f"{url}/api/v2/monitor/health", trust_env=False).json()
            parts = ("scheduler", "dag_processor", "metadatabase")
            if all(answer[part]["status"] == "healthy" for part in parts):
                return
        time.sleep(1)
    raise AssertionError(log.read_text()[-5_000:])


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
