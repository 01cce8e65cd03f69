"""The bureau contract against the running server."""

from typing import Any

from tests.support.running import Server

Rows = dict[str, dict[str, Any]]


def test_the_documented_request_gets_the_documented_fields(contracts: Server, rows: Rows) -> None:
    answer = contracts.client.post("/predict", json={"data": [rows["bureau"]]})
    assert answer.status_code == 200
    [result] = answer.json()["results"]
    probability = result["default_probability"]
    assert probability == result["probability_of_default"]
    assert result["default_prediction"] == int(probability >= 0.5)
    assert result["credit_score"] == round(300 + 600 * (1 - probability))
    assert result["rating"] in {"Poor", "Average", "Good", "Excellent"}
    assert result["model"] == "bureau"


def test_a_row_is_answered_the_same_alone_and_in_a_batch(contracts: Server, rows: Rows) -> None:
    purposes = ("Home", "Auto", "Education", "Personal")
    sent = [
        rows["bureau"] | {"loan_purpose": purposes[i % 4], "delinquency_ratio": i}
        for i in range(40)
    ]
    batch = contracts.client.post("/predict", json={"data": sent}).json()["results"]
    alone = [contracts.client.post("/predict", json={"data": [row]}).json() for row in sent]
    assert [one["results"][0] for one in alone] == batch
    assert {result["default_prediction"] for result in batch} == {0, 1}


def test_reasons_come_when_the_parameters_ask(contracts: Server, rows: Rows) -> None:
    safe = rows["bureau"] | {"income": 1e7, "delinquency_ratio": 0}
    plain = contracts.client.post("/predict", json={"data": [safe]}).json()["results"][0]
    body = {"data": [safe], "parameters": {"reasons": True}}
    with_reasons = contracts.client.post("/predict", json=body).json()["results"][0]
    assert plain["decision"] == "approve"
    assert "reasons" not in plain
    assert "reasons" in with_reasons


def test_every_fault_is_named_and_no_value_is_repeated(contracts: Server, rows: Rows) -> None:
    sent = {"data": [rows["bureau"], {"age": "Zacharias"}], "extra": 1}
    answer = contracts.client.post("/predict", json=sent)
    assert answer.status_code == 422
    paths = [error["path"] for error in answer.json()["errors"]]
    assert paths[:2] == ["extra", "data[1].age"]
    assert len(paths) == 1 + len(rows["bureau"])
    assert "Zacharias" not in answer.text


def test_a_body_without_data_is_still_the_application_contract(
    contracts: Server, rows: Rows
) -> None:
    answer = contracts.client.post("/predict", json=rows["application"]).json()
    assert (answer["status"], answer["model"]) == ("success", "application")
