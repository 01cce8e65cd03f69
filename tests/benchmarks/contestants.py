"""The servers that are measured side by side: ours, two that do nothing, and two peers."""

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.running import REPOSITORY, free_port

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
ENVIRONMENTS = REPOSITORY / "var" / "bench"
SINGLE = (REPOSITORY / "docs/examples/application.json").read_bytes()


@dataclass(frozen=True)
class Contestant:
    """A server; PORT in its command is replaced. `batch` is where it takes many rows."""

    name: str
    command: tuple[str, ...]
    single: str
    batch: str | None = None
    peer: str | None = None


def peer_python(peer: str) -> Path:
    """The interpreter of a peer's own environment."""
    return ENVIRONMENTS / peer / "bin" / "python"


OURS = Contestant(
    "surety",
    (sys.executable, "-m", "functions.scoring"),
    "/predict",
    "/v1/models/application:predict",
)
EMPTY_FUNCTION = Contestant(
    "empty function",
    (
        str(BIN / "functions-framework"),
        "--target=empty",
        f"--source={HERE / 'empty_flask.py'}",
        "--host=127.0.0.1",
    ),
    "/",
)
EMPTY_ASGI = Contestant("empty ASGI", (sys.executable, str(HERE / "empty_asgi.py"), "PORT"), "/")
FASTAPI = Contestant(
    "FastAPI + XGBoost",
    (str(peer_python("fastapi_xgboost")), str(HERE / "peers/fastapi_xgboost.py"), "PORT"),
    "/predict",
    "/batch",
    "fastapi_xgboost",
)
PANDAS = Contestant(
    "pandas + scikit-learn",
    (
        str(peer_python("pandas_sklearn")),
        *("-m", "gunicorn", "--workers=1", "--keep-alive=60", "--threads=2"),
        *("--bind=127.0.0.1:PORT", f"--chdir={HERE / 'peers'}", "pandas_sklearn:app"),
    ),
    "/predict",
    "/batch",
    "pandas_sklearn",
)
CONTESTANTS = (OURS, EMPTY_FUNCTION, EMPTY_ASGI, FASTAPI, PANDAS)


@dataclass(frozen=True)
class Running:
    """A started process and a kept connection to it."""

    contestant: Contestant
    process: subprocess.Popen[bytes]
    connection: http.client.HTTPConnection

    def post(self, path: str, body: bytes) -> tuple[float, bytes]:
        """Milliseconds of one request, which must be answered well, and its answer."""
        began = time.perf_counter()
        if self.connection.sock is None:
            self.connection.connect()
        self.connection.request("POST", path, body, {"content-type": "application/json"})
        answer = self.connection.getresponse()
        data = answer.read()
        took = 1000 * (time.perf_counter() - began)
        if answer.status != http.client.OK:
            message = f"{self.contestant.name} answered {answer.status}: {data[:200]!r}"
            raise RuntimeError(message)
        return took, data

    def score(self) -> float:
        """Milliseconds of one score."""
        return self.post(self.contestant.single, SINGLE)[0]

    def cpu_seconds(self) -> float:
        """CPU time of the process and its children so far, user and system."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return sum(_cpu_seconds(int(pid)) for pid in [str(self.process.pid), *children.split()])


def build_environments() -> None:
    """Make each peer's environment once; its requirements are pinned beside it."""
    for contestant in CONTESTANTS:
        if contestant.peer is None:
            continue
        requirements = HERE / "peers" / f"{contestant.peer}.txt"
        built = ENVIRONMENTS / contestant.peer / requirements.name
        if built.exists() and built.read_text() == requirements.read_text():
            continue
        folder = str(built.parent)
        uv = str(BIN / "uv")
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python=3.11", folder], check=True)
        install = [uv, "pip", "install", "--quiet", "--compile-bytecode", f"--python={folder}"]
        subprocess.run([*install, "-r", str(requirements)], check=True)
        built.write_text(requirements.read_text())


@contextmanager
def started(
    contestant: Contestant, variables: dict[str, str], *, ask: bool = True
) -> Iterator[Running]:
    """Run a contestant as long as the block lasts.

    When it begins it has answered a score or, unless it is to be asked, listens.
    """
    port = str(free_port())
    command = [word.replace("PORT", port) for word in contestant.command]
    environment = os.environ | {"PORT": port, "OMP_NUM_THREADS": "1"} | variables
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=quiet, stderr=quiet)
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=60)
    running = Running(contestant, process, connection)
    try:
        _wait(running.score if ask else connection.connect)
        yield running
    finally:
        connection.close()
        process.terminate()
        process.wait(timeout=15)


def probability(running: Running) -> float:
    """What a contestant answers for the example application."""
    _, data = running.post(running.contestant.single, SINGLE)
    return float(json.loads(data)["probability_of_default"])


def _wait(attempt: Callable[[], object]) -> None:
    for _ in range(15_000):
        try:
            attempt()
        except (ConnectionError, http.client.NotConnected):
            time.sleep(0.002)
        else:
            return
    message = "a contestant did not start"
    raise RuntimeError(message)


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
