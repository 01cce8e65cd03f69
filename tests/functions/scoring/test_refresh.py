"""A running service follows its bucket: new versions are taken up, bad ones and trouble are not.

Counts are those of `make test`; `make soak` runs the same at full counts.
"""

import asyncio
import io
import json
import os
import shutil
import signal
import threading
import time
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from functions.scoring import model_loader
from functions.scoring.model_loader import ModelLoader
from models.catalogue.german_credit import GermanCredit
from models.registry.monitored_status import MOST_DAYS, MOST_OVERDUE_DAYS
from models.registry.pointer import Author, Challenger, challenge, promote
from models.registry.serving import load_version, position_from_identity
from models.registry.versions import Version, publish, read_by_name
from models.stores.files import FileStore
from models.stores.store import Store, StoredObject
from models.stores.uri import open_store
from tests.support.counts import counts
from tests.support.faults import Fault, faulty_proxy, wait_until
from tests.support.running import Server, last_line, run_training, running_server

pytestmark = pytest.mark.soak

SOAKING = counts().is_full
SWAPS = counts().pointer_swaps
MODEL = "german_credit"
PATH = f"/v1/models/{MODEL}:predict"
AUTHOR = Author(who="tester", when=datetime(2026, 11, 21, tzinfo=UTC))
ROW = {
    "status": "A11",
    "month": 24,
    "credit_history": "A32",
    "purpose": "A43",
    "credit_amount": 3_000,
    "savings": "A61",
    "employment": "A73",
    "investment_as_income_percentage": 3,
    "personal_status": "A93",
    "other_debtors": "A101",
    "residence_since": 2,
    "property": "A121",
    "age": 40,
    "installment_plans": "A143",
    "housing": "A152",
    "number_of_credits": 1,
    "skill_level": "A173",
    "people_liable_for": 1,
    "telephone": "A191",
    "foreign_worker": "A201",
}
BODY = {"instances": [ROW]}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A store with two versions of one model; the first is champion."""
    folder = tmp_path_factory.mktemp("published")
    names = []
    for family in ("logistic", "xgboost"):
        words = ("train", "--model", MODEL, "--store", folder.as_uri(), "--family", family)
        names.append(str(last_line(run_training(*words).stdout)["version"]))
    return folder, names


@pytest.fixture
def folder(published: tuple[Path, list[str]], tmp_path: Path) -> Path:
    shutil.copytree(published[0], tmp_path / "store")
    return tmp_path / "store"


@pytest.fixture
def store(folder: Path) -> Store:
    return open_store(folder.as_uri())


@pytest.fixture
def versions(published: tuple[Path, list[str]], store: Store) -> list[Version]:
    return [read_by_name(store, MODEL, name)[0] for name in published[1]]


def expected(store: Store, versions: list[Version]) -> dict[str, float]:
    """What each version answers for `ROW`, scored here."""
    application = GermanCredit.model_validate(ROW)
    return {
        v.version: load_version(store, GermanCredit, v)
        .scorer.decide([application])[0]
        .probability_of_default
        for v in versions
    }


def predict(server: Server, **headers: str) -> dict[str, Any]:
    answer = httpx.post(
        f"{server.client.base_url}{PATH}", json=BODY, headers=headers, timeout=20, trust_env=False
    )
    assert answer.status_code == httpx.codes.OK, answer.text
    [prediction] = answer.json()["predictions"]
    body: dict[str, Any] = prediction
    return body


def keeping_client(server: Server) -> httpx.Client:
    """A caller that keeps its connection, and waits longer than a slow machine takes."""
    headers = {"Content-Type": "application/json"}
    url = server.client.base_url
    return httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=60)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Watched(FileStore):
    """A store that counts reads, and waits in them while it is told to."""

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder))
        self.reads = 0
        self.stalled = threading.Event()
        self.stalled.set()

    def read(self, name: str) -> StoredObject:
        self.reads += 1
        self.stalled.wait(10)
        return super().read(name)


def serving(loader: ModelLoader) -> Callable[[], Any]:
    async def version() -> str:
        return (await loader.load(MODEL)).champion.version

    return version


def test_a_fresh_pointer_is_not_asked_for_again(folder: Path) -> None:
    store, clock = Watched(folder), Clock()
    loader = ModelLoader(store, {MODEL: GermanCredit}, 60.0, clock)

    async def ask() -> None:
        await loader.load(MODEL)
        reads = store.reads
        clock.now = 59.9
        await loader.load(MODEL)
        assert loader.states[MODEL].loading is None
        clock.now = 60.0
        await loader.load(MODEL)
        task = loader.states[MODEL].loading
        assert task
        await task
        # The pointer, whose versions are in memory, and the last days of monitoring; a process
        # looks back two weeks once.
        assert store.reads == reads + 1 + MOST_OVERDUE_DAYS + 1
        reads, clock.now = store.reads, 120.0
        await loader.load(MODEL)
        task = loader.states[MODEL].loading
        assert task
        await task
        assert store.reads == reads + 1 + MOST_DAYS

    asyncio.run(ask())


def test_the_request_that_finds_the_pointer_too_old_is_answered_by_what_is_in_memory(
    store: Store, versions: list[Version]
) -> None:
    clock = Clock()
    loader = ModelLoader(store, {MODEL: GermanCredit}, 60.0, clock)
    version = serving(loader)

    async def ask() -> list[str]:
        body = [await version()]
        promote(store, MODEL, versions[1], AUTHOR)
        clock.now = 60.0
        body.append(await version())
        task = loader.states[MODEL].loading
        assert task
        await task
        return [*body, await version()]

    first, second = (v.version for v in versions)
    assert asyncio.run(ask()) == [first, first, second]


def test_a_bad_new_model_never_replaces_a_good_one(store: Store, versions: list[Version]) -> None:
    clock = Clock()
    loader = ModelLoader(store, {MODEL: GermanCredit}, 1.0, clock)
    version = serving(loader)

    async def settle() -> str:
        await version()
        if task := loader.states[MODEL].loading:
            await task
        return str(await version())

    async def ask() -> None:
        good = await settle()
        bad = publish(store, MODEL, b"no bundle", {}, AUTHOR.when)
        promote(store, MODEL, bad, AUTHOR)
        clock.now += 1.0
        assert await settle() == good
        state = loader.states[MODEL]
        assert (state.cause, state.failures) == ("its bundle was refused", 1)
        promote(store, MODEL, versions[1], AUTHOR)
        clock.now += 1.0
        assert await settle() == versions[1].version
        assert (state.cause, state.failures_in_a_row, state.failures) == (None, 0, 1)

    asyncio.run(ask())


def test_a_stalled_refresh_is_given_up_and_begun_again(
    folder: Path, versions: list[Version], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_loader, "LOAD_SECONDS", 0.2)
    store, clock = Watched(folder), Clock()
    loader = ModelLoader(store, {MODEL: GermanCredit}, 1.0, clock)
    version = serving(loader)

    async def ask() -> None:
        first = await version()
        promote(FileStore(str(folder)), MODEL, versions[1], AUTHOR)
        store.stalled.clear()
        clock.now += 1.0
        assert await version() == first
        task = loader.states[MODEL].loading
        assert task
        await task
        assert loader.states[MODEL].cause == "the model store cannot be reached"
        store.stalled.set()
        clock.now += 1.0
        await version()
        task = loader.states[MODEL].loading
        assert task
        await task
        assert await version() == versions[1].version

    asyncio.run(ask())


def test_hot_swaps_under_load_lose_no_request_and_every_answer_is_its_versions(
    folder: Path, store: Store, versions: list[Version], tmp_path: Path
) -> None:
    answers = expected(store, versions)
    stop = threading.Event()
    seen: list[tuple[str, float]] = []

    def ask(server: Server) -> None:
        with httpx.Client(base_url=server.client.base_url, trust_env=False, timeout=20) as client:
            while not stop.is_set():
                answer = client.post(PATH, json=BODY)
                assert answer.status_code == httpx.codes.OK, answer.text
                [p] = answer.json()["predictions"]
                seen.append((p["model_version"], p["probability_of_default"]))

    with running_server(
        tmp_path / "log",
        MODEL_STORE=folder.as_uri(),
        MODEL_REFRESH_SECONDS="0",
        DECISION_LOG="off",
    ) as server:
        threads = [threading.Thread(target=ask, args=(server,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for i in range(SWAPS):
            wanted = versions[(i + 1) % 2]
            promote(store, MODEL, wanted, AUTHOR)
            wait_until(lambda v=wanted.version: seen and seen[-1][0] == v)
        stop.set()
        for thread in threads:
            thread.join()
    assert {version for version, _ in seen} == set(answers)
    assert all(probability == answers[version] for version, probability in seen)
    assert len(seen) > SWAPS


def test_a_process_that_was_frozen_between_requests_still_converges(
    folder: Path, store: Store, versions: list[Version], tmp_path: Path
) -> None:
    with running_server(
        tmp_path / "log", MODEL_STORE=folder.as_uri(), MODEL_REFRESH_SECONDS="0.1"
    ) as server:
        predict(server)
        for i in range(SWAPS // 3):
            wanted = versions[(i + 1) % 2]
            promote(store, MODEL, wanted, AUTHOR)
            time.sleep(0.1)
            predict(server)  # starts a refresh, which is frozen with the process
            server.process.send_signal(signal.SIGSTOP)
            time.sleep(0.3)
            server.process.send_signal(signal.SIGCONT)
            wait_until(lambda v=wanted.version: predict(server)["model_version"] == v)


@pytest.mark.timing
def test_every_instance_follows_a_promotion_within_two_refresh_times(
    folder: Path, store: Store, versions: list[Version], tmp_path: Path
) -> None:
    refresh = 1.0
    started = partial(
        running_server, MODEL_STORE=folder.as_uri(), MODEL_REFRESH_SECONDS=str(refresh)
    )
    with started(tmp_path / "a") as a, started(tmp_path / "b") as b, started(tmp_path / "c") as c:
        for server in (a, b, c):
            assert predict(server)["model_version"] == versions[0].version
        promote(store, MODEL, versions[1], AUTHOR)
        deadline = time.monotonic() + 2 * refresh
        while time.monotonic() < deadline:
            body = {predict(server)["model_version"] for server in (a, b, c)}
            time.sleep(0.05)
        assert body == {versions[1].version}


def test_a_challenger_answers_the_same_applicants_in_every_process(
    folder: Path, store: Store, versions: list[Version], tmp_path: Path
) -> None:
    challenge(store, MODEL, Challenger(version=versions[1], share=0.3), AUTHOR)
    for run in ("first", "second"):
        log = tmp_path / f"{run}.decisions"
        with running_server(
            tmp_path / run, MODEL_STORE=folder.as_uri(), DECISION_LOG=str(log)
        ) as server:
            for i in range(60):
                applicant = f"applicant-{i}"
                variant = (
                    "challenger" if position_from_identity(MODEL, applicant) < 0.3 else "champion"
                )
                body = predict(server, **{"x-applicant-id": applicant})
                assert body["variant"] == variant
                assert body["model_version"] == versions[variant == "challenger"].version
            described = server.client.get(f"/v1/models/{MODEL}").json()
        records = [json.loads(line) for line in log.read_text().splitlines()]
        assert {r["variant"] for r in records} == {"champion", "challenger"}
        assert described["challenger"] == {"version": versions[1].version, "share": 0.3}
        assert "applicant-1" not in log.read_text()


def test_a_refused_version_is_counted_and_shown_while_the_old_one_serves(
    folder: Path, store: Store, versions: list[Version], tmp_path: Path
) -> None:
    with running_server(
        tmp_path / "log",
        MODEL_STORE=folder.as_uri(),
        MODEL_REFRESH_SECONDS="0",
        DEFAULT_MODEL=MODEL,
    ) as server:
        predict(server)
        promote(store, MODEL, publish(store, MODEL, b"no bundle", {}, AUTHOR.when), AUTHOR)
        predict(server)
        ready = "/health/ready"
        wait_until(lambda: "problem" in server.client.get(ready).json())
        assert predict(server)["model_version"] == versions[0].version
        state = server.client.get(ready).json()
        assert (state["status"], state["problem"]) == ("ready", "its bundle was refused")
        assert server.client.get(f"/v1/models/{MODEL}").json()["problem"] == state["problem"]
        metrics = server.client.get("/metrics").text
        assert f'surety_model_ready{{model="{MODEL}"}} 1.0' in metrics
        assert f'surety_model_load_failures_total{{model="{MODEL}"}}' in metrics
        [logged] = [r for r in server.log() if r["message"] == "model not refreshed"][:1]
        assert "not an archive" in logged["cause"]


def edited(data: bytes, change: Callable[[dict[str, bytes]], None]) -> bytes:
    """A sound archive with other members."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def wrong_answers(members: dict[str, bytes]) -> None:
    golden = json.loads(members["golden.json"])
    golden["log_odds"] = [answer + 0.01 for answer in golden["log_odds"]]
    members["golden.json"] = json.dumps(golden).encode()


def foreign_contract(members: dict[str, bytes]) -> None:
    manifest = json.loads(members["manifest.json"])
    manifest["contract_hash"] = "0" * 64
    members["manifest.json"] = json.dumps(manifest).encode()


def swapped_members(members: dict[str, bytes]) -> None:
    members["golden.json"], members["reference.json"] = (
        members["reference.json"],
        members["golden.json"],
    )


def flipped_weight(members: dict[str, bytes]) -> None:
    formula = json.loads(members["estimator.json"])
    formula["terms"][0]["weight"] *= -1
    members["estimator.json"] = json.dumps(formula).encode()


def test_no_bad_bundle_with_a_right_hash_is_ever_served(
    folder: Path, store: Store, versions: list[Version], tmp_path: Path
) -> None:
    path = f"versions/{MODEL}/{versions[0].version}/bundle.zip"
    sound = store.read(path).data
    with running_server(
        tmp_path / "log", MODEL_STORE=folder.as_uri(), MODEL_REFRESH_SECONDS="0"
    ) as server:
        assert predict(server)["model_version"] == versions[0].version
        for i, change in enumerate(
            (wrong_answers, foreign_contract, swapped_members, flipped_weight)
        ):
            when = AUTHOR.when.replace(minute=i)
            bad = publish(store, MODEL, edited(sound, change), {}, when)
            promote(store, MODEL, bad, AUTHOR)

            def refused(change: str = change.__name__, count: int = i) -> bool:
                assert predict(server)["model_version"] == versions[0].version, change
                lines = [r for r in server.log() if r["message"] == "model not refreshed"]
                return len({line["cause"] for line in lines}) > count

            wait_until(refused, seconds=60)


def test_a_store_that_is_gone_costs_a_warm_instance_nothing(folder: Path, tmp_path: Path) -> None:
    gone = folder.with_name("gone")
    with running_server(
        tmp_path / "log", MODEL_STORE=folder.as_uri(), MODEL_REFRESH_SECONDS="0"
    ) as server:
        version = predict(server)["model_version"]
        folder.rename(gone)
        ends = time.monotonic() + counts().outage_seconds
        while time.monotonic() < ends:
            assert predict(server)["model_version"] == version
        gone.rename(folder)


@pytest.fixture
def bucket(bucket_server: str, published: tuple[Path, list[str]], tmp_path: Path) -> str:
    """The published store in the bucket of the Cloud Storage test server."""
    assert bucket_server
    uri = f"gs://models/{tmp_path.name}"
    source, target = open_store(published[0].as_uri()), open_store(uri)
    for name in source.names(""):
        target.create(name, source.read(name).data)
    return uri


FAULTS: list[Fault] = ["down", "slow", "trickle", "truncate", 403, 404, 412, 429, 500]


@pytest.mark.timing
def test_trouble_with_the_store_never_reaches_a_warm_instance(
    bucket: str, bucket_server: str, tmp_path: Path
) -> None:
    with (
        faulty_proxy(bucket_server) as proxy,
        running_server(
            tmp_path / "log",
            MODEL_STORE=bucket,
            STORAGE_EMULATOR_HOST=proxy.url,
            MODEL_REFRESH_SECONDS="0",
        ) as server,
    ):
        version = predict(server)["model_version"]

        def problem() -> bool:
            began = time.monotonic()
            assert predict(server)["model_version"] == version, proxy.fault
            assert time.monotonic() - began < 1, proxy.fault
            return "problem" in server.client.get(f"/v1/models/{MODEL}").json()

        for fault in FAULTS if SOAKING else FAULTS[::3]:
            proxy.fault = fault
            wait_until(problem)  # a refresh has met the fault, and failed
            proxy.fault = "none"
            wait_until(lambda: not problem())


@pytest.mark.timing
@pytest.mark.parametrize("fault", [*FAULTS, "flip"] if SOAKING else ["down", "trickle", 500])
def test_a_cold_instance_in_trouble_says_so_in_time_and_recovers_by_itself(
    bucket: str, bucket_server: str, tmp_path: Path, fault: Fault
) -> None:
    with (
        faulty_proxy(bucket_server) as proxy,
        running_server(
            tmp_path / "log", MODEL_STORE=bucket, STORAGE_EMULATOR_HOST=proxy.url
        ) as server,
    ):
        proxy.fault = fault
        began = time.monotonic()
        answer = server.client.post(PATH, json=BODY)
        assert time.monotonic() - began < 5
        assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert int(answer.headers["retry-after"]) >= 1
        proxy.fault = "none"

        def answered() -> bool:
            return server.client.post(PATH, json=BODY).status_code == httpx.codes.OK

        wait_until(answered, seconds=30)


@pytest.mark.timing
@pytest.mark.parametrize("round_", range(counts().refresh_rounds))
def test_a_stop_under_load_drops_no_request(folder: Path, tmp_path: Path, round_: int) -> None:
    callers = 16
    stopping = threading.Event()
    answers: list[str] = []
    under_way = threading.Semaphore(0)
    body = json.dumps({"instances": [ROW] * 1_000, "parameters": {"reasons": True}}).encode()

    with running_server(
        tmp_path / str(round_), MODEL_STORE=folder.as_uri(), DECISION_LOG="off"
    ) as server:

        def ask(client: httpx.Client) -> None:
            while not stopping.is_set():
                under_way.release()
                try:
                    answer = client.post(PATH, content=body)
                    answers.append(str(answer.status_code))
                except httpx.HTTPError as error:
                    answers.append(repr(error))
                under_way.acquire()

        predict(server)
        clients = [keeping_client(server) for _ in range(callers)]
        threads = [threading.Thread(target=ask, args=(client,)) for client in clients]
        for thread in threads:
            thread.start()
        # However slow the machine: each caller has its connection before the stop.
        wait_until(lambda: len(answers) >= 2 * callers, seconds=60)
        stopping.set()  # the router stops sending first; what is under way must be answered
        time.sleep(0.2)  # what was sent has arrived
        assert under_way.acquire(blocking=False)
        under_way.release()
        os.kill(server.process.pid, signal.SIGTERM)
        began = time.monotonic()
        for thread in threads:
            thread.join()
        server.process.wait(timeout=9)
        assert time.monotonic() - began < 9
        for client in clients:
            client.close()
    assert set(answers) == {"200"}


@pytest.mark.timing
@pytest.mark.skipif(not SOAKING, reason="full counts only: few scores say nothing about leaks")
def test_a_million_scores_and_a_thousand_reloads_leave_memory_flat(
    folder: Path, store: Store, versions: list[Version], tmp_path: Path
) -> None:
    many = {"instances": [ROW] * 1_000}

    def load(server: Server, rounds: int) -> None:
        for i in range(rounds):
            promote(store, MODEL, versions[i % 2], AUTHOR)
            answer = server.client.post(PATH, json=many, timeout=60)
            assert answer.status_code == httpx.codes.OK

    with running_server(
        tmp_path / "log", MODEL_STORE=folder.as_uri(), MODEL_REFRESH_SECONDS="0", DECISION_LOG="off"
    ) as server:
        load(server, 500)  # warm: both models seen, buffers and arenas at their size
        before = server.resident_bytes()
        load(server, 1_000)
        metrics = server.client.get("/metrics").text
        [loads] = [
            float(line.split()[1])
            for line in metrics.splitlines()
            if line.startswith(f'surety_model_loads_total{{model="{MODEL}"}}')
        ]
        assert loads > 1_000
        assert server.resident_bytes() < 1.01 * before
