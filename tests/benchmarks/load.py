"""`make load`: one scoring process under rising load, and the table of it in docs/scale.md.

The fixed benchmark model, settings as shipped, decision log on. Clients keep their connections and
ask again as soon as they are answered; they run in this process, on the same machine.
"""

import asyncio
import itertools
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

import numpy as np
import uvloop

from infra.local.cost import LOAD_FIGURES, fill, table
from models.catalogue.application import Application
from models.discovery import credit_models
from tests.benchmarks import scale_tables
from tests.benchmarks.book_load import book_steps
from tests.benchmarks.contestants import OURS
from tests.benchmarks.contracts import SINGLE
from tests.benchmarks.fixed_model import publish_benchmark_model
from tests.benchmarks.processes import Running, started
from tests.support.running import REPOSITORY
from training.reading.sources import read_source
from training.synthetic.application import generate

DOCUMENT = REPOSITORY / "docs" / "scale.md"
MARK = "make load"
CLIENTS = (1, 2, 4, 8, 16, 32, 64)
BATCHES = tuple(itertools.product((100, 1_000), (1, 4)))  # rows, clients
SECONDS = 4.0
WARMING = 0.25  # of these, before it is measured
TRAINED = "card_default"  # the largest bundled data
RECORDED = 100  # scores whose records are weighed
NEARLY = 0.95  # of the most requests a second: more clients than that takes only wait longer
LIBRARIES = ("numpy", "pydantic", "starlette", "uvicorn", "uvloop", "xgboost-cpu")

Body = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one step measured; `cpu_share` is of one core, latencies and CPU are of requests."""

    rows: int
    clients: int
    requests_per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    cpu_share: float
    resident_mib: float


class Client(asyncio.Protocol):
    """Sends one request again and again; notes when each was answered and how long it took."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._received = bytearray()
        self._began = 0.0
        self.answered: list[tuple[float, float]] = []
        self.refusal: bytes | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # TCP is one
        self._ask()

    def data_received(self, data: bytes) -> None:
        """Ask again once the answer is whole."""
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._received[:end])
        if not head.startswith(b"HTTP/1.1 200 "):
            self.refusal = head
            self._transport.close()
            return
        [length] = re.findall(rb"(?i)content-length: (\d+)", head)
        if len(self._received) == end + 4 + int(length):
            now = time.perf_counter()
            self.answered.append((now, now - self._began))
            self._ask()

    def stop(self) -> None:
        """Leave whatever is under way."""
        self._transport.close()

    def _ask(self) -> None:
        self._received.clear()
        self._began = time.perf_counter()
        self._transport.write(self._request)


def main() -> None:
    """Measure every step, keep the figures, write the table."""
    with tempfile.TemporaryDirectory() as folder:
        settings = {"MODEL_STORE": Path(folder, "store").as_uri()}
        publish_benchmark_model(settings["MODEL_STORE"], Path(folder, "model.ubj"))
        figures = {
            **about(),
            "record_bytes": record_bytes(settings, Path(folder, "decisions")),
            "steps": [asdict(step) for step in steps(settings)],
            "training": training(settings),
            "book": [asdict(step) for step in book_steps(SECONDS)],
        }
    LOAD_FIGURES.write_text(json.dumps(figures, indent=1) + "\n")
    render_anew()


def render_anew() -> None:
    """Write the tables of docs/scale.md from the figures of this and of other benchmarks."""
    text = DOCUMENT.read_text()
    for mark, content in sections().items():
        text = fill(text, mark, content)
        print(content)
    DOCUMENT.write_text(text)


def sections() -> dict[str, str]:
    """What stands between each pair of marks."""
    load, bench, batch_, pipeline = (
        json.loads(LOAD_FIGURES.with_name(f"{name}.json").read_text())
        for name in ("load", "bench", "batch", "pipeline")
    )
    return {
        MARK: rendered(load),
        f"{MARK}, the loan book": scale_tables.book_table(load["book"]),
        f"{MARK}, the stack": scale_tables.stack_table(load, batch_, pipeline),
        f"{MARK}, scaling": scale_tables.scaling_table(load, bench),
    }


def about() -> Body:
    """Where and when it was measured."""
    text = Path("/proc/cpuinfo").read_text()
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": re.findall(r"model name\s*: (.*)", text)[0],
        "cores": len(os.sched_getaffinity(0)),
        "load_average": os.getloadavg()[0],
        "python": platform.python_version(),
        "libraries": {name: version_of(name) for name in LIBRARIES},
    }


def record_bytes(settings: dict[str, str], log: Path) -> float:
    """Bytes of the decision record of one score."""
    with started(OURS, settings | {"DECISION_LOG": str(log)}, ask=False) as running:
        for _ in range(RECORDED):
            running.score()
    return log.stat().st_size / RECORDED


def steps(settings: dict[str, str]) -> Iterator[Figures]:
    """Every step on one process, single scores first."""
    batches = {rows: batch(rows) for rows, _ in BATCHES}
    with started(OURS, settings) as running:
        for clients in CLIENTS:
            yield measure(running, 1, clients, request_to(OURS.single, SINGLE))
        for rows, clients in BATCHES:
            yield measure(running, rows, clients, request_to(OURS.batches[0].path, batches[rows]))


def batch(rows: int) -> bytes:
    """Generated applications, as they come."""
    frame = generate(rows, seed=5)[list(Application.model_fields)]
    return json.dumps({"instances": json.loads(frame.to_json(orient="records"))}).encode()


def request_to(path: str, body: bytes) -> bytes:
    """A whole HTTP request."""
    head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def measure(
    running: Running,
    rows: int,
    clients: int,
    request: bytes,
    seconds: float = SECONDS,
) -> Figures:
    """One step: so many clients for so long, after a moment to warm up."""
    runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    with runner:
        latencies, elapsed, cpu = runner.run(_drive(running, clients, request, seconds))
    return Figures(
        rows=rows,
        clients=clients,
        requests_per_second=len(latencies) / elapsed,
        p50_ms=1e3 * float(np.quantile(latencies, 0.5)),
        p99_ms=1e3 * float(np.quantile(latencies, 0.99)),
        cpu_us=1e6 * cpu / len(latencies),
        cpu_share=cpu / elapsed,
        resident_mib=resident_mib(running.process.pid),
    )


async def _drive(
    running: Running, clients: int, request: bytes, seconds: float
) -> tuple[list[float], float, float]:
    """Seconds each answer took, seconds in all, and CPU seconds of the server."""
    loop = asyncio.get_running_loop()
    port = running.connection.port
    made = [
        (await loop.create_connection(lambda: Client(request), "127.0.0.1", port))[1]
        for _ in range(clients)
    ]
    await asyncio.sleep(WARMING * seconds)
    began, cpu = time.perf_counter(), running.cpu_seconds()
    await asyncio.sleep(seconds)
    ended, used = time.perf_counter(), running.cpu_seconds() - cpu
    for client in made:
        client.stop()
        if client.refusal:
            message = f"the server answered {client.refusal!r}"
            raise RuntimeError(message)
    answered = [pair for client in made for pair in client.answered]
    return [took for at, took in answered if began <= at <= ended], ended - began, used


def resident_mib(pid: int) -> float:
    """Resident memory of a process."""
    [kib] = re.findall(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(kib) / 1024


def training(settings: dict[str, str]) -> Body:
    """Seconds and peak memory of one training run on bundled data, which publishes nothing."""
    command = [sys.executable, "-m", "training", "train", "--model", TRAINED, "--dry-run"]
    began = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=REPOSITORY,
        env=os.environ | settings,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    took = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)  # nobody else may wait for it
    if process.returncode:
        message = f"training ended with {process.returncode}"
        raise RuntimeError(message)
    return {
        "model": TRAINED,
        "rows": len(read_source(credit_models()[TRAINED], None, seed=0).frame),
        "seconds": took,
        "peak_mib": used.ru_maxrss / 1024,
    }


def rendered(figures: Body) -> str:
    """The table, and what follows from it."""
    single = [step for step in figures["steps"] if step["rows"] == 1]
    most = max(step["requests_per_second"] for step in single)
    enough = next(s for s in single if s["requests_per_second"] >= NEARLY * most)
    trained = figures["training"]
    libraries = ", ".join(f"{name} {version}" for name, version in figures["libraries"].items())
    return "\n".join(
        [
            _sentence(
                f"Measured {figures['date']} on {figures['machine']}, {figures['cores']} cores,",
                "clients",
                f"on the same machine, load average {figures['load_average']:.1f} before it began;",
                f"Python {figures['python']}, {libraries}.",
            ),
            "",
            table(HEADINGS, [_cells(step) for step in figures["steps"]]),
            "",
            _sentence(
                f"- One process answers at most {most:,.0f} single scores a second;",
                f"{enough['clients']} clients at once are enough for that, more only wait longer.",
            ),
            f"- There a score takes {enough['cpu_us']:,.0f} µs of CPU, everything included.",
            f"- A decision record weighs {figures['record_bytes']:,.0f} bytes.",
            _sentence(
                f"- One training run of `{trained['model']}`, {trained['rows']:,} rows, takes",
                f"{trained['seconds']:,.0f} s and at most {trained['peak_mib']:,.0f} MiB.",
            ),
        ]
    )


def _sentence(*parts: str) -> str:
    return " ".join(parts)


HEADINGS = (
    *("rows a request", "clients", "requests/s", "rows/s", "p50, ms", "p99, ms"),
    *("CPU a request, µs", "CPU, of one core", "resident, MiB"),
)


def _cells(step: Body) -> list[str]:
    return [
        f"{step['rows']:,}",
        str(step["clients"]),
        f"{step['requests_per_second']:,.0f}",
        f"{step['rows'] * step['requests_per_second']:,.0f}",
        f"{step['p50_ms']:,.1f}",
        f"{step['p99_ms']:,.1f}",
        f"{step['cpu_us']:,.0f}",
        f"{step['cpu_share']:.0%}",
        f"{step['resident_mib']:.0f}",
    ]


if __name__ == "__main__":
    main()
