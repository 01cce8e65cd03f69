"""Counter-offers: what the model would approve, offered once, decided like any application."""

from itertools import product
from typing import Any

import pytest

from tests.functions.access.conftest import _keys, issuer
from tests.functions.lending.contracts.test_reviews import Persons, persons
from tests.functions.lending.test_scoring import ScoringServer, answer, scoring
from tests.support.lending import BookClient

__all__ = ["_keys", "issuer", "persons", "scoring"]
OFFER = {
    "loan_amount": 90000,
    "loan_tenure_months": 12,
    "code": "smaller_amount",
    "note": "90,000 is within what the model approves.",
}


def pending(person: BookClient, scoring: ScoringServer) -> dict[str, Any]:
    scoring.document = answer(0.4, "refer")
    return person.apply(person.register())


def offer(person: BookClient, application: dict[str, Any], **changes: object) -> Any:  # noqa: ANN401 -- a response
    path = f"/v1/applications/{application['application_id']}:counter_offer"
    return person("POST", path, OFFER | changes, if_match=f'"{application["version"]}"')


def cells(months: list[int], amounts: list[float]) -> dict[str, Any]:
    """What a model says that approves up to 7,500 a month."""
    all_cells = list(product(months, amounts))
    approved = [amount / tenure <= 7_500 for tenure, amount in all_cells]
    return {
        "fields": ["loan_tenure_months", "loan_amount"],
        "values": [months, amounts],
        "probability_of_default": [0.2 if good else 0.4 for good in approved],
        "credit_score": [740 if good else 630 for good in approved],
        "decision": ["approve" if good else "refer" for good in approved],
    }


def test_the_terms_are_the_largest_amount_for_each_number_of_months(
    persons: Persons, scoring: ScoringServer
) -> None:
    anna = persons.by("anna")
    application = pending(anna, scoring)
    amounts = [float(120_000 * share // 100) for share in range(100, 25, -5)]
    scoring.document = answer(0.4, "refer") | {"whatif": cells([12, 15, 18, 24], amounts)}
    path = f"/v1/applications/{application['application_id']}/counter_terms"
    reply = anna.ok("GET", path)
    terms = [(t["loan_tenure_months"], t["loan_amount"]) for t in reply["terms"]]
    assert terms == [(12, 90_000), (15, 108_000), (18, 120_000), (24, 120_000)]
    # 90,000 over 12 months at 12 %: three quarters of 120,000's 10,661.85.
    assert reply["terms"][0]["equal_instalment"] == 7_996.39
    assert (reply["terms"][0]["risk_probability"], reply["terms"][0]["credit_score"]) == (0.2, 740)
    [(_, question)] = scoring.requests[-1:]
    assert question["parameters"]["grid"] == {
        "loan_tenure_months": [12, 15, 18, 24],
        "loan_amount": amounts,
    }
    scoring.document = answer(0.4, "refer") | {"whatif": cells([12], amounts)}
    unreadable = anna("GET", path)
    assert (unreadable.status_code, "cannot be read" in unreadable.text) == (503, True)
    scoring.status = 500
    assert anna("GET", path).status_code == 503
    assert persons.by("max", "officer")("GET", path).status_code == 403


def test_an_offer_is_an_application_that_the_customer_accepts_in_the_place_of_the_other(
    persons: Persons, scoring: ScoringServer
) -> None:
    anna = persons.by("anna")
    application = pending(anna, scoring)
    scoring.document = answer(0.2, "approve")
    made = offer(anna, application)
    assert made.status_code == 201, made.text
    offered = made.json()
    assert (offered["status"], offered["loan_amount"]) == ("Approved", 90_000)
    assert offered["counter_to"] == application["application_id"]
    assert application["counter_to"] is None
    [item] = anna.ok("GET", "/v1/reviews")["reviews"]
    assert item["counter_offer"] == offered["application_id"]
    again = offer(anna, application)
    assert (again.status_code, again.json()["application_id"]) == (201, offered["application_id"])
    other = offer(anna, application, loan_amount=80_000)
    assert other.status_code == 409
    assert f"another offer is open: {offered['application_id']}" in other.json()["detail"]
    client = persons.by("client", "client", customer_id=application["customer_id"])
    loan = client.ok("POST", f"/v1/applications/{offered['application_id']}:accept")
    assert loan["amount"] == "90000.00"
    first = client.ok("GET", f"/api/loans/applications/{application['application_id']}")
    assert first["status"] == "Withdrawn"
    assert anna.ok("GET", "/v1/reviews")["reviews"] == []


def test_an_offer_that_the_model_does_not_approve_is_no_offer(
    persons: Persons, scoring: ScoringServer
) -> None:
    anna = persons.by("anna")
    application = pending(anna, scoring)
    scoring.document = answer(0.7, "decline")
    declined = offer(anna, application).json()
    assert declined["status"] == "Rejected"
    scoring.document = answer(0.2, "approve")
    smaller = offer(anna, application, loan_amount=60_000)
    assert (smaller.status_code, smaller.json()["status"]) == (201, "Approved")
    name = application["application_id"]
    decided = anna(
        "POST",
        f"/v1/applications/{name}:reject",
        {"code": "too_much", "note": "A smaller loan is offered."},
        if_match=f'"{application["version"]}"',
    )
    assert decided.json()["status"] == "Rejected"
    refused = offer(anna, decided.json(), loan_amount=50_000)
    assert refused.status_code == 409
    assert "only one that waits for a person" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("changes", "status", "part"),
    [
        ({"loan_amount": 120_000.01}, 409, "loan_amount must be at most the 120000.00"),
        ({"loan_amount": 120_000}, 409, "the terms are those that the customer asked for"),
        ({"loan_tenure_months": 361}, 422, "loan_tenure_months"),
        ({"loan_amount": 0}, 422, "loan_amount"),
        ({"note": ""}, 422, "note"),
        ({"interest_rate": 5}, 422, "interest_rate"),
    ],
)
def test_terms_that_are_none_of_an_offer_are_refused(
    changes: dict[str, object], status: int, part: str, persons: Persons, scoring: ScoringServer
) -> None:
    anna = persons.by("anna")
    refused = offer(anna, pending(anna, scoring), **changes)
    assert refused.status_code == status
    assert part in refused.text


def test_an_offer_needs_the_version_that_was_read_and_the_right_to_decide(
    persons: Persons, scoring: ScoringServer
) -> None:
    anna = persons.by("anna")
    application = pending(anna, scoring)
    path = f"/v1/applications/{application['application_id']}:counter_offer"
    assert anna("POST", path, OFFER).status_code == 428
    assert offer(anna, application | {"version": 7}).status_code == 412
    assert offer(persons.by("max", "officer"), application).status_code == 403
    assert offer(persons.by("eve", branches=[2]), application).status_code == 404
