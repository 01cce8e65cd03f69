import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from models.evidence.log_reader import decisions_in
from tests.support.running import ModelStore, Server, running_server

Example = Callable[[str], Any]
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def records(server: Server, request_id: str) -> list[dict[str, Any]]:
    lines = [line for line in server.log() if line.get("request_id") == request_id]
    return [decision for line in lines for decision in decisions_in(line)]


def test_every_decision_is_recorded_with_its_inputs(service: Server, example: Example) -> None:
    body = example("application")
    answer = service.client.post(
        "/predict",
        json=body,
        headers={"x-request-id": "req-1", "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"},
    )
    reply = answer.json()
    assert answer.headers["x-request-id"] == "req-1"
    [record] = records(service, "req-1")
    assert (record["record"], record["record_version"]) == ("decision", 3)
    assert record["trace_id"] == TRACE
    for name in ("model", "model_version", "probability_of_default", "credit_score", "decision"):
        assert record[name] == reply[name], name
    assert record["latency_ms"] == reply["processing_time_ms"]
    assert record["inputs"] == {"application": {k: v for k, v in body.items() if k != "age"}}
    assert record["withheld"] == ["age"]
    assert record["reasons"] == []


def test_an_identifier_is_withheld_and_stands_nowhere_in_the_log(
    service: Server, example: Example
) -> None:
    [customer] = example("customer")["instances"]
    body = {"instances": [customer | {"customer_id": "CUST_canary"}]}
    headers = {"x-request-id": "req-8"}
    answer = service.client.post("/v1/models/customer:predict", json=body, headers=headers)
    assert answer.is_success
    [record] = records(service, "req-8")
    assert record["withheld"] == ["age", "customer_id", "region"]
    assert "customer_id" not in record["inputs"]["customer"]
    assert record["applicant"] is None  # without a key there are no pseudonyms
    assert "canary" not in service.log_path.read_text()


def test_the_reasons_of_a_refusal_are_recorded_by_code(service: Server, example: Example) -> None:
    body = example("application") | {"credit_score": 400, "num_late_payments": 8}
    reply = service.client.post("/predict", json=body, headers={"x-request-id": "req-4"}).json()
    [record] = records(service, "req-4")
    assert record["reasons"] == [reason["code"] for reason in reply["reasons"]] != []


def test_a_batch_is_recorded_row_by_row(service: Server, example: Example) -> None:
    rows = [example("application") | {"income": 30_000 + i} for i in range(100)]
    service.client.post(
        "/v1/models/application:predict",
        json={"instances": rows},
        headers={"x-request-id": "batch-1"},
    )
    written = records(service, "batch-1")
    assert [record["index"] for record in written] == list(range(100))
    assert [record["inputs"]["application"]["income"] for record in written] == [
        r["income"] for r in rows
    ]
    [line] = [line for line in service.log() if line.get("request_id") == "batch-1"]
    assert line["severity"] == "INFO"
    assert line["approved"] + line["referred"] + line["declined"] == len(rows)


def test_a_refused_request_leaves_no_record_and_no_data_in_the_log(
    service: Server, example: Example
) -> None:
    body = example("application") | {"home_ownership": "secret-harbour"}
    service.client.post("/predict", json=body, headers={"x-request-id": "req-2"})
    assert records(service, "req-2") == []
    assert "secret-harbour" not in service.log_path.read_text()


@pytest.mark.parametrize("header", ["", "with space", "x" * 65, "drop\ttable"])
def test_a_request_id_that_is_none_is_replaced(service: Server, header: str) -> None:
    answer = service.client.get("/health/live", headers={"x-request-id": header})
    assert len(answer.headers["x-request-id"]) == 32


def test_the_older_trace_header_is_read_too(service: Server, example: Example) -> None:
    service.client.post(
        "/predict",
        json=example("application"),
        headers={"x-request-id": "req-3", "x-cloud-trace-context": f"{TRACE}/123;o=1"},
    )
    assert records(service, "req-3")[0]["trace_id"] == TRACE


@pytest.mark.parametrize("setting", ["off", "file"])
def test_records_go_where_the_setting_says(
    setting: str, made_models: ModelStore, example: Example, tmp_path: Path
) -> None:
    decisions = tmp_path / "decisions.jsonl"
    where = "off" if setting == "off" else str(decisions)
    with running_server(
        tmp_path / "log", MODEL_STORE=made_models.uri, DECISION_LOG=where
    ) as server:
        server.client.post("/predict", json=example("application"))
        assert not [line for line in server.log() if line.get("record")]
    if setting == "file":
        [line] = decisions.read_text().splitlines()
        assert json.loads(line)["model"] == "application"
    else:
        assert not decisions.exists()


def test_a_log_that_cannot_be_written_stops_no_decision(
    made_models: ModelStore, example: Example
) -> None:
    with running_server(
        Path("/dev/full"), MODEL_STORE=made_models.uri, DECISION_LOG="off"
    ) as server:
        answer = server.client.post("/predict", json=example("application"))
    assert answer.status_code == httpx.codes.OK


def test_a_decision_that_cannot_be_recorded_is_not_given(
    made_models: ModelStore, example: Example, tmp_path: Path
) -> None:
    with running_server(
        tmp_path / "log", MODEL_STORE=made_models.uri, DECISION_LOG="/dev/full"
    ) as server:
        answer = server.client.post("/predict", json=example("application"))
    assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert answer.json()["detail"] == "the decision could not be recorded"
    assert int(answer.headers["retry-after"]) > 0
    assert "No space left on device" in (tmp_path / "log").read_text()
