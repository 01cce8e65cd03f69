"""Files land in the inbox of a bucket; functions-framework hands their events over."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest

from functions.batch.events import FINALISED, score_event
from functions.batch.jobs import Jobs
from functions.batch.settings import task_settings_from
from functions.batch.worker import Worker
from models.errors import StoreUnavailableError
from models.stores.uri import open_store
from tests.functions.batch.test_contract import FILE
from tests.support.running import REPOSITORY, ModelStore, free_port

TYPE = {"type": FINALISED}


@pytest.fixture
def inbox(bucket_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", bucket_server)
    return "models"  # the bucket of the test server


@pytest.fixture
def worker(made_models: ModelStore, inbox: str, request: pytest.FixtureRequest) -> Worker:
    uri = f"gs://{inbox}/{request.node.name}"
    settings = task_settings_from({"MODEL_STORE": made_models.uri})
    return Worker(settings, Jobs(open_store(uri), uri), STARTED.append_name, 10_000)


class _Started:
    """Remembers which jobs were started."""

    def __init__(self) -> None:
        self.batches: list[str] = []

    def append_name(self, batch: str) -> str:
        self.batches.append(batch)
        return "execution"


STARTED = _Started()


def land(bucket: str, name: str, data: bytes) -> dict[str, Any]:
    """Put a file into the bucket; return the data of its event."""
    store = open_store(f"gs://{bucket}")
    store.create(name, data)
    return {"bucket": bucket, "name": name, "generation": store.stat(name).generation}


def test_a_small_file_is_scored_before_the_event_is_acknowledged(
    worker: Worker, inbox: str
) -> None:
    event = land(inbox, "customer/small.csv", FILE)
    score_event(worker, TYPE, event)
    score_event(worker, TYPE, event)  # delivered twice
    names = worker.jobs.store.names("batches/")
    [manifest] = [name for name in names if name.endswith("/manifest.json")]
    assert b'"scored": 2' in worker.jobs.store.read(manifest).data


def test_a_large_file_starts_the_job_with_its_batch(worker: Worker, inbox: str) -> None:
    event = land(inbox, "customer/large.csv", FILE * 100)
    score_event(worker, TYPE, event)
    [name] = worker.jobs.store.names("batches/")
    assert name == f"batches/{STARTED.batches[-1]}/batch.json"


def test_what_is_no_file_of_a_model_is_left_alone(worker: Worker, inbox: str) -> None:
    for name in ("customer/notes.pdf", "nothing/few.csv", "few.csv"):
        score_event(worker, TYPE, {"bucket": inbox, "name": name, "generation": "1"})
    deleted = {"type": "google.cloud.storage.object.v1.deleted"}
    score_event(worker, deleted, {"bucket": inbox, "name": "customer/few.csv"})
    assert worker.jobs.store.names("batches/") == []


def test_a_file_that_cannot_be_scored_fails_once_and_for_all(worker: Worker, inbox: str) -> None:
    event = land(inbox, "customer/empty.csv", b"age\n")
    score_event(worker, TYPE, event)
    [job] = [worker.jobs.read(n.split("/")[1]) for n in worker.jobs.store.names("batches/")][:1]
    status, document = worker.jobs.find_ending(job)
    assert status == "failed"
    assert "the data has no column annual_income" in document["detail"]


def test_a_store_that_is_down_asks_for_the_event_again(
    worker: Worker, inbox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = land(inbox, "customer/later.csv", FILE)
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:9")
    uri = f"gs://{inbox}/down"
    lost = Worker(worker.settings, Jobs(open_store(uri), uri))
    with pytest.raises(StoreUnavailableError):
        score_event(lost, TYPE, event)


def test_the_framework_hands_a_cloud_event_over(
    made_models: ModelStore, inbox: str, tmp_path: Path
) -> None:
    event = land(inbox, "customer/framework.csv", FILE)
    uri, port = f"gs://{inbox}/framework", free_port()
    variables = {"MODEL_STORE": made_models.uri, "BATCH_STORE": uri}
    variables |= {"PORT": str(port), "PYTHONPATH": str(REPOSITORY)}
    command = ["--target=finalised", "--source=functions/batch/main.py"]
    with (tmp_path / "log").open("ab") as log:
        process = subprocess.Popen(
            [str(Path(sys.executable).parent / "functions-framework"), *command],
            cwd=REPOSITORY,
            env={**os.environ, **variables},  # noqa: TID251 -- the rest as it is
            stdout=log,
            stderr=log,
        )
    try:
        assert post_event(f"http://127.0.0.1:{port}/", event) == httpx.codes.OK
    finally:
        process.terminate()
        process.wait(timeout=15)
    [part] = [n for n in open_store(uri).names("batches/") if "/part-" in n]
    (tmp_path / "part.parquet").write_bytes(open_store(uri).download(part))
    assert pq.read_table(tmp_path / "part.parquet")["row"].to_pylist() == [1, 3]


def post_event(url: str, event: dict[str, Any]) -> int:
    """Post an event as Eventarc does, again until the server is there."""
    headers = {"ce-specversion": "1.0", "ce-type": FINALISED, "ce-id": "1", "ce-source": "inbox"}
    deadline = time.monotonic() + 30
    with httpx.Client(trust_env=False, timeout=30) as client:
        while True:
            try:
                return client.post(url, json=event, headers=headers).status_code
            except httpx.TransportError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
