import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from functions.scoring import model_loader
from functions.scoring.errors import NotReadyError
from functions.scoring.model_loader import ModelLoader, ModelState
from functions.scoring.operations.health import list_monitored
from models.catalogue.application import Application
from models.catalogue.german_credit import GermanCredit
from models.errors import StoreUnavailableError
from models.registry.monitored_status import MonitoredModel
from models.registry.store_paths import monitoring_path
from models.stores.files import FileStore
from models.stores.store import StoredObject
from models.stores.uri import open_store
from tests.support.running import ModelStore, Server, free_port, running_server

Example = Callable[[str], Any]
CATALOGUE = {"german_credit": GermanCredit}


def loads(server: Server) -> list[dict[str, Any]]:
    return [line for line in server.log() if line["message"].startswith("model")]


def test_fifty_first_requests_at_once_load_the_model_once(
    made_models: ModelStore, example: Example, tmp_path: Path
) -> None:
    body = example("application")
    with running_server(tmp_path / "log", MODEL_STORE=made_models.uri) as server:
        assert server.client.get("/v1/models/application").json()["ready"] is False
        assert loads(server) == []
        with ThreadPoolExecutor(50) as clients:
            answers = list(
                clients.map(lambda _: server.client.post("/predict", json=body), range(50))
            )
        assert [a.status_code for a in answers] == [httpx.codes.OK] * 50
        [load] = loads(server)
    assert load["model"] == "application"
    assert 0 <= load["age_days"] < 0.1  # published by this very run of the tests
    assert len({a.json()["probability_of_default"] for a in answers}) == 1


def test_a_process_is_live_without_a_model_and_ready_with_one(
    made_models: ModelStore, tmp_path: Path
) -> None:
    with running_server(tmp_path / "log", MODEL_STORE=made_models.uri) as server:
        assert server.client.get("/health").json()["model_loaded"] is False
        assert loads(server) == []
        statuses = []
        while httpx.codes.OK not in statuses:
            answer = server.client.get("/health/ready")
            statuses.append(answer.status_code)
            assert len(statuses) < 1_000
        assert statuses[0] == httpx.codes.SERVICE_UNAVAILABLE
        assert answer.json()["model"] == "application"
        assert len(loads(server)) == 1


def test_the_first_request_on_a_bucket_works(
    made_models: ModelStore, example: Example, bucket_server: str, tmp_path: Path
) -> None:
    source, bucket = open_store(made_models.uri), open_store("gs://models/serving")
    for name in source.names(""):
        bucket.create(name, source.read(name).data)
    with running_server(
        tmp_path / "log", MODEL_STORE="gs://models/serving", STORAGE_EMULATOR_HOST=bucket_server
    ) as server:
        answer = server.client.post("/predict", json=example("application"))
        assert answer.status_code == httpx.codes.OK
        assert answer.json()["model_version"] == made_models.summaries["application"]["version"]


def test_without_a_champion_the_service_says_so_and_recovers_by_itself(
    made_models: ModelStore, example: Example, tmp_path: Path
) -> None:
    folder = tmp_path / "store"
    with running_server(tmp_path / "log", MODEL_STORE=folder.as_uri()) as server:
        answer = server.client.post("/predict", json=example("application"))
        assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert answer.json()["detail"].endswith("no champion has been published")
        assert int(answer.headers["retry-after"]) >= 1
        source, store = open_store(made_models.uri), open_store(folder.as_uri())
        for name in source.names(""):
            store.create(name, source.read(name).data)
        for _ in range(100):
            answer = server.client.post("/predict", json=example("application"))
            if answer.status_code == httpx.codes.OK:
                break
            time.sleep(0.05)
        assert answer.status_code == httpx.codes.OK


class Clock:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def corrupt(store_folder: Path) -> Path:
    [bundle] = store_folder.glob("versions/german_credit/*/bundle.zip")
    sound = bundle.read_bytes()
    bundle.write_bytes(sound[:-1] + bytes([sound[-1] ^ 1]))
    (store_folder / "sound").write_bytes(sound)
    return bundle


@pytest.fixture
def own_store(made_models: ModelStore, tmp_path: Path) -> Path:
    source, store = open_store(made_models.uri), open_store(tmp_path.as_uri())
    for name in source.names(""):
        if "german_credit" in name:
            store.create(name, source.read(name).data)
    return tmp_path


def test_a_corrupt_model_is_refused_and_tried_again_with_back_off(own_store: Path) -> None:
    bundle = corrupt(own_store)
    clock = Clock()
    loader = ModelLoader(open_store(own_store.as_uri()), CATALOGUE, 60.0, clock)

    async def waits() -> list[int]:
        outcomes = []
        for _ in range(7):
            with pytest.raises(NotReadyError, match="its bundle was refused") as caught:
                await loader.load("german_credit")
            outcomes.append(caught.value.retry_after_seconds)
            clock.now += caught.value.retry_after_seconds
        return outcomes

    assert asyncio.run(waits()) == [1, 2, 4, 8, 16, 30, 30]
    bundle.write_bytes((own_store / "sound").read_bytes())
    serving = asyncio.run(loader.load("german_credit"))
    assert serving.champion.manifest.model == "german_credit"


def test_a_first_champion_is_found_soon_after_it_was_published(own_store: Path) -> None:
    clock, path = Clock(), own_store / "champions" / "german_credit.json"
    pointer = path.read_bytes()
    path.unlink()
    loader = ModelLoader(open_store(own_store.as_uri()), CATALOGUE, 60.0, clock)

    async def waits() -> list[int]:
        seconds = []
        for _ in range(6):
            with pytest.raises(NotReadyError, match="no champion has been published") as caught:
                await loader.load("german_credit")
            seconds.append(caught.value.retry_after_seconds)
            clock.now += caught.value.retry_after_seconds
        return seconds

    assert asyncio.run(waits()) == [1, 2, 2, 2, 2, 2]
    path.write_bytes(pointer)
    asyncio.run(loader.load("german_credit"))


def test_the_back_off_outlasts_any_number_of_failures(own_store: Path) -> None:
    clock = Clock()
    corrupt(own_store)
    loader = ModelLoader(open_store(own_store.as_uri()), CATALOGUE, 60.0, clock)

    async def fail() -> int:
        for _ in range(1_100):
            clock.now += 30
            with pytest.raises(NotReadyError) as caught:
                await loader.load("german_credit")
        return caught.value.retry_after_seconds

    assert asyncio.run(fail()) == 30


def test_a_store_that_trickles_is_given_up(
    example: Example, tmp_path: Path, trickling_server: str
) -> None:
    with running_server(
        tmp_path / "log", MODEL_STORE="gs://models/x", STORAGE_EMULATOR_HOST=trickling_server
    ) as server:
        answer = server.client.post("/predict", json=example("application"))
        assert server.client.get("/health/live").status_code == httpx.codes.OK
    assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert answer.json()["detail"].endswith("the model store cannot be reached")


@pytest.fixture
def trickling_server() -> Iterator[str]:
    """A server that answers with one byte a second, so that no single read takes long."""
    stop = threading.Event()

    def trickle(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.recv(65_536)
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
            while not stop.wait(1.0):
                connection.sendall(b"x")

    def accept() -> None:
        while not stop.is_set():
            with contextlib.suppress(OSError):
                connection, _ = listener.accept()
                threading.Thread(target=trickle, args=(connection,)).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.5)
        accepting = threading.Thread(target=accept)
        accepting.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        stop.set()
        accepting.join()


def test_within_the_back_off_the_store_is_left_alone(own_store: Path) -> None:
    bundle = corrupt(own_store)
    clock = Clock()
    loader = ModelLoader(open_store(own_store.as_uri()), CATALOGUE, 60.0, clock)

    async def ask() -> None:
        await loader.load("german_credit")

    with pytest.raises(NotReadyError):
        asyncio.run(ask())
    bundle.write_bytes((own_store / "sound").read_bytes())
    clock.now = 0.5
    with pytest.raises(NotReadyError):
        asyncio.run(ask())
    clock.now = 1.0
    asyncio.run(ask())


LAST_DAY = "surety_monitor_day_timestamp_seconds"


class Unlisted(FileStore):
    """A folder whose monitoring cannot be reached."""

    def read(self, name: str) -> StoredObject:
        if name.startswith("monitoring/"):
            message = "monitoring cannot be reached"
            raise StoreUnavailableError(message)
        return super().read(name)


def write_monitored(folder: Path, version: str, days_ago: int = 0) -> None:
    day = datetime.now(UTC).date() - timedelta(days=days_ago)
    signals = [{"name": "auc", "subject": "all", "state": "fired"}]
    document = {"model": "german_credit", "day": day.isoformat(), "version": version}
    document |= {"status": "DEGRADED"}
    path = folder / monitoring_path("german_credit", day, 1)
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(document | {"signals": signals}))


async def refresh(loader: ModelLoader) -> ModelState:
    state = loader.start("german_credit")
    assert state.loading
    await state.loading
    return state


def test_a_degraded_model_says_so_from_its_first_refresh_on(own_store: Path) -> None:
    loader = ModelLoader(open_store(own_store.as_uri()), CATALOGUE, 0.0)

    async def ask() -> tuple[MonitoredModel | None, MonitoredModel | None]:
        serving = await loader.load("german_credit")
        write_monitored(own_store, serving.champion.version)
        cold = loader.states["german_credit"].monitored
        return cold, (await refresh(loader)).monitored

    cold, monitored = asyncio.run(ask())
    assert cold is None
    assert monitored is not None
    assert (monitored.status["status"], monitored.status["signals"]) == ("DEGRADED", ["auc: all"])


def test_what_was_monitored_of_another_version_is_not_the_champions(own_store: Path) -> None:
    write_monitored(own_store, "another")
    loader = ModelLoader(open_store(own_store.as_uri()), CATALOGUE, 0.0)

    async def ask() -> MonitoredModel | None:
        await loader.load("german_credit")
        return (await refresh(loader)).monitored

    assert asyncio.run(ask()) is None


@pytest.mark.parametrize(("days_ago", "is_shown"), [(3, True), (14, True), (15, False)])
def test_a_model_that_is_no_longer_monitored_shows_its_last_day_for_two_weeks(
    own_store: Path, days_ago: int, *, is_shown: bool
) -> None:
    """Otherwise the alert that nobody monitors it would end by itself."""
    write_monitored(own_store, "another", days_ago)
    loader = ModelLoader(open_store(own_store.as_uri()), CATALOGUE, 0.0)

    async def ask() -> ModelState:
        await loader.load("german_credit")
        return await refresh(loader)

    state = asyncio.run(ask())
    assert state.monitored is None
    figures = list(list_monitored({"german_credit": state}))
    assert [figure.name for figure in figures] == [LAST_DAY] * is_shown
    if is_shown:
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        assert figures[0].value == (today - timedelta(days=days_ago)).timestamp()


def test_monitoring_that_cannot_be_reached_stops_no_refresh(own_store: Path) -> None:
    loader = ModelLoader(Unlisted(str(own_store)), CATALOGUE, 0.0)

    async def ask() -> ModelState:
        await loader.load("german_credit")
        return await refresh(loader)

    state = asyncio.run(ask())
    assert (state.failures, state.cause, state.monitored) == (0, None, None)
    assert state.serving


def test_a_caller_that_goes_away_does_not_end_the_load_of_others(own_store: Path) -> None:
    loader = ModelLoader(open_store(own_store.as_uri()), CATALOGUE, 60.0)

    async def one_leaves() -> str:
        leaving = asyncio.create_task(loader.load("german_credit"))
        staying = asyncio.create_task(loader.load("german_credit"))
        await asyncio.sleep(0)
        leaving.cancel()
        return (await staying).champion.manifest.model

    assert asyncio.run(one_leaves()) == "german_credit"


class Stalled(FileStore):
    """A folder in which one model's objects are never read to their end."""

    def __init__(self, uri: str, model: str) -> None:
        super().__init__(uri.removeprefix("file://"))
        self.ended = threading.Event()
        self._model = model

    def read(self, name: str) -> StoredObject:
        if self._model in name:
            self.ended.wait()
        return super().read(name)


def test_a_load_that_hangs_holds_up_no_other_model(
    made_store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_loader, "LOAD_SECONDS", 0.05)
    clock = Clock()
    store = Stalled(made_store, "application")
    loader = ModelLoader(store, CATALOGUE | {"application": Application}, 60.0, clock)

    async def ask() -> str:
        for _ in range(4):
            with pytest.raises(NotReadyError, match="the model store cannot be reached"):
                await loader.load("application")
            clock.now += 60
        monkeypatch.setattr(model_loader, "LOAD_SECONDS", 10.0)
        try:
            return (await loader.load("german_credit")).champion.manifest.model
        finally:
            store.ended.set()

    assert asyncio.run(ask()) == "german_credit"


def test_a_store_that_cannot_be_reached_is_said_to_be(example: Example, tmp_path: Path) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    with running_server(
        tmp_path / "log", MODEL_STORE="gs://models/serving", STORAGE_EMULATOR_HOST=nobody
    ) as server:
        answer = server.client.post("/predict", json=example("application"))
        [refusal] = loads(server)
    assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert answer.json()["detail"].endswith("the model store cannot be reached")
    assert refusal["severity"] == "ERROR"
    assert "StoreUnavailableError" in refusal["cause"]
