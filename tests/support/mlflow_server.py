"""A real MLflow server on loopback, in an environment of its own, and training that knows it."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.environments import build_environment
from tests.support.running import REPOSITORY, free_port

ENVIRONMENTS = REPOSITORY / "var" / "mlflow"
SERVER_REQUIREMENTS = REPOSITORY / "tests" / "training" / "mlflow_server.txt"
CLIENT_REQUIREMENTS = ("training/requirements.txt", "training/mlflow.txt")
START_SECONDS = 180  # it starts several processes, each of which imports for seconds


@dataclass(frozen=True, slots=True)
class MlflowServer:
    """A running server and its address."""

    uri: str

    def post(self, path: str, **body: object) -> dict[str, Any]:
        """Ask by POST, as MLflow's REST API wants its searches."""
        response = httpx.post(f"{self.uri}/api/2.0/mlflow/{path}", json=body, trust_env=False)
        answer: dict[str, Any] = response.raise_for_status().json()
        return answer

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """Ask by GET."""
        response = httpx.get(f"{self.uri}/api/2.0/mlflow/{path}", params=query, trust_env=False)
        answer: dict[str, Any] = response.raise_for_status().json()
        return answer


def training_python() -> Path:
    """The Python of an environment with what training needs and mlflow-skinny, as locked."""
    folder = ENVIRONMENTS / "client"
    ENVIRONMENTS.mkdir(parents=True, exist_ok=True)
    requirements = ENVIRONMENTS / "client.txt"
    requirements.write_text("".join((REPOSITORY / f).read_text() for f in CLIENT_REQUIREMENTS))
    build_environment(folder, requirements)
    return folder / "bin" / "python"


@contextlib.contextmanager
def running_mlflow(folder: Path) -> Iterator[MlflowServer]:
    """Start the server with a database and its artifacts in a folder; end it afterwards."""
    build_environment(ENVIRONMENTS / "server", SERVER_REQUIREMENTS)
    programs, port = ENVIRONMENTS / "server" / "bin", free_port()
    command = [
        *(str(programs / "mlflow"), "server", "--host", "127.0.0.1", "--port", str(port)),
        *("--workers", "1", "--backend-store-uri", f"sqlite:///{folder}/mlflow.db"),
        *("--artifacts-destination", str(folder / "artifacts")),
    ]
    path = f"{programs}{os.pathsep}{os.defpath}"  # it starts uvicorn by its name
    variables = {"PATH": path, "HOME": str(folder), "MLFLOW_DISABLE_TELEMETRY": "true"}
    log_path = folder / "server.log"
    with log_path.open("ab") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=variables, stdout=log, stderr=log, start_new_session=True
        )
    try:
        uri = f"http://127.0.0.1:{port}"
        if not _becomes_healthy(uri, process):
            pytest.fail(f"the MLflow server did not start:\n{log_path.read_text()}")
        yield MlflowServer(uri)
    finally:
        # It takes many seconds to end by itself, and nothing that it has is needed any more.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _becomes_healthy(uri: str, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{uri}/health", trust_env=False).status_code == httpx.codes.OK:
                return True
        time.sleep(0.2)
    return False
