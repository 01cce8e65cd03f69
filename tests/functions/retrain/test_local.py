"""Training on this machine: the real training, and programs that misbehave in its place."""

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.running import Server, ServerKind, run_training, running_server

BOTH = pytest.mark.parametrize("kind", ["retrain module", "retrain framework"])
TRAINING_SECONDS = 120


def until(done: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def status(server: Server, model: str = "german_credit") -> dict[str, Any]:
    answer = server.client.get("/train/status", params={"model": model})
    assert answer.status_code == httpx.codes.OK
    content: dict[str, Any] = answer.json()
    return content


def ended(server: Server, seconds: float = 10) -> dict[str, Any]:
    until(lambda: status(server)["status"] != "running", seconds)
    return status(server)


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], str]:
    """Make a program that stands in for the training environment's Python."""

    def write(script: str) -> str:
        path = tmp_path / "python"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return str(path)

    return write


def is_running(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):  # it ended before, or while it was read
        return False


@pytest.mark.trained
@BOTH
def test_a_run_trains_and_publishes_a_model(kind: ServerKind, tmp_path: Path) -> None:
    store = (tmp_path / "store").as_uri()
    logs = tmp_path / "logs"
    with running_server(
        tmp_path / "log",
        kind,
        MODEL_STORE=store,
        TRAINING_LOGS=str(logs),
        TRAINING_OVERDUE_HOURS="36",
    ) as server:
        before = status(server)
        assert (before["status"], before["execution"], before["overdue"]) == ("idle", None, True)
        started = server.client.post("/train", json={"model": "german_credit"})
        assert started.status_code == httpx.codes.ACCEPTED
        refused = server.client.post("/train", json={"model": "german_credit"})
        assert refused.status_code == httpx.codes.CONFLICT
        assert status(server)["status"] == "running"
        assert status(server, "application")["status"] == "idle"
        after = ended(server, TRAINING_SECONDS)
        assert (after["status"], after["overdue"]) == ("succeeded", False)
        assert after["outcome"] == "promoted"
        assert after["execution"] == started.json()["execution"]
        assert after["started_at"] < after["finished_at"]
        [line] = [line for line in server.log() if line["message"] == "training succeeded"]
        assert (line["severity"], line["exit_code"]) == ("INFO", 0)
    assert after["version"] in (logs / "german_credit.log").read_text()
    listed = run_training("versions", "--model", "german_credit", "--store", store)
    assert after["version"] in listed.stdout


@BOTH
def test_a_run_that_fails_is_told_of_and_another_may_start(
    kind: ServerKind, tmp_path: Path, program: Callable[[str], str]
) -> None:
    python = program('echo "error: of Ms Miller" >&2; exit 2')
    with running_server(
        tmp_path / "log", kind, TRAINING_PYTHON=python, TRAINING_LOGS=str(tmp_path)
    ) as server:
        for _ in range(2):
            body = {"model": "german_credit"}
            assert server.client.post("/train", json=body).status_code == httpx.codes.ACCEPTED
            after = ended(server)
            assert after["status"] == "failed"
            assert (after["outcome"], after["version"]) == (None, None)
            assert after["finished_at"] is not None
        lines = [line for line in server.log() if line["message"] == "training failed"]
        assert [(line["severity"], line["exit_code"]) for line in lines] == [("ERROR", 2)] * 2
        assert "Miller" not in server.log_path.read_text()
    assert "Miller" in (tmp_path / "german_credit.log").read_text()


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        ("retrain module", signal.SIGTERM),
        ("retrain module", signal.SIGKILL),
        ("retrain framework", signal.SIGTERM),
    ],
)
def test_a_run_ends_when_its_server_does(
    kind: ServerKind, how: signal.Signals, tmp_path: Path, program: Callable[[str], str]
) -> None:
    python = program(f"echo $$ > {tmp_path}/pid; exec sleep 600")
    with running_server(
        tmp_path / "log", kind, TRAINING_PYTHON=python, TRAINING_LOGS=str(tmp_path)
    ) as server:
        server.client.post("/train", json={"model": "german_credit"})
        pid_file = tmp_path / "pid"
        until(lambda: pid_file.exists() and bool(pid_file.read_text()))
        pid = int(pid_file.read_text())
        assert is_running(pid)
        server.process.send_signal(how)
        until(lambda: not is_running(pid), seconds=40)


@pytest.mark.parametrize("message", ["", "done", "{no json", "{}", "[]"])
def test_a_run_that_does_not_say_what_it_decided_succeeded_all_the_same(
    tmp_path: Path, program: Callable[[str], str], message: str
) -> None:
    python = program(f"echo '{message}'")
    with running_server(
        tmp_path / "log", "retrain module", TRAINING_PYTHON=python, TRAINING_LOGS=str(tmp_path)
    ) as server:
        server.client.post("/train", json={"model": "german_credit"})
        after = ended(server)
        assert (after["status"], after["outcome"]) == ("succeeded", None)
