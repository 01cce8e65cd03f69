"""Dates, ordered levels and other texts: trained from a CSV, and served by every contract."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.functions.scoring.recording import decisions_logged
from tests.support.dated_loan import dated_rows
from tests.support.running import Server, running_server
from training.cli import main

MODEL = "dated_loan"
ROW: dict[str, Any] = {
    "applied": "2026-11-30",
    "first_account": "2026-01-31",
    "grade": "C",
    "purpose": "yacht",
    "amount": 30_000.0,
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("dated")
    dated_rows(3_000).to_csv(folder / "rows.csv", index=False)
    settings = {"MODEL_STORE": folder.as_uri(), "CREDIT_MODELS": "tests.support.dated_loan"}
    train = ["train", "--model", MODEL, "--data", str(folder / "rows.csv"), "--family", "logistic"]
    assert main(train, settings) == 0
    with running_server(folder / "log", "module", DEFAULT_MODEL=MODEL, **settings) as running:
        yield running


def post(server: Server, path: str, body: object) -> httpx.Response:
    return server.client.post(path, json=body)


def predict(server: Server, **changes: object) -> dict[str, Any]:
    body = {"instances": [ROW | changes], "parameters": {"reasons": True}}
    answer = post(server, f"/v1/models/{MODEL}:predict", body)
    assert answer.status_code == 200, answer.text
    prediction: dict[str, Any] = answer.json()["predictions"][0]
    return prediction


def test_a_date_changes_the_score_only_through_what_is_derived_from_it(server: Server) -> None:
    prediction = predict(server)
    sentences = {reason["text"] for reason in prediction["reasons"]}
    assert "The first account is 10 months old" in sentences
    older = predict(server, first_account="2006-01-31")
    assert older["probability_of_default"] < prediction["probability_of_default"]
    both = predict(server, applied="2025-11-30", first_account="2025-01-31")
    assert both["probability_of_default"] == pytest.approx(
        prediction["probability_of_default"], abs=1e-3
    )


def test_a_lower_grade_is_never_safer_and_an_unlisted_purpose_is_the_other_one(
    server: Server,
) -> None:
    risks = [predict(server, grade=grade)["probability_of_default"] for grade in "ABC"]
    assert risks == sorted(risks)
    assert predict(server) == predict(server, purpose="other")


def test_what_is_no_date_is_refused_by_name(server: Server) -> None:
    body = {"instances": [ROW | {"applied": "30.11.2026", "grade": "D"}]}
    answer = post(server, f"/v1/models/{MODEL}:predict", body)
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {
            "path": "instances[0].applied",
            "message": "Input should be a date such as 2026-11-30",
        },
        {"path": "instances[0].grade", "message": "Input should be 'A', 'B' or 'C'"},
    ]


def test_every_contract_gives_the_same_answer(server: Server) -> None:
    expected = predict(server)["probability_of_default"]
    many = post(server, f"/v1/models/{MODEL}:predict", {"instances": [ROW] * 40}).json()
    assert {row["probability_of_default"] for row in many["predictions"]} == {expected}
    calls = {"calls": [list(ROW.values())]}
    [reply] = post(server, f"/bigquery/{MODEL}", calls).json()["replies"]
    reply = json.loads(reply) if isinstance(reply, str) else reply
    assert reply["probability_of_default"] == expected
    kinds = {"applied": "BYTES", "first_account": "BYTES", "grade": "BYTES", "purpose": "BYTES"}
    inputs = [
        {"name": name, "shape": [1], "datatype": kinds.get(name, "FP64"), "data": [value]}
        for name, value in ROW.items()
    ]
    tensors = post(server, f"/v2/models/{MODEL}/infer", {"inputs": inputs})
    assert tensors.status_code == 200, tensors.text
    outputs = {output["name"]: output["data"] for output in tensors.json()["outputs"]}
    assert outputs["probability_of_default"] == [expected]


def test_explanations_recourse_and_what_if_show_dates_as_they_are_sent(server: Server) -> None:
    explained = post(server, f"/v1/models/{MODEL}:explain", {"instances": [ROW]})
    assert explained.status_code == 200, explained.text
    assert '"months_on_file"' in explained.text
    assert '"applied"' not in explained.text
    recourse = post(server, f"/v1/models/{MODEL}:recourse", {"instances": [ROW]})
    assert recourse.status_code == 200, recourse.text
    grid = {"grid": {"applied": ["2026-11-30", "2027-11-30"]}}
    cells = post(server, f"/v1/models/{MODEL}:whatif", {"instances": [ROW], "parameters": grid})
    assert cells.status_code == 200, cells.text
    first, second = cells.json()["whatif"]["probability_of_default"]
    assert first > second


def test_the_decision_record_has_dates_as_text(server: Server) -> None:
    predict(server)
    inputs = [decision["inputs"][MODEL] for decision in decisions_logged(server.log_path)]
    assert inputs[-1]["applied"] == "2026-11-30"
    assert inputs[-1]["purpose"] == "other"


def test_the_schema_says_date_and_text(server: Server) -> None:
    document = server.client.get("/openapi.json").json()
    properties = document["components"]["schemas"][MODEL]["properties"]
    assert properties["applied"] | {"title": ""} == {
        "type": "string",
        "format": "date",
        "title": "",
    }
    assert properties["purpose"]["examples"] == ["car", "house", "other"]
