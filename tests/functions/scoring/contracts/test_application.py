import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.support.running import Server, TrainedStore


@pytest.fixture
def service(trained_service: Server) -> Server:
    """The documented answers are those of trained models."""
    return trained_service


Example = Callable[[str], Any]


def test_the_documented_request_gets_every_documented_field(
    service: Server, example: Example, trained_store: TrainedStore
) -> None:
    answer = service.client.post("/predict", json=example("application"))
    assert answer.status_code == httpx.codes.OK
    reply = answer.json()
    probability = reply["probability_of_default"]
    assert reply["status"] == "success"
    assert reply["prediction"] == int(probability >= 0.5)
    assert reply["risk_score"] == round(100 * probability, 2)
    assert reply["risk_level"] == "low"
    assert reply["probability"]["high_risk"] == round(probability, 4)
    assert sum(reply["probability"].values()) == pytest.approx(1)
    assert 0 < reply["processing_time_ms"] < 30_000
    assert abs(reply["timestamp"] - time.time()) < 60
    assert reply["decision"] == "approve"
    assert reply["model_version"] == trained_store.summaries["application"]["version"]


def test_a_riskier_application_scores_riskier(service: Server, example: Example) -> None:
    safe = example("application")
    risky = safe | {"credit_score": 420, "num_late_payments": 6, "credit_utilization": 0.95}
    first, second = (service.client.post("/predict", json=body).json() for body in (safe, risky))
    assert first["probability_of_default"] < second["probability_of_default"]
    assert first["credit_score"] > second["credit_score"]
    assert second["risk_level"] == "high"
    assert {"R01", "R09"} <= {reason["code"] for reason in second["reasons"]}
    assert "reasons" not in first


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"income": None}, "Input should be a valid number"),
        ({"income": 0}, "Input should be greater than or equal to 1"),
        ({"age": -5}, "Input should be greater than or equal to 18"),
        ({"credit_score": 9999}, "Input should be less than or equal to 850"),
        ({"income": "75000"}, "Input should be a valid number"),
        ({"age": True}, "Input should be a valid integer"),
        ({"loan_purpose": "yacht"}, "Input should be 'debt_consolidation', "),
        ({"age": 45.5}, "Input should be a valid integer"),
        ({"income": 10**400}, "Input should be "),
    ],
)
def test_what_the_earlier_system_scored_or_crashed_on_is_refused_with_its_rule(
    service: Server, example: Example, change: dict[str, Any], rule: str
) -> None:
    answer = service.client.post("/predict", json=example("application") | change)
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    [error] = answer.json()["errors"]
    assert error["path"] in change
    assert error["message"].startswith(rule)


def test_a_faulty_item_of_a_batch_carries_its_error_in_place(
    service: Server, example: Example
) -> None:
    good = example("application")
    answer = service.client.post(
        "/predict/batch", json={"applications": [good, good | {"age": 5}, "no object", good]}
    )
    assert answer.status_code == httpx.codes.OK
    reply = answer.json()
    first, second, third, fourth = reply["results"]
    assert (reply["status"], reply["count"]) == ("success", 4)
    assert first == fourth
    assert first["probability_high_risk"] == round(first["probability_of_default"], 4)
    assert {"prediction", "risk_score"} < set(first)
    assert [e["path"] for e in second["errors"]] == ["applications[1].age"]
    assert [e["path"] for e in third["errors"]] == ["applications[2]"]


def test_a_batch_scores_as_single_requests_do(service: Server, example: Example) -> None:
    good = example("application")
    single = service.client.post("/predict", json=good).json()
    reply = service.client.post("/predict/batch", json={"applications": [good] * 3}).json()
    assert {r["probability_of_default"] for r in reply["results"]} == {
        single["probability_of_default"]
    }


def test_a_batch_of_faulty_items_alone_is_answered(service: Server) -> None:
    reply = service.client.post("/predict/batch", json={"applications": [{}, 1]}).json()
    assert reply["count"] == 2
    assert all("errors" in result for result in reply["results"])


@pytest.mark.parametrize(
    "document", [{}, {"applications": {}}, {"applications": []}, {"applications": [1], "x": 1}]
)
def test_a_batch_that_is_no_list_is_refused(service: Server, document: dict[str, Any]) -> None:
    answer = service.client.post("/predict/batch", json=document)
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY


def test_health_answers_as_documented(service: Server, example: Example) -> None:
    service.client.post("/predict", json=example("application"))
    reply = service.client.get("/health").json()
    assert (reply["status"], reply["model_loaded"]) == ("healthy", True)
    assert abs(reply["timestamp"] - time.time()) < 60


def test_rows_that_fail_alone_leave_the_answers_of_all_others_as_they_are(
    contracts: Server, rows: dict[str, dict[str, Any]]
) -> None:
    sound = [rows["application"] | {"income": 20_000 + 100 * i} for i in range(450)]
    faulty = {0, 199, 200, 449}
    sent = [row | {"income": -1} if i in faulty else row for i, row in enumerate(sound)]
    answers = contracts.client.post("/predict/batch", json={"applications": sent}).json()["results"]
    expected = contracts.client.post("/predict/batch", json={"applications": sound}).json()
    for i, answer in enumerate(answers):
        if i in faulty:
            assert [fault["path"] for fault in answer["errors"]] == [f"applications[{i}].income"]
        else:
            assert answer == expected["results"][i]
