"""No input makes the function fail: documents and bytes made up by hypothesis, sent to a server.

`make soak` sends a hundred times as many: 10,000 of each kind to each route of each server.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.scoring.contracts.tensors import datatypes_from_model
from functions.web.openapi import MAX_ERROR_BYTES
from models.catalogue.application import Application
from tests.support.running import Server

pytestmark = pytest.mark.soak

EXAMPLES = pytest.mark.parametrize("route", ["/predict", "/v1/models/application:predict"])
FOREIGN = {
    "/v2/models/application/infer": "error",
    "/bigquery/application": "errorMessage",
    "/snowflake/application": "error",
    "/invocations": "message",
}
ROUTES = pytest.mark.parametrize(
    "route",
    [
        *("/predict", "/v1/models/application:predict", "/api/v1/predict", "/api/v1/predict/batch"),
        *FOREIGN,
    ],
)
MARKER = "Zacharias"  # a value of an applicant's, which no answer may repeat
FIELDS = list(Application.model_fields)
IN_A_FIXTURE = (HealthCheck.function_scoped_fixture, HealthCheck.too_slow)

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.just(MARKER),
)
documents = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.sampled_from(FIELDS), st.text(max_size=8)), inner, max_size=4),
    ),
    max_leaves=12,
)
changes = st.dictionaries(st.sampled_from(FIELDS), documents, min_size=1, max_size=5)

members = st.sampled_from(
    [
        *("name", "shape", "datatype", "data", "parameters", "inputs", "outputs", "id", "calls"),
        *("userDefinedContext", "requestId", "customers", "customer_id", "reasons", "instances"),
        *("dataframe_split", "dataframe_records", "columns", "params"),
    ]
)
# The members that foreign contracts have, with anything in them.
nested = st.dictionaries(
    members,
    st.one_of(documents, st.lists(st.dictionaries(members, documents, max_size=5), max_size=4)),
    min_size=1,
    max_size=5,
)


def _send(service: Server, route: str, body: bytes) -> tuple[int, dict[str, Any], str]:
    answer = service.client.post(route, content=body, headers={"content-type": "application/json"})
    return answer.status_code, answer.json(), answer.text


@EXAMPLES
@given(changed=changes)
@settings(deadline=None, suppress_health_check=IN_A_FIXTURE)
def test_every_changed_application_is_answered_with_its_faults(
    service: Server, example: Callable[[str], Any], route: str, changed: dict[str, Any]
) -> None:
    row = example("application") | changed
    document = row if route == "/predict" else {"instances": [row]}
    status, answer, text = _send(service, route, json.dumps(document).encode())
    assert status in {200, 422}
    assert MARKER not in text
    if status == 422:
        names = {
            error["path"].removeprefix("instances[0].").split(".")[0] for error in answer["errors"]
        }
        assert names <= set(changed)
        assert all(error["message"] for error in answer["errors"])


def _columns(row: dict[str, Any]) -> dict[str, Any]:
    kinds = datatypes_from_model(Application)
    return {
        "inputs": [
            {"name": name, "shape": [1], "datatype": kinds[name], "data": [value]}
            for name, value in row.items()
        ]
    }


@pytest.mark.parametrize("route", FOREIGN)
@given(changed=changes)
@settings(deadline=None, suppress_health_check=IN_A_FIXTURE)
def test_every_changed_application_is_answered_in_a_foreign_contract(
    contracts: Server, example: Callable[[str], Any], route: str, changed: dict[str, Any]
) -> None:
    row = example("application") | changed
    document = {
        "/v2/models/application/infer": _columns(row),
        "/bigquery/application": {"calls": [[row[name] for name in FIELDS]]},
        "/snowflake/application": {"data": [[0, *(row[name] for name in FIELDS)]]},
        "/invocations": {"dataframe_split": {"columns": list(row), "data": [list(row.values())]}},
    }[route]
    status, answer, text = _send(contracts, route, json.dumps(document).encode())
    assert status in {200, 400}
    assert MARKER not in text
    if status == 400:
        assert list(answer) == [FOREIGN[route]]
        assert len(answer[FOREIGN[route]].encode()) <= MAX_ERROR_BYTES


@ROUTES
@given(document=st.one_of(documents, nested))
@settings(deadline=None, suppress_health_check=IN_A_FIXTURE)
def test_every_document_is_answered(contracts: Server, route: str, document: object) -> None:
    status, answer, text = _send(contracts, route, json.dumps(document).encode())
    assert 400 <= status < 500
    assert answer[FOREIGN[route]] if route in FOREIGN else answer["status"] == status
    assert MARKER not in text


@ROUTES
@given(body=st.binary(max_size=300))
@settings(deadline=None, suppress_health_check=IN_A_FIXTURE)
def test_every_sequence_of_bytes_is_answered(contracts: Server, route: str, body: bytes) -> None:
    status, answer, text = _send(contracts, route, body + MARKER.encode())
    assert 400 <= status < 500
    assert answer[FOREIGN[route]] if route in FOREIGN else answer["status"] == status
    assert MARKER not in text


def test_the_server_is_the_same_process_afterwards(service: Server, contracts: Server) -> None:
    for server in (service, contracts):
        assert server.process.poll() is None
        assert server.client.get("/health/live").status_code == 200
        assert not [line for line in server.log() if line["severity"] == "ERROR"]
        assert MARKER not in server.log_path.read_text()
