"""The Open Inference Protocol against the running server."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.scoring.contracts.tensors import datatypes_from_model
from functions.scoring.decision_engine import MAX_ROWS
from models.discovery import credit_models
from models.registry.pointer import Author, Challenger, challenge
from models.stores.uri import open_store
from tests.support.published import NOW, publish_all_by_hand, publish_by_hand
from tests.support.running import Server, running_server

Rows = dict[str, dict[str, Any]]

INFER = "/v2/models/application/infer"


def make_columns(
    rows: list[dict[str, Any]], model: str = "application", **more: object
) -> dict[str, Any]:
    """Rows as a request's columns."""
    kinds = datatypes_from_model(credit_models(["tests.support.toy"])[model])
    inputs = [
        {
            "name": name,
            "shape": [len(rows)],
            "datatype": kinds[name],
            "data": [row[name] for row in rows],
        }
        for name in rows[0]
    ]
    return {"inputs": inputs, **more}


def changed(document: dict[str, Any], column: str, **members: object) -> dict[str, Any]:
    """A request with one column changed."""
    inputs = [t | members if t["name"] == column else t for t in document["inputs"]]
    return document | {"inputs": inputs}


def test_columns_are_answered_as_the_same_rows_are(contracts: Server, rows: Rows) -> None:
    sent = [rows["application"] | {"income": 20_000 + 100 * i} for i in range(200)]
    answer = contracts.client.post(INFER, json=make_columns(sent, id="42")).json()
    canonical = contracts.client.post(
        "/v1/models/application:predict", json={"instances": sent}
    ).json()["predictions"]
    outputs = {output["name"]: output for output in answer["outputs"]}
    assert list(outputs) == [
        *("probability_of_default", "credit_score", "risk_level", "decision", "reasons")
    ]
    for name in ("probability_of_default", "credit_score", "risk_level", "decision"):
        assert outputs[name]["data"] == [prediction[name] for prediction in canonical]
        assert outputs[name]["shape"] == [200]
    reasons = [prediction.get("reasons", []) for prediction in canonical]
    assert [json.loads(text) for text in outputs["reasons"]["data"]] == reasons
    assert answer["id"] == "42"
    assert (answer["model_name"], answer["model_version"]) == (
        canonical[0]["model"],
        canonical[0]["model_version"],
    )


def test_an_id_is_not_made_up_and_outputs_come_as_asked_for(contracts: Server, rows: Rows) -> None:
    wanted = [{"name": "decision"}, {"name": "probability_of_default"}]
    answer = contracts.client.post(INFER, json=make_columns([rows["application"]], outputs=wanted))
    assert "id" not in answer.json()
    assert [o["name"] for o in answer.json()["outputs"]] == ["decision", "probability_of_default"]


def test_whole_numbers_may_come_in_any_numeric_datatype_and_nested(
    contracts: Server, rows: Rows
) -> None:
    document = make_columns([rows["application"]] * 2)
    plain = contracts.client.post(INFER, json=document).json()
    for datatype in ("FP64", "FP32", "UINT8", "INT16"):
        members = {"datatype": datatype, "shape": [2, 1], "data": [[45.0], [45.0]]}
        again = contracts.client.post(INFER, json=changed(document, "age", **members)).json()
        assert again == plain


def test_null_and_an_absent_column_are_the_same_for_an_optional_field(
    contracts: Server, rows: Rows
) -> None:
    toy = rows["toy"] | {"months_since_default": None}
    path = "/v2/models/toy/infer"
    null = contracts.client.post(path, json=make_columns([toy], "toy"))
    del toy["months_since_default"]
    assert null.is_success
    assert contracts.client.post(path, json=make_columns([toy], "toy")).json() == null.json()


@pytest.mark.parametrize(
    ("members", "fault"),
    [
        ({"datatype": "BYTES"}, "inputs[0].datatype: Input should be INT8 or INT16"),
        ({"datatype": ["FP64"]}, "inputs[0].datatype: "),
        ({"shape": [3]}, "inputs[0].data: There should be as many values as the shape says"),
        ({"shape": [1, 2]}, "inputs[0].shape: Input should be [n] or [n, 1]"),
        ({"shape": [0], "data": []}, f"with n from 1 to {MAX_ROWS}"),
        ({"shape": [1], "data": [45]}, "Input should have 1 rows"),
        ({"data": [45, "x"]}, "inputs[0].data[1]: Input should be INT64"),
        ({"data": [45, True]}, "inputs[0].data[1]: Input should be INT64"),
        ({"data": [45, 1.5]}, "inputs[0].data[1]: Input should be INT64"),
        ({"datatype": "UINT8", "data": [45, 300]}, "inputs[0].data[1]: Input should be UINT8"),
        ({"data": [45, 5]}, "rows[1].age: Input should be greater than or equal to 18"),
        ({"data": [45, None]}, "rows[1].age: Input should be a valid integer"),
        ({"data": 45}, "inputs[0].data: Input should be a list"),
        ({"content": 1}, "inputs[0].content: This member is not in the contract"),
        ({"parameters": 1}, "inputs[0].parameters: Input should be an object"),
        ({"parameters": {"binary_data_size": 8}}, "Binary data needs the header Inference-Header"),
        ({"parameters": {"shared_memory_region": "r"}}, "shared_memory_region: This is not served"),
        ({"name": "income"}, "inputs[1].name: This column is listed twice"),
        ({"name": "surname"}, "inputs[0].name: Input should be a field of the model"),
        ({"name": "surname"}, "inputs.age: This column is required"),
        ({"name": {}}, "inputs[0].name: Input should be a field of the model"),
        ({"name": ["age"]}, "inputs[0].name: Input should be a field of the model"),
        ({"parameters": {"binary_data": {}}, "shape": [2, {}]}, "inputs[0].shape: "),
    ],
)
def test_a_faulty_column_is_refused_by_name(
    contracts: Server, rows: Rows, members: dict[str, Any], fault: str
) -> None:
    document = changed(make_columns([rows["application"]] * 2), "age", **members)
    answer = contracts.client.post(INFER, json=document)
    assert answer.status_code == 400
    assert list(answer.json()) == ["error"]
    assert fault in answer.json()["error"]


def test_all_faults_are_named_at_once_and_no_value_is_repeated(
    contracts: Server, rows: Rows
) -> None:
    document = make_columns(
        [rows["application"] | {"home_ownership": "houseboat"}],
        id=7,
        parameters={"reasons": "yes"},
        model_name="german_credit",
        outputs=[{"name": "loss"}, 5],
        more=1,
    )
    answer = contracts.client.post(INFER, json=changed(document, "age", datatype="BYTES"))
    prediction = answer.json()["error"]
    for path in ("id", "parameters.reasons", "model_name", "outputs[0].name", "outputs[1]", "more"):
        assert f"; {path}: " in prediction
    assert "; inputs[0].datatype: " in prediction
    assert "; rows[0].home_ownership: " in prediction
    assert "houseboat" not in prediction
    assert "8 faults" in prediction


def test_members_may_be_null_and_parameters_of_other_servers_mean_nothing(
    contracts: Server, rows: Rows
) -> None:
    plain = make_columns([rows["application"]])
    expected = contracts.client.post(INFER, json=plain).json()
    inputs = [tensor | {"parameters": None} for tensor in plain["inputs"]]
    nulls = dict.fromkeys(["id", "parameters", "outputs", "model_name", "model_version"])
    assert contracts.client.post(INFER, json=nulls | {"inputs": inputs}).json() == expected
    inputs = [tensor | {"parameters": {"content_type": "np"}} for tensor in plain["inputs"]]
    meant_for_others = {"content_type": "pd", "priority": 1, "timeout": 5, "headers": {"a": "b"}}
    document = {"parameters": meant_for_others, "model_name": "application", "inputs": inputs}
    assert contracts.client.post(INFER, json=document).json() == expected


def test_a_body_needs_no_content_type(contracts: Server, rows: Rows) -> None:
    body = json.dumps(make_columns([rows["application"]])).encode()
    assert "content-type" not in contracts.client.build_request("POST", INFER, content=body).headers
    assert contracts.client.post(INFER, content=body).is_success
    for kind, status in (("application/json; v=1", 200), ("text/csv", 400)):
        answer = contracts.client.post(INFER, content=body, headers={"Content-Type": kind})
        assert answer.status_code == status


def test_the_repository_index_lists_every_model(contracts: Server, rows: Rows) -> None:
    assert contracts.client.post(INFER, json=make_columns([rows["application"]])).is_success
    path = "/v2/repository/index"
    models = {model["name"]: model for model in contracts.client.post(path).json()}
    assert set(models) == set(rows)
    assert models["application"]["state"] == "READY"
    assert models["application"]["version"]
    ready = contracts.client.post(path, json={"ready": True}).json()
    assert {model["state"] for model in ready} == {"READY"}
    answer = contracts.client.post(path, json={"ready": "yes"})
    assert (answer.status_code, list(answer.json())) == (400, ["error"])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2/nowhere", 404),
        ("POST", "/v2/models/application/generate", 404),
        ("GET", "/v2/models/application/infer", 405),
        ("POST", "/v2", 405),
        ("GET", "/v2/models/mortgage", 404),
    ],
)
def test_an_unknown_path_is_answered_as_the_protocol_says(
    contracts: Server, method: str, path: str, status: int
) -> None:
    answer = contracts.client.request(method, path)
    assert answer.status_code == status
    assert list(answer.json()) == ["error"]
    assert ("allow" in answer.headers) is (status == 405)
    assert contracts.client.get("/v20").headers["content-type"] == "application/problem+json"


def test_reasons_of_an_approval_come_when_the_parameters_ask(contracts: Server, rows: Rows) -> None:
    safe = rows["application"] | {"income": 200_000, "inquiries_last_6m": 0, "savings": 10_000}

    def reasons(**parameters: bool) -> list[Any]:
        body = make_columns([safe], parameters=parameters, outputs=[{"name": "reasons"}])
        [output] = contracts.client.post(INFER, json=body).json()["outputs"]
        values: list[Any] = json.loads(output["data"][0])
        return values

    assert reasons() == reasons(reasons=False) == []
    assert reasons(reasons=True) != []


def test_metadata_name_inputs_outputs_and_versions(contracts: Server, rows: Rows) -> None:
    assert contracts.client.get("/v2").json() == contracts.client.get("/v2/").json()
    assert set(contracts.client.get("/v2").json()) == {"name", "version", "extensions"}
    contracts.client.post("/v2/models/bureau/infer", json=make_columns([rows["bureau"]], "bureau"))
    about = contracts.client.get("/v2/models/bureau").json()
    assert {t["name"] for t in about["inputs"]} >= set(rows["bureau"])
    assert {"name": "rating", "datatype": "BYTES", "shape": [-1]} in about["outputs"]
    [version] = about["versions"]
    assert contracts.client.get(f"/v2/models/bureau/versions/{version}").json() == about
    assert contracts.client.get("/v2/models/bureau/versions/1").status_code == 404
    assert contracts.client.get("/v2/models/nobody").json()["error"].startswith("no credit model")


def test_health_is_live_at_once_and_ready_when_the_model_is_loaded(
    made_store: str, tmp_path: Path
) -> None:
    with running_server(tmp_path / "log", MODEL_STORE=made_store) as server:
        assert server.client.get("/v2/health/live").json() == {"live": True}
        first = server.client.get("/v2/models/application/ready")
        assert first.status_code == 503
        assert "is not ready" in first.json()["error"]
        deadline = time.monotonic() + 10
        while server.client.get("/v2/models/application/ready").status_code == 503:
            assert time.monotonic() < deadline
        assert server.client.get("/v2/models/application/ready").json() == {
            "name": "application",
            "ready": True,
        }
        assert server.client.get("/v2/health/ready").status_code == 200


@pytest.fixture
def challenged(rows: Rows, tmp_path: Path) -> Iterator[tuple[Server, str, str]]:
    """A server whose `toy` has a challenger; with the names of both versions."""
    uri = (tmp_path / "store").as_uri()
    (tmp_path / "store").mkdir()
    publish_all_by_hand(uri)
    store, model = open_store(uri), credit_models(["tests.support.toy"])["toy"]
    version = publish_by_hand(store, model, rows["toy"] | {"income": 20_000.0}, NOW.replace(day=22))
    pointer = challenge(store, "toy", Challenger(version=version, share=0.5), Author("tester", NOW))
    log_path = tmp_path / "log"
    with running_server(log_path, MODEL_STORE=uri, CREDIT_MODELS="tests.support.toy") as server:
        yield server, pointer.champion.version, version.version


def test_a_version_that_is_asked_for_answers_whoever_asks(
    challenged: tuple[Server, str, str], rows: Rows
) -> None:
    server, champion, challenger = challenged
    body = make_columns([rows["toy"]], "toy")
    for version, variant in ((champion, "champion"), (challenger, "challenger")):
        for _ in range(10):
            answer = server.client.post(f"/v2/models/toy/versions/{version}/infer", json=body)
            assert answer.json()["model_version"] == version
            assert answer.json()["parameters"]["variant"] == variant
    missing = server.client.post("/v2/models/toy/versions/1/infer", json=body)
    assert missing.status_code == 404
    assert champion in missing.json()["error"]
