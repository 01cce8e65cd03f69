"""The customer contract against the running server."""

from typing import Any

from tests.support.running import Server

Rows = dict[str, dict[str, Any]]

SINGLE = "/api/v1/predict"
BATCH = "/api/v1/predict/batch"


def test_the_documented_request_gets_the_documented_fields(contracts: Server, rows: Rows) -> None:
    documented = {"customer_id": "CUST_12345", **rows["customer"]}
    answer = contracts.client.post(SINGLE, json=documented)
    assert answer.status_code == 200
    result = answer.json()
    assert result["customer_id"] == "CUST_12345"
    assert result["default_probability"] == result["probability_of_default"]
    assert result["risk_category"] == result["risk_level"]
    assert result["risk_category"] in {"low", "medium", "high"}
    assert (result["model"], bool(result["model_version"])) == ("customer", True)


def test_a_batch_answers_each_customer_as_alone_in_order(contracts: Server, rows: Rows) -> None:
    sent = [{"customer_id": f"C{i}", **rows["customer"], "total_debt": 1000 * i} for i in range(50)]
    batch = contracts.client.post(BATCH, json={"customers": sent}).json()
    assert batch["count"] == 50
    assert [result["customer_id"] for result in batch["results"]] == [
        c["customer_id"] for c in sent
    ]
    alone = [contracts.client.post(SINGLE, json=customer).json() for customer in sent[:10]]
    assert batch["results"][:10] == alone


def test_an_id_is_optional_and_a_batch_may_ask_for_reasons(contracts: Server, rows: Rows) -> None:
    safe = rows["customer"] | {"annual_income": 500_000, "total_debt": 0.0}
    plain, null = contracts.client.post(
        BATCH, json={"customers": [safe, safe | {"customer_id": None}]}
    ).json()["results"]
    assert plain == null
    body = {"customers": [safe], "parameters": {"reasons": True}}
    with_reasons = contracts.client.post(BATCH, json=body).json()["results"][0]
    assert "customer_id" not in plain
    assert plain["decision"] == "approve"
    assert "reasons" not in plain
    assert "reasons" in with_reasons


def test_a_single_customer_may_ask_for_reasons(contracts: Server, rows: Rows) -> None:
    safe = rows["customer"] | {"annual_income": 500_000, "total_debt": 0.0}
    with_reasons = contracts.client.post(
        SINGLE, json=safe | {"parameters": {"reasons": True}}
    ).json()
    assert with_reasons["decision"] == "approve"
    assert "reasons" in with_reasons
    refused = contracts.client.post(SINGLE, json=safe | {"parameters": {"reason": 1}, "age": 7})
    paths = {error["path"] for error in refused.json()["errors"]}
    assert paths == {"parameters.reason", "age"}


def test_an_application_and_a_batch_of_them_may_ask_for_reasons(
    contracts: Server, rows: Rows
) -> None:
    safe = rows["application"] | {"income": 900_000, "total_debt": 0.0, "debt_to_income": 0.0}
    body = {"parameters": {"reasons": True}}
    one = contracts.client.post("/predict", json=safe | body).json()
    batch = contracts.client.post("/predict/batch", json={"applications": [safe]} | body).json()
    assert one["decision"] == "approve"
    assert "reasons" not in contracts.client.post("/predict", json=safe).json()
    assert one["reasons"] == batch["results"][0]["reasons"]
    wrong = {"applications": [safe], "parameters": {"reasons": 1}}
    assert contracts.client.post("/predict/batch", json=wrong).status_code == 422


def test_every_fault_is_named_and_neither_value_nor_id_is_repeated(
    contracts: Server, rows: Rows
) -> None:
    wrong = rows["customer"] | {"customer_id": "", "age": 7, "surname": "Zacharias"}
    sent = {"customers": [rows["customer"], wrong, 5], "parameters": {"reason": True}}
    answer = contracts.client.post(BATCH, json=sent)
    assert answer.status_code == 422
    assert {error["path"] for error in answer.json()["errors"]} == {
        *("parameters.reason", "customers[1].customer_id", "customers[1].age"),
        *("customers[1].surname", "customers[2]"),
    }
    assert "Zacharias" not in answer.text


def test_an_id_is_in_no_log_and_in_no_refusal(contracts: Server, rows: Rows) -> None:
    sent = {"customer_id": "CUST_SECRET", **rows["customer"]}
    assert contracts.client.post(SINGLE, json=sent).status_code == 200
    refused = contracts.client.post(SINGLE, json=sent | {"age": 7})
    assert "CUST_SECRET" not in refused.text
    assert "CUST_SECRET" not in contracts.log_path.read_text()
