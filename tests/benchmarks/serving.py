"""`make bench`: the scoring function beside functions that do nothing and services people write.

Every process runs the same trees. Contestants run in turn, A B C A B C ..., and medians are
compared. Settings are as shipped, decision log on. Peers have environments of their own.
"""

import json
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from models.catalogue.application import Application
from tests.benchmarks.contestants import (
    CONTESTANTS,
    FASTAPI,
    OURS,
    PANDAS,
    SINGLE,
    Contestant,
    Running,
    build_environments,
    probability,
    started,
)
from tests.benchmarks.fixed_model import publish_benchmark_model
from training.synthetic.application import generate

COLD_STARTS = 15
ROUNDS = 15
REQUESTS_PER_ROUND = 300
BATCHES_PER_ROUND = 3
BATCH_ROWS = 1_000
FIRST_REQUESTS = 80
QUIET = Console(stderr=True)
PARITY = 1e-6

Figures = dict[str, float]


def main() -> None:
    """Print the tables and, as the last line, one JSON object."""
    build_environments()
    with tempfile.TemporaryDirectory() as folder:
        store, model_file = Path(folder, "store").as_uri(), Path(folder, "model.ubj")
        publish_benchmark_model(store, model_file)
        settings = {"MODEL_STORE": store, "MODEL_FILE": str(model_file)}
        require_same_answers(settings)
        figures: dict[str, Figures] = {
            "cold start, ms": cold_starts(settings),
            **warm(settings),
            "1,000 rows, rows/s": batches(settings),
            **explaining(settings),
            f"{FIRST_REQUESTS} first requests, ms": first_requests(settings),
        }
    show(figures)
    print(json.dumps(figures))


def require_same_answers(settings: dict[str, str]) -> None:
    """Make sure that everyone scores: the same probability for the same application."""
    answers = []
    for contestant in (OURS, FASTAPI, PANDAS):
        with started(contestant, settings) as running:
            answers.append(probability(running))
    if max(answers) - min(answers) > PARITY:
        message = f"the contestants do not answer the same: {answers}"
        raise RuntimeError(message)


def cold_starts(settings: dict[str, str]) -> Figures:
    """Milliseconds from starting the process to its first good answer."""
    found = _empty(CONTESTANTS)
    for round_ in track(range(COLD_STARTS + 1), "cold starts", console=QUIET):
        for contestant in CONTESTANTS:
            began = time.perf_counter()
            with started(contestant, settings):
                if round_:
                    found[contestant.name].append(1000 * (time.perf_counter() - began))
    return _medians(found)


def warm(settings: dict[str, str]) -> dict[str, Figures]:
    """Milliseconds and CPU of one score over a kept connection: medians of the rounds."""
    latency, cpu = _empty(CONTESTANTS), _empty(CONTESTANTS)
    for _ in track(range(ROUNDS), "warm scores", console=QUIET):
        for contestant in CONTESTANTS:
            with started(contestant, settings) as running:
                for _ in range(REQUESTS_PER_ROUND // 4):
                    running.score()
                before = running.cpu_seconds()
                times = [running.score() for _ in range(REQUESTS_PER_ROUND)]
                used = running.cpu_seconds() - before
            latency[contestant.name].append(statistics.median(times))
            cpu[contestant.name].append(1e6 * used / REQUESTS_PER_ROUND)
    means = {name: statistics.fmean(values) for name, values in cpu.items()}  # ticks are coarse
    return {"one warm score, ms": _medians(latency), "CPU a score, us": means}


def batches(settings: dict[str, str]) -> Figures:
    """Rows a second in requests of 1,000; ours a second time with rows as they come.

    Peers give no reasons. We give them to whoever is not approved, so that the comparison is
    over applications that are approved.
    """
    mixed = Contestant(f"{OURS.name}, as they come", OURS.command, OURS.single, OURS.batch)
    rows = {True: batch_of(settings, approved=True), False: batch_of(settings, approved=False)}
    contestants = [OURS, FASTAPI, PANDAS, mixed]
    found = _empty(contestants)
    for _ in track(range(ROUNDS), "batches", console=QUIET):
        for contestant in contestants:
            body = rows[contestant is not mixed]
            with started(contestant, settings) as running:
                times = [_batch(running, body) for _ in range(BATCHES_PER_ROUND + 1)]
            found[contestant.name].append(1e3 * BATCH_ROWS / statistics.median(times[1:]))
    return _medians(found)


def batch_of(settings: dict[str, str], *, approved: bool) -> bytes:
    """1,000 generated applications: approved ones, or as they come."""
    frame = generate(4 * BATCH_ROWS, seed=5)[list(Application.model_fields)]
    rows: list[dict[str, Any]] = json.loads(frame.to_json(orient="records"))
    if approved:
        decisions: list[dict[str, Any]] = []
        with started(OURS, settings) as running:
            for i in range(0, len(rows), BATCH_ROWS):
                body = json.dumps({"instances": rows[i : i + BATCH_ROWS]}).encode()
                decisions += json.loads(running.post(str(OURS.batch), body)[1])["predictions"]
        rows = [r for r, d in zip(rows, decisions, strict=True) if d["decision"] == "approve"]
    return json.dumps({"instances": rows[:BATCH_ROWS]}).encode()


def explaining(settings: dict[str, str]) -> dict[str, Figures]:
    """What reasons cost: one score with them, and single scores while 1,000 are explained."""
    one = json.dumps({"instances": [json.loads(SINGLE)]}).encode()
    reasons = {"parameters": {"reasons": True}}
    one_explained = json.dumps(json.loads(one) | reasons).encode()
    many = json.dumps(json.loads(batch_of(settings, approved=False)) | reasons).encode()
    plain: list[float] = []
    explained: list[float] = []
    quiet: list[float] = []
    beside: list[float] = []
    path = str(OURS.batch)
    for _ in track(range(ROUNDS), "reasons", console=QUIET):
        with started(OURS, settings) as running:
            for body, times in ((one, plain), (one_explained, explained)):
                found = [running.post(path, body)[0] for _ in range(REQUESTS_PER_ROUND)]
                times.append(statistics.median(found))
            quiet += [running.score() for _ in range(REQUESTS_PER_ROUND)]
            beside += _while_explaining(running, many)
    return {
        "one score with reasons, ms": {"without": _median(plain), "with": _median(explained)},
        "p99 of single scores, ms": {"quiet": _p99(quiet), "beside 1,000 reasons": _p99(beside)},
    }


def _while_explaining(running: Running, many: bytes) -> list[float]:
    """Single scores as long as another client has 1,000 rows explained."""
    url = f"http://127.0.0.1:{running.connection.port}{OURS.batch}"
    headers = {"content-type": "application/json"}
    answered = threading.Event()

    def explain() -> None:
        httpx.post(url, content=many, headers=headers, timeout=60, trust_env=False)
        answered.set()

    thread = threading.Thread(target=explain)
    thread.start()
    times = []
    while not answered.is_set():
        times.append(running.score())
    thread.join()
    return times


def first_requests(settings: dict[str, str]) -> Figures:
    """The slowest of many first requests at once on a process that has loaded nothing."""
    slowest: list[float] = []
    single: list[float] = []
    for _ in track(range(5), "first requests", console=QUIET):
        single.append(_first(settings, 1))
        slowest.append(_first(settings, FIRST_REQUESTS))
    return {"one": _median(single), f"slowest of {FIRST_REQUESTS}": _median(slowest)}


def _first(settings: dict[str, str], count: int) -> float:
    """Milliseconds from asking to the last answer, asked when the process listens."""
    with started(OURS, settings, ask=False) as running:
        url = f"http://127.0.0.1:{running.connection.port}{OURS.single}"
        headers = {"content-type": "application/json"}
        limits = httpx.Limits(max_connections=count)
        with (
            httpx.Client(headers=headers, limits=limits, trust_env=False, timeout=30) as client,
            ThreadPoolExecutor(count) as pool,
        ):
            began = time.perf_counter()
            answers = list(pool.map(lambda _: client.post(url, content=SINGLE), range(count)))
            took = 1000 * (time.perf_counter() - began)
        if any(answer.status_code != httpx.codes.OK for answer in answers):
            message = "a first request was not answered"
            raise RuntimeError(message)
    return took


def show(figures: dict[str, Figures]) -> None:
    """One table: each figure, and the ratio of ours to everyone else's."""
    table = Table(title="Medians (CPU: means; p99: of all)", title_justify="left")
    for heading in ("figure", "of", "value", "ours to it"):
        table.add_column(heading, justify="left" if heading in {"figure", "of"} else "right")
    for name, found in figures.items():
        ours = next(iter(found.values()))
        for i, (who, value) in enumerate(found.items()):
            table.add_row("" if i else name, who, f"{value:,.2f}", f"{ours / value:.2f} x")
    Console().print(table)


def _batch(running: Running, body: bytes) -> float:
    return running.post(str(running.contestant.batch), body)[0]


def _empty(contestants: "tuple[Contestant, ...] | list[Contestant]") -> dict[str, list[float]]:
    return {contestant.name: [] for contestant in contestants}


def _medians(found: dict[str, list[float]]) -> Figures:
    return {name: statistics.median(values) for name, values in found.items()}


_median: Callable[[list[float]], float] = statistics.median


def _p99(values: list[float]) -> float:
    return float(np.quantile(values, 0.99))


if __name__ == "__main__":
    main()
