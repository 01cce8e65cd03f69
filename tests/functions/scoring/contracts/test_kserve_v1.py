import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.support.running import MODELS, Server, TrainedStore


@pytest.fixture
def service(trained_service: Server) -> Server:
    """The documented answers are those of trained models."""
    return trained_service


Example = Callable[[str], Any]


def test_a_real_account_is_scored(
    service: Server, example: Example, trained_store: TrainedStore
) -> None:
    answer = service.client.post("/v1/models/card_default:predict", json=example("card_default"))
    assert answer.status_code == httpx.codes.OK
    [prediction] = answer.json()["predictions"]
    assert set(prediction) == {
        *("probability_of_default", "credit_score", "risk_level", "decision"),
        *("model", "model_version", "variant", "family", "reasons"),
    }
    assert 0.4 < prediction["probability_of_default"] < 1  # two months late: it did default
    assert (prediction["decision"], prediction["risk_level"]) == ("decline", "high")
    assert prediction["model"] == "card_default"
    assert prediction["family"] == trained_store.summaries["card_default"]["family"]
    first = prediction["reasons"][0]
    assert (first["code"], first["text"]) == ("R01", "Months the payment of September was late: 2")
    assert first["points"] < -20  # odds halved, at least
    assert 1 <= len(prediction["reasons"]) <= 4
    assert prediction["model_version"] == trained_store.summaries["card_default"]["version"]


def test_a_row_is_answered_the_same_alone_in_a_batch_and_in_any_order(
    service: Server, example: Example
) -> None:
    base = example("application")
    rows = [base | {"income": 20_000 + 300 * i, "loan_term": 12 + i % 49} for i in range(200)]

    def predict(instances: list[Any]) -> list[Any]:
        answer = service.client.post(
            "/v1/models/application:predict", json={"instances": instances}
        )
        predictions: list[Any] = answer.json()["predictions"]
        return predictions

    batch = predict(rows)
    assert predict(rows[::-1]) == batch[::-1]
    assert [predict([row])[0] for row in rows[:40]] == batch[:40]
    assert len({p["probability_of_default"] for p in batch}) > 20


def test_protected_fields_never_move_a_score(service: Server, example: Example) -> None:
    [account] = example("card_default")["instances"]
    changes: list[dict[str, int]] = [{}, {"age": 70}, {"sex": 1}, {"marriage": 3}]
    answer = service.client.post(
        "/v1/models/card_default:predict",
        json={"instances": [account | change for change in changes]},
    )
    assert len({p["probability_of_default"] for p in answer.json()["predictions"]}) == 1


def test_all_faults_of_all_rows_are_listed_with_their_paths(
    service: Server, example: Example
) -> None:
    good = example("application")
    rows = [good, good | {"age": 5, "home_ownership": "boat"}, good | {"surname": "Miller"}]
    answer = service.client.post("/v1/models/application:predict", json={"instances": rows})
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["status"], problem["title"]) == (422, "Unprocessable Entity")
    assert problem["errors"] == [
        {
            "path": "instances[1].age",
            "message": "Input should be greater than or equal to 18",
        },
        {
            "path": "instances[1].home_ownership",
            "message": "Input should be 'mortgage', 'rent', 'own' or 'other'",
        },
        {"path": "instances[2].surname", "message": "This field is not in the contract"},
    ]
    assert not {"Miller", "boat"} & set(answer.text.split('"'))


@pytest.mark.parametrize("parameters", [{}, {"reasons": False}, {"reasons": True}])
def test_reasons_of_an_approval_come_only_when_asked_for(
    service: Server, example: Example, parameters: dict[str, bool]
) -> None:
    answer = service.client.post(
        "/v1/models/application:predict",
        json={"instances": [example("application")], "parameters": parameters},
    )
    [prediction] = answer.json()["predictions"]
    assert prediction["decision"] == "approve"
    assert ("reasons" in prediction) is parameters.get("reasons", False)


def test_a_row_has_the_same_reasons_alone_and_in_a_batch(service: Server, example: Example) -> None:
    base = example("application")
    rows = [base | {"credit_score": 400 + i, "num_late_payments": i % 7} for i in range(50)]

    def predict(instances: list[Any]) -> list[Any]:
        body = {"instances": instances, "parameters": {"reasons": True}}
        answer = service.client.post("/v1/models/application:predict", json=body)
        predictions: list[Any] = answer.json()["predictions"]
        return predictions

    assert [predict([row])[0] for row in rows] == predict(rows)


@pytest.mark.parametrize("value", [True, 1.5, 1.0000001, "2", 1e300])
def test_a_coded_level_is_an_integer(service: Server, example: Example, value: object) -> None:
    [account] = example("card_default")["instances"]
    answer = service.client.post(
        "/v1/models/card_default:predict", json={"instances": [account | {"sex": value}]}
    )
    assert [e["path"] for e in answer.json()["errors"]] == ["instances[0].sex"]


def test_a_whole_number_is_an_integer_however_it_is_written(
    service: Server, example: Example
) -> None:
    written = json.dumps(example("application"))
    assert '"age": 45,' in written
    answers = [
        service.client.post(
            "/predict",
            content=written.replace('"age": 45,', f'"age": {age},'),
            headers={"content-type": "application/json"},
        )
        for age in ("45", "45.0", "4.5e1")
    ]
    assert {answer.status_code for answer in answers} == {httpx.codes.OK}


@pytest.mark.parametrize(
    ("document", "faults"),
    [
        ({}, {"instances"}),
        ({"instances": {}}, {"instances"}),
        ({"instances": []}, {"instances"}),
        ({"instances": [1]}, {"instances[0]"}),
        ({"instances": [{}] * 1001}, {"instances"}),
        ({"instances": [{}], "signature": 1}, {"signature"}),
        ({"instances": [{}], "parameters": {"mode": 1}}, {"parameters.mode"}),
        ({"instances": [{}], "parameters": []}, {"parameters"}),
        ({"instances": [{}], "parameters": {"reasons": 1}}, {"parameters.reasons"}),
        ({"instance": [{}], "parameters": []}, {"instances", "instance", "parameters"}),
    ],
)
def test_a_body_of_another_shape_is_refused(
    service: Server, document: dict[str, Any], faults: set[str]
) -> None:
    answer = service.client.post("/v1/models/application:predict", json=document)
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    paths = {error["path"] for error in answer.json()["errors"]}
    assert {path for path in paths if not path.startswith("instances[0].")} == faults


@pytest.mark.parametrize("call", ["predict", "explain", "recourse", "whatif"])
def test_an_applicant_without_the_member_around_it_is_told_which_is_required(
    service: Server, example: Example, call: str
) -> None:
    answer = service.client.post(f"/v1/models/application:{call}", json=example("application"))
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    first = answer.json()["errors"][0]
    assert first["path"] == "instances"
    assert first["message"].startswith("This member is required: a list of 1 to ")


def test_the_documented_customer_is_scored_with_and_without_a_name(
    service: Server, example: Example
) -> None:
    customer = example("customer")
    [row] = customer["instances"]
    nameless = {"instances": [{k: v for k, v in row.items() if k != "customer_id"}]}
    answers = [
        service.client.post("/v1/models/customer:predict", json=body).json()
        for body in (customer, nameless)
    ]
    assert answers[0] == answers[1]
    [prediction] = answers[0]["predictions"]
    assert (prediction["decision"], prediction["risk_level"]) == ("approve", "low")


def test_a_loan_is_scored_from_300_to_900_and_rated(service: Server, example: Example) -> None:
    [loan] = example("bureau")["instances"]
    worse = loan | {"delinquency_ratio": 60, "credit_utilization_ratio": 95}
    body = {"instances": [loan, worse]}
    answer = service.client.post("/v1/models/bureau:predict", json=body).json()
    good, bad = answer["predictions"]
    assert (good["rating"], good["decision"]) == ("Excellent", "approve")
    assert (bad["rating"], bad["decision"]) == ("Poor", "decline")
    assert bad["reasons"][0]["code"] == "R01"
    for prediction in (good, bad):
        points = 900 - 600 * prediction["probability_of_default"]
        assert prediction["credit_score"] == round(points)


@pytest.mark.parametrize("path", ["/v1/models/mortgage:predict", "/v1/models/mortgage"])
def test_an_unknown_model_is_not_found(service: Server, path: str) -> None:
    answer = service.client.request("POST" if ":" in path else "GET", path, json={})
    assert answer.status_code == httpx.codes.NOT_FOUND
    assert f"the catalogue has {', '.join(MODELS)}" in answer.json()["detail"]


def test_models_are_listed_with_what_is_known_of_them(
    service: Server, example: Example, trained_store: TrainedStore
) -> None:
    service.client.post("/predict", json=example("application"))
    document = service.client.get("/v1/models").json()
    listed = {m["name"]: m for m in document["details"]}
    assert document["models"] == list(listed)
    assert set(listed) == {*MODELS, "instalment"}
    summary = trained_store.summaries["application"]
    one = service.client.get("/v1/models/application").json()
    assert one["ready"] is True
    assert (one["version"], one["family"]) == (summary["version"], summary["family"])
    assert one["metrics"]["auc"]["value"] == pytest.approx(summary["metrics"]["auc"], abs=1e-6)
    assert one["input_schema"]["properties"]["income"]["minimum"] == 1
    assert len(one["contract"]) == 64
    assert one["since"].endswith("+00:00")


def test_the_process_says_that_it_is_alive_as_kserve_asks(service: Server) -> None:
    assert service.client.get("/").json() == {"status": "alive"}
