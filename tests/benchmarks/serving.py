"""`make bench`: the scoring function beside functions that do nothing and services people write.

Every process runs the same trees. Contestants run in turn, and medians are compared. Settings are
as shipped, decision log on; every environment holds what its own requirements say. Writes
docs/figures/bench.json and its section of docs/benchmarks.md.
"""

import asyncio
import http.client
import json
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from models.stores.uri import open_store
from tests.benchmarks.budgets import (
    ALONE,
    ANSWERED,
    BESIDE,
    FAR,
    FIRST,
    INSTALLED,
    LAST,
    ONE,
    P99,
    REASONS,
    TRAINING,
    WITH,
    WITHOUT,
)
from tests.benchmarks.contestants import (
    BESIDE_NOTHING,
    EQUAL_WORK,
    KEPT_RUNNING,
    SHIPPED,
    Contestant,
)
from tests.benchmarks.contracts import SINGLE, as_instances, example
from tests.benchmarks.distance import distant
from tests.benchmarks.environments import SCORING, build, importable, installed_mb
from tests.benchmarks.fixed_model import publish_benchmark_model
from tests.benchmarks.load import request_to
from tests.benchmarks.measuring import (
    Counts,
    Figures,
    SentRequest,
    Settings,
    asked_rows,
    cold_starts,
    in_turn,
    kept_running,
    over_connections,
    record_bytes,
    require_same_answers,
)
from tests.benchmarks.processes import Running, started
from tests.benchmarks.report import BENCH, Measured, about, command_line, publish
from tests.benchmarks.request_stages import request_stages
from tests.support.bucket import running_bucket_server

FULL = Counts(cold_starts=15, rounds=15)
QUICK = Counts(cold_starts=2, rounds=2, scores=60, batches=1, kept_seconds=0.2)
FIRST_REQUESTS = 80
ROUND_TRIP_SECONDS = 0.08


def main() -> None:
    """Measure, show and, unless it was quick, write."""
    options = command_line(__doc__)
    counts = QUICK if options.quick else FULL
    machine = about()
    for name in {c.environment for c in BESIDE_NOTHING if c.environment}:
        build(name)
    with tempfile.TemporaryDirectory() as folder:
        store, model_file = Path(folder, "store").as_uri(), Path(folder, "model.ubj")
        publish_benchmark_model(store, model_file)
        settings = {"MODEL_STORE": store, "MODEL_FILE": str(model_file)}
        rows = asked_rows(settings)
        require_same_answers([c for c in BESIDE_NOTHING if c.batches], settings, rows)
        with far_away(store) as far:
            figures = cold_starts([SHIPPED, far, *BESIDE_NOTHING[1:]], settings, counts)
        figures |= kept_running(KEPT_RUNNING, settings, counts, rows)
        figures |= over_connections(EQUAL_WORK, settings, counts)
        figures |= record_bytes(SHIPPED, settings, rows)
        figures |= request_stages(settings, counts, rows)
        figures |= explaining(settings, counts, rows)
        figures |= first_requests(settings, counts)
    figures[INSTALLED] = {
        c.name: [installed_mb(c.environment)] for c in BESIDE_NOTHING if c.environment
    }
    figures[TRAINING] = {SHIPPED.name: [len(importable(SCORING))]}
    publish(Measured.of(machine, figures), BENCH, write=not options.quick)


@contextmanager
def far_away(store: str) -> Iterator[Contestant]:
    """Ours, with the same model in a bucket that is a network away."""
    with running_bucket_server() as url, distant(url, ROUND_TRIP_SECONDS) as far:
        os.environ["STORAGE_EMULATOR_HOST"] = url
        near, bucket = open_store(store), open_store("gs://models/bench")
        for name in near.names(""):
            bucket.create(name, near.read(name).data)
        variables = {"MODEL_STORE": "gs://models/bench", "STORAGE_EMULATOR_HOST": far}
        yield replace(SHIPPED, name=FAR, variables=variables)
        del os.environ["STORAGE_EMULATOR_HOST"]


def explaining(settings: Settings, counts: Counts, rows: SentRequest) -> Figures:
    """What reasons cost: one score with them, and single scores while 1,000 are explained."""
    path = SHIPPED.batches[0].path
    one = as_instances([example()])
    many = as_instances(rows.mixed)
    samples: Figures = {
        REASONS: {WITHOUT: [], WITH: []},
        P99: {ALONE: [], BESIDE: []},
    }
    for _ in in_turn(counts.rounds, "reasons"):
        with started(SHIPPED, settings) as running:
            for name, body in ((WITHOUT, one), (WITH, _explained(one))):
                times = [running.post(path, body)[0] for _ in range(counts.scores)]
                samples[REASONS][name].append(float(np.median(times)))
            quiet = [running.score() for _ in range(counts.scores)]
            with _being_explained(running, _explained(many)):
                beside = [running.score() for _ in range(counts.scores)]
            for name, times in ((ALONE, quiet), (BESIDE, beside)):
                samples[P99][name].append(float(np.quantile(times, 0.99)))
    return samples


def _explained(body: bytes) -> bytes:
    return json.dumps(json.loads(body) | {"parameters": {"reasons": True}}).encode()


@contextmanager
def _being_explained(running: Running, body: bytes) -> Iterator[None]:
    """Another client has 1,000 rows explained, again and again, as long as the block lasts."""
    connection = http.client.HTTPConnection("127.0.0.1", running.connection.port, timeout=60)
    other = replace(running, connection=connection)
    ended = threading.Event()

    def explain() -> None:
        while not ended.is_set():
            other.post(SHIPPED.batches[0].path, body)

    thread = threading.Thread(target=explain)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        connection.close()


def first_requests(settings: Settings, counts: Counts) -> Figures:
    """Milliseconds from starting the process until the last of so many at once is answered."""
    answered: list[float] = []
    names = {1: ONE, FIRST_REQUESTS: LAST}
    samples: dict[str, list[float]] = {name: [] for name in names.values()}
    for _ in in_turn(counts.cold_starts, "first requests"):
        for count, name in names.items():
            began = time.perf_counter()
            with started(SHIPPED, settings, ask=False) as running:
                good = asyncio.run(_at_once(running.connection.port, count))
                samples[name].append(1000 * (time.perf_counter() - began))
            if count == FIRST_REQUESTS:
                answered.append(good)
    return {FIRST: samples, ANSWERED: {SHIPPED.name: [min(answered)]}}


async def _at_once(port: int, count: int) -> int:
    """How many of so many requests are answered well."""
    request = request_to(SHIPPED.single, SINGLE)

    async def one() -> bool:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        status = await reader.readline()
        writer.close()
        return status.startswith(b"HTTP/1.1 200 ")

    return sum(await asyncio.gather(*(one() for _ in range(count))))


if __name__ == "__main__":
    main()
