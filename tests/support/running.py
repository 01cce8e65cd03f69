"""The real commands and servers, as a user starts them."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SHARED_DATA = REPOSITORY.parent / "shared" / "data"
# What `make setup` makes first: this Python's own pip, and uv. The environment itself has neither.
TOOLS = REPOSITORY / ".uv" / "bin"
START_SECONDS = 30
STOP_SECONDS = 20
MODELS = ("application", "bureau", "card_default", "customer", "german_credit")

ServerKind = Literal[
    "module",
    "serve",
    "framework",
    "retrain module",
    "retrain framework",
    "lending module",
    "lending framework",
    "batch module",
    "batch framework",
    "dashboard module",
    "echo",
]


def _module(function: str) -> list[str]:
    return [sys.executable, "-m", f"functions.{function}"]


def _framework(function: str) -> list[str]:
    command = str(Path(sys.executable).parent / "functions-framework")
    return [command, f"--target={function}", f"--source=functions/{function}/main.py"]


SERVER_COMMANDS: dict[ServerKind, list[str]] = {
    "module": _module("scoring"),
    "serve": [*_module("scoring"), "serve"],
    "framework": _framework("scoring"),
    "retrain module": _module("retrain"),
    "retrain framework": _framework("retrain"),
    "lending module": _module("lending"),
    "lending framework": _framework("lending"),
    "batch module": _module("batch"),
    "batch framework": _framework("batch"),
    "dashboard module": _module("dashboard"),
    "echo": [sys.executable, "-m", "tests.support.echo_service"],
}


@dataclass(frozen=True)
class ModelStore:
    """A model store with a champion of each model, and by model its version and family."""

    uri: str
    summaries: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class TrainedStore(ModelStore):
    """A model store filled by the real command, which printed the summaries."""


@dataclass(frozen=True)
class MadeRun:
    """What `make run` printed until it served every model, and the model store it filled."""

    store: str
    port: int
    output: str


def make_run(store: str, clone: Path = REPOSITORY, until: str = "All ") -> MadeRun:
    """Run `make run` as a user does, until it prints a line; then end it with SIGTERM.

    By default that is the line which says that it serves every model.
    """
    port = free_port()
    process = subprocess.Popen(
        ["make", "run", f"PORT={port}"],
        cwd=clone,
        env=os.environ | {"MODEL_STORE": store},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    lines = []
    with process.stdout as output:
        try:
            for line in output:
                lines.append(line)
                if line.startswith(until):
                    break
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=STOP_SECONDS)
    return MadeRun(store, port, "".join(lines))


def s3_environment(url: str) -> dict[str, str]:
    """What lets boto3 find a test server; the credentials are nobody's."""
    return {
        "AWS_ENDPOINT_URL_S3": url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }


def run_training(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m training` as a user does."""
    return subprocess.run(
        [sys.executable, "-m", "training", *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )


def run_module(module: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a module that is expected to end by itself."""
    return subprocess.run(
        [sys.executable, "-m", module],
        cwd=REPOSITORY,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=START_SECONDS,
    )


def last_line(stdout: str) -> dict[str, Any]:
    """The JSON object a training run ends with."""
    summary: dict[str, Any] = json.loads(stdout.strip().splitlines()[-1])
    return summary


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class Server:
    """A running server process: a client to talk to it, and its log."""

    client: httpx.Client
    process: subprocess.Popen[bytes]
    log_path: Path

    def resident_bytes(self) -> int:
        """Memory of the process."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        [kib] = re.findall(r"VmRSS:\s+(\d+) kB", status)
        return 1_024 * int(kib)

    def log(self) -> list[dict[str, Any]]:
        """All JSON lines the process has written."""
        lines = self.log_path.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]


@contextlib.contextmanager
def running_server(
    log_path: Path, kind: ServerKind = "module", **environment: str
) -> Iterator[Server]:
    """Start the real server, wait until it is live, stop it afterwards."""
    port = int(environment.get("AIP_HTTP_PORT") or free_port())
    variables = os.environ | {"PYTHONPATH": str(REPOSITORY), "PORT": str(port)} | environment
    with log_path.open("ab") as log:
        process = subprocess.Popen(
            SERVER_COMMANDS[kind], cwd=REPOSITORY, env=variables, stdout=log, stderr=log
        )
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False)
    server = Server(client, process, log_path)
    try:
        wait_until_live(server)
        yield server
    finally:
        client.close()
        process.terminate()
        process.wait(timeout=15)


def wait_until_live(server: Server) -> None:
    """Return once the process answers; fail with its log otherwise."""
    if not becomes_live(server):
        pytest.fail(f"the server did not start:\n{server.log_path.read_text()}")


def becomes_live(server: Server) -> bool:
    """Ask until the process answers; False if it ends or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if server.client.get("/health/live").status_code == httpx.codes.OK:
                return True
        time.sleep(0.05)
    return False
