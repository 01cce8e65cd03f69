"""Everything at once, for long: singles, batches, explanations, what-if and changing champions.

Seconds are those of `make test`; `make soak` runs the same for half an hour, and only then are
memory and latency held to anything: in seconds, neither has settled.
"""

import json
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import numpy as np
import pytest

from models.calibration import BetaCalibration
from models.catalogue.application import Application
from models.registry.bundle import Golden, bundle_from_bytes
from models.registry.pointer import Author, promote, read_pointer
from models.registry.serving import load_version
from models.registry.versions import Version, publish, read_bundle
from models.stores.store import Store
from models.stores.uri import open_store
from tests.benchmarks.fixed_model import publish_benchmark_model
from tests.functions.scoring.mixed_load import Answer, Client, SentRequest, ask
from tests.support.counts import counts
from tests.support.faults import wait_until
from tests.support.published import NOW
from tests.support.running import running_server
from training.synthetic.application import generate

pytestmark = pytest.mark.soak

SECONDS = counts().load_seconds
PROMOTE_SECONDS = 2.0
RISKIER = 0.5  # in log-odds
MODEL = "application"
AUTHOR = Author("tester", NOW)
MOST_GROWTH = 0.05  # of resident memory: what malloc keeps comes and goes by a few per cent
MOST_SLOWDOWN = 3.0
FIRST_MINUTES = 5  # their median, so that neither a warm-up nor one disturbed minute sets the mark
MINUTE = 60.0

Figures = dict[str, Any]


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    frame = generate(1_000, seed=5)[list(Application.model_fields)]
    listed: list[dict[str, Any]] = json.loads(frame.to_json(orient="records"))
    return listed


@pytest.fixture
def store(tmp_path: Path) -> Store:
    publish_benchmark_model((tmp_path / "store").as_uri(), tmp_path / "model.ubj")
    return open_store((tmp_path / "store").as_uri())


@pytest.fixture
def versions(store: Store) -> tuple[Version, Version]:
    """The fixed model of 300 trees, and the same trees that find everybody riskier."""
    first = read_pointer(store, MODEL).champion
    bundle = bundle_from_bytes(read_bundle(store, MODEL, first))
    manifest = bundle.manifest.model_copy(update={"calibration": BetaCalibration(c=RISKIER)})
    golden = Golden(
        applications=bundle.golden.applications,
        log_odds=tuple(answer + RISKIER for answer in bundle.golden.log_odds),
    )
    data = replace(bundle, manifest=manifest, golden=golden).to_bytes()
    return first, publish(store, MODEL, data, {}, first.published + timedelta(seconds=1))


def expected(
    store: Store, versions: tuple[Version, Version], rows: list[dict[str, Any]]
) -> dict[str, list[float]]:
    """What each version answers for each row, scored here."""
    applications = [Application.model_validate(row) for row in rows]
    return {
        version.version: [
            decision.probability_of_default
            for decision in load_version(store, Application, version).scorer.decide(applications)
        ]
        for version in versions
    }


def make_request(verb: str, rows: list[dict[str, Any]], **parameters: object) -> SentRequest:
    body = {"instances": rows} | ({"parameters": parameters} if parameters else {})
    return SentRequest(verb, len(rows), json.dumps(body).encode())


def clients(rows: list[dict[str, Any]]) -> list[tuple[list[SentRequest], float]]:
    """What each client asks in turn, and how many seconds it pauses between.

    Single scores meet a large batch far oftener than once in a hundred: were it about as often,
    their 99th percentile would lie now beside and now before the batches, and say nothing.
    """
    grid = {"loan_amount": list(range(1_000, 21_000, 1_000)), "loan_term": [12, 24, 36, 48, 60]}
    return [
        ([make_request("predict", rows[:1])], 0.01),
        ([make_request("predict", rows[:100]), make_request("predict", rows)], 0.25),
        (
            [
                make_request("explain", rows[:20]),
                make_request("predict", rows[:100], reasons=True),
                make_request("whatif", rows[:1], grid=grid),
            ],
            0.25,
        ),
    ]


def promoting(
    store: Store, versions: tuple[Version, Version], under_way: list[Future[list[Answer]]]
) -> Iterator[Version]:
    """Promote one version, then the other, until no client asks any more or one has failed."""
    promotions = 0
    while not all(future.done() for future in under_way):
        for future in under_way:
            if future.done():
                future.result()
        time.sleep(PROMOTE_SECONDS)
        promotions += 1
        promote(store, MODEL, versions[promotions % 2], AUTHOR)
        yield versions[promotions % 2]


@contextmanager
def counting_decisions(fifo: Path) -> Iterator[list[int]]:
    """Make a pipe with a name and read it to its end: no disk need hold half an hour's records."""
    os.mkfifo(fifo)
    counted: list[int] = []

    def count() -> None:
        with fifo.open("rb") as lines:
            counted.append(sum(line.count(b'"decision_id"') for line in lines))

    # A daemon: a server that does not start never opens the other end.
    reader = threading.Thread(target=count, daemon=True)
    reader.start()
    yield counted
    reader.join(timeout=10)


@pytest.mark.timing
def test_mixed_load_and_changing_champions_are_answered_without_an_error_or_growth(
    store: Store,
    versions: tuple[Version, Version],
    rows: list[dict[str, Any]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    answers, asking = expected(store, versions, rows), clients(rows)
    with (
        counting_decisions(tmp_path / "decisions") as recorded,
        ProcessPoolExecutor(len(asking), mp_context=get_context("spawn")) as pool,
        running_server(
            tmp_path / "log",
            MODEL_STORE=(tmp_path / "store").as_uri(),
            MODEL_REFRESH_SECONDS="0.5",
            DECISION_LOG=str(tmp_path / "decisions"),
        ) as server,
    ):
        ready = partial(server.client.get, "/health/ready")
        wait_until(lambda: ready().status_code == httpx.codes.OK)
        began = time.monotonic()
        client = Client(int(server.client.base_url.port or 0), MODEL, answers, began + SECONDS)
        under_way = [pool.submit(ask, client, *each) for each in asking]
        resident = [server.resident_bytes() / 2**20 for _ in promoting(store, versions, under_way)]
        singles, *others = [future.result() for future in under_way]
    seen = [*singles, *(answer for listed in others for answer in listed)]
    assert {answer.version for answer in seen} == set(answers)
    reloads = sum(before.version != after.version for before, after in pairwise(singles))
    assert reloads >= len(resident) // 2
    wanted = {(request.verb, request.rows) for requests, _ in asking for request in requests}
    assert {(answer.verb, answer.rows) for answer in seen} == wanted
    assert recorded == [sum(answer.rows for answer in seen if answer.verb != "whatif")]
    if counts().is_full:
        listed = figures(seen, minute_p99s(singles, began), resident) | {"reloads": reloads}
        with capsys.disabled():
            print(f"\n{json.dumps(listed)}")
        assert listed["growth"] <= MOST_GROWTH
        assert listed["slowdown"] <= MOST_SLOWDOWN


def minute_p99s(singles: list[Answer], began: float) -> list[float]:
    """Milliseconds, minute by minute."""
    minutes: dict[int, list[float]] = {}
    for answer in singles:
        minutes.setdefault(int((answer.at - began) / MINUTE), []).append(1e3 * answer.seconds)
    return [float(np.quantile(minutes[minute], 0.99)) for minute in sorted(minutes)]


def figures(seen: list[Answer], p99s: list[float], resident: list[float]) -> Figures:
    """What the run measured; growth is from the sixth after a third of warm-up to the last."""
    sixth = len(resident) // 6
    settled, last = median(resident[2 * sixth : 3 * sixth]), median(resident[-sixth:])
    first = median(p99s[:FIRST_MINUTES])
    return {
        "requests": len(seen),
        "rows": sum(answer.rows for answer in seen),
        "resident_mib": [round(settled, 1), round(last, 1)],
        "growth": round(last / settled - 1, 4),
        "p99_ms_by_minute": [round(p99, 1) for p99 in p99s],
        "slowdown": round(max(p99s) / first, 2),
    }
