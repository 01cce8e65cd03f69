"""What is measured of any contestant, in turn: A B C A B C ..., one value of each in a round."""

import json
import statistics
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from models.catalogue.application import Application
from tests.benchmarks.contestants import SHIPPED, Contestant
from tests.benchmarks.contracts import SINGLE, Batch, Rows, probabilities_in
from tests.benchmarks.load import measure, request_to
from tests.benchmarks.processes import Running, started
from training.synthetic.application import generate

COLD, WARM, CPU = "cold start, ms", "one warm score, ms", "CPU a score, us"
RESIDENT, BATCHES = "resident after 1,000 scores, MB", "1,000 rows, rows/s"
STAGES = "stages of a request of 1,000, µs a row"
RECORD = "bytes of a decision record, of 1,000"
CONNECTIONS = (1, 8, 64)
BATCH_ROWS = 1_000
SCORES_BEFORE_MEMORY = 1_000
PARITY = 1e-6
QUIET = Console(stderr=True)

Settings = Mapping[str, str]
Samples = dict[str, list[float]]  # of each contestant, one value a round
Figures = dict[str, Samples]  # by what was measured


@dataclass(frozen=True)
class Counts:
    """How often: cold starts, rounds of the rest, and in a round timed scores and batches."""

    cold_starts: int
    rounds: int
    scores: int = 300
    batches: int = 3
    kept_seconds: float = 1.0


@dataclass(frozen=True)
class SentRequest:
    """The same 1,000 rows for everyone: approved, and as they come."""

    approved: Rows
    mixed: Rows

    def rows(self, batch: Batch) -> Rows:
        """What a batch is made of."""
        return self.mixed if batch.mixed else self.approved


def asked_rows(settings: Settings) -> SentRequest:
    """Generate applications, and see which of them we approve."""
    frame = generate(4 * BATCH_ROWS, seed=5)[list(Application.model_fields)]
    rows: Rows = json.loads(frame.to_json(orient="records"))
    decisions: list[dict[str, Any]] = []
    batch = SHIPPED.batches[0]
    with started(SHIPPED, settings) as running:
        for i in range(0, len(rows), BATCH_ROWS):
            answer = running.post(batch.path, batch.body(rows[i : i + BATCH_ROWS]))[1]
            decisions += json.loads(answer)["predictions"]
    pairs = zip(rows, decisions, strict=True)
    approved = [row for row, decision in pairs if decision["decision"] == "approve"]
    return SentRequest(approved[:BATCH_ROWS], rows[:BATCH_ROWS])


def require_same_answers(
    contestants: Sequence[Contestant], settings: Settings, rows: SentRequest
) -> None:
    """Make sure that everyone scores: the probabilities we answer, for one row and for 1,000."""
    ours: list[float] = []
    for contestant in contestants:
        with started(contestant, settings) as running:
            for batch in (batch for batch in contestant.batches if not batch.mixed):
                answers = probabilities_in(running.post(batch.path, batch.body(rows.approved))[1])
                probabilities = [running.probability(), *answers]
                ours = ours or probabilities
                worst = max(abs(a - b) for a, b in zip(probabilities, ours, strict=True))
                if worst > PARITY:
                    message = f"{contestant.name} answers otherwise, by up to {worst}"
                    raise RuntimeError(message)


def cold_starts(contestants: Sequence[Contestant], settings: Settings, counts: Counts) -> Figures:
    """Milliseconds from starting the process to its first good answer.

    The first round is not counted: it reads files from the disk.
    """
    samples: Samples = {}
    for round_ in in_turn(counts.cold_starts + 1, "cold starts"):
        for contestant in contestants:
            began = time.perf_counter()
            with started(contestant, settings):
                took = 1000 * (time.perf_counter() - began)
            if round_:
                samples.setdefault(contestant.name, []).append(took)
    return {COLD: samples}


def kept_running(
    contestants: Sequence[Contestant], settings: Settings, counts: Counts, rows: SentRequest
) -> Figures:
    """Of started processes: latency and CPU of single scores, memory, and batches."""
    samples: Figures = {WARM: {}, CPU: {}, RESIDENT: {}, BATCHES: {}}
    for _ in in_turn(counts.rounds, "warm scores, batches"):
        for contestant in contestants:
            with started(contestant, settings) as running:
                for what, value in _singles(running, counts).items():
                    samples[what].setdefault(contestant.name, []).append(value)
                for batch in contestant.batches:
                    name = ", ".join(filter(None, (contestant.name, batch.variant)))
                    rate = _rows_per_second(running, batch, rows, counts)
                    samples[BATCHES].setdefault(name, []).append(rate)
    return samples


def rate_figure(connections: int) -> str:
    """Name the figure of scores a second over so many kept connections."""
    return f"scores a second, kept connections: {connections}"


def per_core_figure(connections: int) -> str:
    """Name the figure of scores a second of the server's CPU time."""
    return f"scores a second a core, kept connections: {connections}"


def over_connections(
    contestants: Sequence[Contestant], settings: Settings, counts: Counts
) -> Figures:
    """Throughput of single scores over 1, 8 and 64 connections that clients keep.

    The clients share the machine's cores, so what a deployment gets is the figure of a core.
    """
    samples: Figures = {}
    for _ in in_turn(counts.rounds, "connections"):
        for contestant in contestants:
            with started(contestant, settings) as running:
                request = request_to(contestant.single, SINGLE)
                for connections in CONNECTIONS:
                    seconds = counts.kept_seconds
                    step = measure(running, 1, connections, request, seconds)
                    for name, value in (
                        (rate_figure(connections), step.requests_per_second),
                        (per_core_figure(connections), 1e6 / step.cpu_us),
                    ):
                        by_contestant = samples.setdefault(name, {})
                        by_contestant.setdefault(contestant.name, []).append(value)
    return samples


def record_bytes(contestant: Contestant, settings: Settings, rows: SentRequest) -> Figures:
    """Bytes of decision records a row, in a batch of 1,000."""
    batch = contestant.batches[0]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "decisions")
        logged = replace(contestant, variables={"DECISION_LOG": str(log)})
        with started(logged, settings, ask=False) as running:
            running.post(batch.path, batch.body(rows.rows(batch)))
        return {RECORD: {contestant.name: [log.stat().st_size / BATCH_ROWS]}}


def _singles(running: Running, counts: Counts) -> dict[str, float]:
    for _ in range(counts.scores // 4):
        running.score()
    before = running.cpu_seconds()
    latency = statistics.median(running.score() for _ in range(counts.scores))
    cpu = 1e6 * (running.cpu_seconds() - before) / counts.scores
    for _ in range(SCORES_BEFORE_MEMORY - counts.scores - counts.scores // 4):
        running.score()
    return {WARM: latency, CPU: cpu, RESIDENT: running.resident_mb()}


def _rows_per_second(running: Running, batch: Batch, rows: SentRequest, counts: Counts) -> float:
    body = batch.body(rows.rows(batch))
    times = [running.post(batch.path, body)[0] for _ in range(counts.batches + 1)]
    return 1e3 * BATCH_ROWS / statistics.median(times[1:])


def in_turn(count: int, what: str) -> Iterable[int]:
    """Rounds, shown on stderr as they pass."""
    return track(range(count), what, console=QUIET)
