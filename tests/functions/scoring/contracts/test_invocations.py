"""`POST /invocations` against the running server: whose body it is, and how its faults are said."""

from typing import Any

import pytest

from functions.web.openapi import MAX_ERROR_BYTES
from tests.support.running import Server

Rows = dict[str, dict[str, Any]]
FAULT = "the request does not follow the contract: 1 fault"


@pytest.mark.parametrize(
    "body",
    [{}, {"rows": []}, {"instances": [], "inputs": {}}, {"dataframe_split": 1, "inputs": 1}],
)
def test_a_body_is_of_exactly_one_kind(contracts: Server, body: dict[str, Any]) -> None:
    answer = contracts.client.post("/invocations", json=body)
    assert answer.status_code == 400
    kinds = "instances, dataframe_split, dataframe_records, inputs"
    assert answer.json() == {"message": f"{FAULT}; body: There should be exactly one of {kinds}"}


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-recordio-protobuf"])
def test_another_media_type_is_refused(contracts: Server, media_type: str) -> None:
    headers = {"content-type": media_type}
    answer = contracts.client.post("/invocations", content=b"1,2", headers=headers)
    assert answer.status_code == 400
    assert answer.json() == {"message": "the body must be application/json in UTF-8"}


def test_a_thousand_faulty_rows_are_one_short_message(contracts: Server, rows: Rows) -> None:
    sent = {"dataframe_records": [rows["application"] | {"income": -1}] * 1_000}
    answer = contracts.client.post("/invocations", json=sent)
    assert answer.status_code == 400
    message = answer.json()["message"]
    assert "dataframe_records[0].income: Input should be greater than or equal to 1" in message
    assert message.endswith("more")
    assert len(message.encode()) <= MAX_ERROR_BYTES


def test_the_path_is_described_with_every_body(contracts: Server) -> None:
    path = contracts.client.get("/openapi.json").json()["paths"]["/invocations"]["post"]
    content = path["requestBody"]["content"]
    kinds = content["application/json"]["schema"]["oneOf"]
    assert [kind["required"] for kind in kinds] == [
        ["instances"],
        ["dataframe_split"],
        ["dataframe_records"],
        ["inputs"],
    ]
    assert "text/csv" in content
