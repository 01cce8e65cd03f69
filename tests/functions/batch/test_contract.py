import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
import pytest

from functions.batch.worker import POLL_SECONDS
from tests.functions.batch.conftest import KEY, ROWS
from tests.support.running import ModelStore, running_server
from training.synthetic.application import generate

HEADER = "age,annual_income,credit_utilization,payment_history_score,employment_years,"
HEADER += "num_credit_accounts,total_debt,interest_rate,unemployment_rate"
SOUND = "35,75000,0.35,720,8,5,25000,0.065,0.04"
FILE = f"{HEADER}\n{SOUND}\n17,75000,0.35,720,8,5,25000,0.065,0.04\n{SOUND}\n".encode()
CSV_TYPE = {"content-type": "text/csv"}
SECONDS = 60

Wait = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="module")
def variables(
    made_models: ModelStore, applications: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    return {
        "MODEL_STORE": made_models.uri,
        "DECISION_LOG_KEY": KEY,
        "BATCH_STORE": tmp_path_factory.mktemp("batches").as_uri(),
        "BATCH_INPUTS": applications.parent.as_uri(),
    }


@pytest.fixture(scope="module")
def client(
    variables: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    log = tmp_path_factory.mktemp("server") / "log"
    with running_server(log, "batch module", **variables) as server:
        yield server.client


@pytest.fixture
def wait(client: httpx.Client) -> Wait:
    return lambda batch: wait_for_end(client, batch)


def wait_for_end(client: httpx.Client, batch: str) -> dict[str, Any]:
    """Ask until a batch has ended."""
    deadline = time.monotonic() + SECONDS
    while True:
        reply: dict[str, Any] = client.get(f"/v1/batches/{batch}").json()
        if reply["status"] not in ("queued", "running"):
            return reply
        assert time.monotonic() < deadline, reply
        time.sleep(0.05)


def test_an_uploaded_csv_is_scored_and_fetched_with_its_faults(
    client: httpx.Client, wait: Wait
) -> None:
    query = {"model": "customer", "keep": "total_debt", "reasons": "all"}
    created = client.post("/v1/batches", params=query, content=FILE, headers=CSV_TYPE)
    assert created.status_code == httpx.codes.ACCEPTED
    batch = wait(created.json()["id"])
    assert (batch["status"], batch["rows"], batch["scored"], batch["faulty"]) == (
        *("succeeded", 3, 2, 1),
    )
    results = client.get(f"/v1/batches/{batch['id']}/results")
    assert results.headers["content-type"].startswith("text/csv")
    lines = results.text.splitlines()
    assert lines[0].startswith('"row","customer_id","total_debt","decision_id"')
    assert [line.split(",")[0] for line in lines[1:]] == ["1", "3"]
    [fault] = map(json.loads, client.get(f"/v1/batches/{batch['id']}/faults").text.splitlines())
    assert (fault["row"], fault["line"], fault["field"]) == (2, 3, "age")


def test_a_file_is_named_by_its_uri_and_fetched_by_part(
    client: httpx.Client, wait: Wait, applications: Path, tmp_path: Path
) -> None:
    body = {"model": "application", "input": applications.as_uri()}
    batch = wait(client.post("/v1/batches", json=body).json()["id"])
    assert (batch["status"], batch["rows_done"], batch["scored"]) == ("succeeded", ROWS, ROWS)
    part = client.get(f"/v1/batches/{batch['id']}/results", params={"part": 0})
    (tmp_path / "part.parquet").write_bytes(part.content)
    assert pq.read_table(tmp_path / "part.parquet").num_rows == ROWS
    rows = client.get(f"/v1/batches/{batch['id']}/results").content
    (tmp_path / "rows.csv").write_bytes(rows)
    assert arrow_csv.read_csv(tmp_path / "rows.csv").num_rows == ROWS
    wrong = client.get(f"/v1/batches/{batch['id']}/results", params={"part": 9})
    assert wrong.json()["errors"][0]["message"] == "must be a number from 0 to 0"


def test_a_dry_run_finds_faults_and_scores_nothing(client: httpx.Client, wait: Wait) -> None:
    query = {"model": "customer", "dry_run": "true"}
    created = client.post("/v1/batches", params=query, content=FILE, headers=CSV_TYPE)
    batch = wait(created.json()["id"])
    assert (batch["status"], batch["rows"], batch["faulty"]) == ("checked", 3, 1)
    assert '"line": 3' in client.get(f"/v1/batches/{batch['id']}/faults").text
    results = client.get(f"/v1/batches/{batch['id']}/results")
    assert results.status_code == httpx.codes.CONFLICT


def test_a_batch_whose_file_lacks_a_column_fails_with_what_to_do(
    client: httpx.Client, wait: Wait
) -> None:
    content = FILE.replace(b"total_debt", b"TotalDebt")
    created = client.post(
        "/v1/batches", params={"model": "customer"}, content=content, headers=CSV_TYPE
    )
    batch = wait(created.json()["id"])
    assert batch["status"] == "failed"
    assert "--mapping total_debt=TotalDebt" in batch["detail"]
    query = {"model": "customer", "mapping": "total_debt=TotalDebt"}
    created = client.post("/v1/batches", params=query, content=content, headers=CSV_TYPE)
    assert wait(created.json()["id"])["scored"] == 2


def test_the_same_key_is_the_same_batch_and_not_for_another(
    client: httpx.Client, wait: Wait
) -> None:
    headers = CSV_TYPE | {"idempotency-key": "tonight"}
    query = {"model": "customer"}
    first = client.post("/v1/batches", params=query, content=FILE, headers=headers).json()["id"]
    wait(first)
    again = client.post("/v1/batches", params=query, content=FILE, headers=headers)
    assert (again.json()["id"], again.json()["status"]) == (first, "succeeded")
    for params, content in ((query | {"reasons": "all"}, FILE), (query, FILE + b"\n")):
        other = client.post("/v1/batches", params=params, content=content, headers=headers)
        assert other.status_code == httpx.codes.CONFLICT
        assert "this Idempotency-Key was used for another" in other.json()["detail"]


def test_a_cancelled_batch_is_resumed_where_it_was(
    variables: dict[str, str], client: httpx.Client, wait: Wait
) -> None:
    part_rows = 8_192
    rows = 24 * part_rows  # more than are scored before the worker looks again
    inputs = Path(variables["BATCH_INPUTS"].removeprefix("file://"))
    table = pa.Table.from_pandas(generate(rows, seed=7))
    pq.write_table(table, inputs / "many.parquet", row_group_size=part_rows)
    uri = f"{variables['BATCH_INPUTS']}/many.parquet"
    body = {"model": "application", "input": uri, "reasons": "all"}
    path = f"/v1/batches/{client.post('/v1/batches', json=body).json()['id']}"
    while (client.get(path).json()["rows_done"] or 0) < part_rows:
        time.sleep(0.05)
    assert client.post(f"{path}:cancel").json()["status"] == "cancelled"
    assert client.post(f"{path}:cancel").json()["status"] == "cancelled"
    assert client.get(f"{path}/results").status_code == httpx.codes.CONFLICT
    time.sleep(POLL_SECONDS)
    folder = Path(variables["BATCH_STORE"].removeprefix("file://")) / path.removeprefix("/v1/")
    before = {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()}
    assert 0 < sum("part-" in p.name for p in before) < rows // part_rows
    assert client.post(f"{path}:resume").json()["status"] == "running"
    assert client.post(f"{path}:resume").json()["status"] == "running"
    assert wait(path.rpartition("/")[2])["scored"] == rows
    assert {p: p.stat().st_mtime_ns for p in before} == before
    answer = client.post(f"{path}:resume")
    assert answer.status_code == httpx.codes.CONFLICT
    assert "only a cancelled one can be resumed" in answer.json()["detail"]


def test_a_batch_is_cancelled_again_after_it_was_resumed(
    client: httpx.Client, wait: Wait, applications: Path
) -> None:
    body = {"model": "application", "input": applications.as_uri(), "reasons": "all"}
    first, batch = (client.post("/v1/batches", json=body).json()["id"] for _ in range(2))
    for verb, status in (("cancel", "cancelled"), ("resume", "queued"), ("cancel", "cancelled")):
        reply = client.post(f"/v1/batches/{batch}:{verb}")
        assert (reply.status_code, reply.json()["status"]) == (httpx.codes.OK, status)
    wait(first)
    assert client.get(f"/v1/batches/{batch}").json()["status"] == "cancelled"
    assert client.post(f"/v1/batches/{batch}:resume").json()["status"] in ("queued", "running")
    assert wait(batch)["scored"] == ROWS


def test_a_cancelled_batch_whose_file_is_gone_stays_cancelled(
    variables: dict[str, str], client: httpx.Client, wait: Wait, applications: Path
) -> None:
    gone = applications.with_name("gone.csv")
    gone.write_bytes(FILE)
    busy = {"model": "application", "input": applications.as_uri(), "reasons": "all"}
    first = client.post("/v1/batches", json=busy).json()["id"]
    body = {"model": "customer", "input": f"{variables['BATCH_INPUTS']}/gone.csv"}
    path = f"/v1/batches/{client.post('/v1/batches', json=body).json()['id']}"
    assert client.post(f"{path}:cancel").json()["status"] == "cancelled"
    gone.unlink()
    assert client.post(f"{path}:resume").status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert client.get(path).json()["status"] == "cancelled"
    wait(first)


def test_a_cancelled_batch_stays_cancelled_and_a_finished_one_cannot_be(
    client: httpx.Client, wait: Wait, applications: Path
) -> None:
    body = {"model": "application", "input": applications.as_uri(), "reasons": "all"}
    first = client.post("/v1/batches", json=body).json()["id"]
    waiting = client.post("/v1/batches", json=body).json()["id"]
    assert client.post(f"/v1/batches/{waiting}:cancel").json()["status"] == "cancelled"
    assert wait(first)["status"] == "succeeded"
    assert client.post(f"/v1/batches/{first}:cancel").status_code == httpx.codes.CONFLICT
    assert client.get(f"/v1/batches/{waiting}").json()["status"] == "cancelled"


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"model": "application"}, "input"),
        ({"model": "application", "input": "file:///etc/passwd.csv"}, "input"),
        ({"model": "application", "input": "INPUTS/../secret.csv"}, "input"),
        ({"model": "application", "input": "INPUTS/%2e%2e/secret.csv"}, "input"),
        ({"model": "application", "input": "x.csv", "dry_run": "yes"}, "dry_run"),
        ({"model": "application", "input": "x.csv", "dialect": {"colour": 1}}, "dialect.colour"),
        ({"model": "application", "input": "x.csv", "reasons": "some"}, "reasons"),
        ({"model": "application", "input": "x.csv", "more": 1}, "more"),
    ],
)
def test_a_wrong_request_is_refused_by_member(
    client: httpx.Client, variables: dict[str, str], body: dict[str, Any], path: str
) -> None:
    text = json.dumps(body).replace("INPUTS", variables["BATCH_INPUTS"])
    headers = {"content-type": "application/json"}
    reply = client.post("/v1/batches", content=text, headers=headers)
    assert reply.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert path in [error["path"] for error in reply.json()["errors"]]


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ({"model": "customer", "mapping": "a"}, "query.mapping"),
        ({"model": "customer", "skip_lines": "x"}, "query.skip_lines"),
        ({"model": "customer", "dry_run": "yes"}, "dry_run"),
        ({"model": ["customer", "bureau"]}, "query.model"),
    ],
)
def test_a_wrong_query_is_refused_by_name(
    client: httpx.Client, query: dict[str, Any], path: str
) -> None:
    reply = client.post("/v1/batches", params=query, content=FILE, headers=CSV_TYPE)
    assert reply.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert path in [error["path"] for error in reply.json()["errors"]]


def test_models_batches_and_files_that_do_not_exist_are_named(
    client: httpx.Client, variables: dict[str, str]
) -> None:
    reply = client.post("/v1/batches", params={"model": "none"}, content=FILE, headers=CSV_TYPE)
    assert reply.status_code == httpx.codes.NOT_FOUND
    assert client.get("/v1/batches/batch_0").status_code == httpx.codes.NOT_FOUND
    body = {"model": "application", "input": f"{variables['BATCH_INPUTS']}/none.csv"}
    reply = client.post("/v1/batches", json=body)
    assert reply.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert "no object none.csv" in reply.json()["detail"]


def test_a_batch_survives_the_end_of_its_server(
    variables: dict[str, str], applications: Path, tmp_path: Path
) -> None:
    own = variables | {"BATCH_STORE": tmp_path.as_uri()}
    body = {"model": "application", "input": applications.as_uri(), "reasons": "all"}
    with running_server(tmp_path / "first", "batch module", **own) as server:
        batch = server.client.post("/v1/batches", json=body).json()["id"]
        server.process.kill()
    with running_server(tmp_path / "second", "batch framework", **own) as server:
        assert wait_for_end(server.client, batch)["scored"] == ROWS
