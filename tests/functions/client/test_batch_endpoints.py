"""Batches through the typed client, against the real batch function."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.client import batch_endpoints as batches
from functions.client.batch_endpoints import BatchOptions
from functions.client.batch_responses import BatchState
from functions.client.clients import Surety
from functions.client.errors import RefusedError
from tests.support.running import ModelStore, running_server

HEADER = (
    "age,annual_income,credit_utilization,payment_history_score,employment_years,"
    "num_credit_accounts,debt,interest_rate,unemployment_rate"
)
SOUND, MINOR = "35,75000,0.35,720,8,5,25000,0.065,0.04", "17,75000,0.35,720,8,5,25000,0.065,0.04"
FILE = f"{HEADER}\n{SOUND}\n{MINOR}\n{SOUND}\n".encode()
OPTIONS = BatchOptions(model="customer", mapping={"total_debt": "debt"}, keep=("debt",))
SECONDS = 60.0


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inbox")
    (folder / "three.csv").write_bytes(FILE)
    return folder


@pytest.fixture(scope="module")
def client(
    made_models: ModelStore, inbox: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Surety]:
    folder = tmp_path_factory.mktemp("batches")
    with (
        running_server(
            folder / "log",
            "batch module",
            MODEL_STORE=made_models.uri,
            BATCH_STORE=(folder / "store").as_uri(),
            BATCH_INPUTS=inbox.as_uri(),
        ) as server,
        Surety(str(server.client.base_url)) as surety,
    ):
        yield surety


def wait_for_end(client: Surety, batch: BatchState) -> BatchState:
    """Ask until a batch has ended."""
    deadline = time.monotonic() + SECONDS
    while batch.status in {"queued", "running"}:
        assert time.monotonic() < deadline
        time.sleep(0.05)
        batch = client.request(batches.batch(batch.id))
    return batch


def test_a_file_is_uploaded_scored_and_fetched(client: Surety) -> None:
    created = client.request(batches.upload(FILE, "text/csv", OPTIONS, "tonight"))
    again = client.request(batches.upload(FILE, "text/csv", OPTIONS, "tonight"))
    assert again.id == created.id  # one batch, however often the call is repeated
    batch = wait_for_end(client, created)
    assert (batch.status, batch.rows, batch.scored, batch.faulty) == ("succeeded", 3, 2, 1)
    lines = client.request(batches.results(batch.id)).content.decode().splitlines()
    assert [line.split(",")[0] for line in lines] == ['"row"', "1", "3"]
    assert '"debt"' in lines[0]
    assert client.request(batches.result_part(batch.id, 0)).content.startswith(b"PAR1")
    [fault] = client.request(batches.faults(batch.id)).faults
    assert (fault.row, fault.line, fault.field) == (2, 3, "age")


def test_a_file_is_named_by_its_uri_and_checked_only(client: Surety, inbox: Path) -> None:
    options = BatchOptions(model="customer", mapping={"total_debt": "debt"}, dry_run=True)
    uri = f"{inbox.as_uri()}/three.csv"
    batch = wait_for_end(client, client.request(batches.submit(uri, options, "check")))
    assert (batch.status, batch.rows, batch.faulty) == ("checked", 3, 1)
    assert [fault.line for fault in client.request(batches.faults(batch.id)).faults] == [3]
    with pytest.raises(RefusedError, match="the batch has not succeeded"):
        client.request(batches.results(batch.id))


def test_the_dialect_of_a_file_is_sent(client: Surety) -> None:
    options = BatchOptions(
        model="customer",
        mapping={"total_debt": "debt"},
        dialect={"delimiter": ";", "skip_lines": 1, "missing": ("?", "none")},
        dry_run=True,
    )
    content = b"# of tonight\n" + FILE.replace(b",", b";")
    created = client.request(batches.upload(content, "text/csv", options, "semicolons"))
    batch = wait_for_end(client, created)
    assert (batch.status, batch.rows, batch.faulty) == ("checked", 3, 1)


def test_a_batch_that_has_ended_is_not_cancelled(client: Surety) -> None:
    created = client.request(batches.upload(FILE, "text/csv", OPTIONS, "tonight"))
    wait_for_end(client, created)
    with pytest.raises(RefusedError, match="cannot be cancelled any more"):
        client.request(batches.cancel(created.id))


def test_the_batch_of_somebody_else_does_not_exist(client: Surety) -> None:
    with pytest.raises(RefusedError, match="there is no such batch"):
        client.request(batches.batch("batch_0"))
