"""Reviews: the queue, claims, the applicant's request, two persons who are never the same."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from tests.functions.access.conftest import Issuer, _keys, issuer
from tests.functions.lending.test_scoring import ScoringServer, answer, scoring
from tests.support.lending import REVIEW, BookClient, client_on

__all__ = ["_keys", "issuer", "scoring"]
WRITE_OFF = {"kind": "technical", "reason": "No recovery expected"}


class Persons:
    """The application, called by whoever is named."""

    def __init__(self, client: BookClient, issuer: Issuer) -> None:
        self._client, self._issuer = client, issuer

    def by(self, name: str, role: str = "manager", **claims: Any) -> BookClient:  # noqa: ANN401 -- claims
        """The client for one person of branch 1."""
        token = self._issuer.token(sub=name, roles=[role], **{"branches": [1], **claims})
        headers = {"authorization": f"Bearer {token}"}
        return replace(self._client, headers=headers)


@pytest.fixture
def persons(database_url: str, issuer: Issuer, scoring: ScoringServer) -> Iterator[Persons]:
    variables = {**issuer.settings(), "RATE_LIMIT": "off", "SCORING_URL": scoring.url}
    scoring.document = answer(0.4, "refer")
    with client_on(database_url, **variables) as client:
        yield Persons(client, issuer)


def decide(person: BookClient, application: dict[str, Any], verb: str = "approve") -> Any:  # noqa: ANN401 -- a response
    name, version = application["application_id"], application["version"]
    return person("POST", f"/v1/applications/{name}:{verb}", REVIEW, if_match=f'"{version}"')


def test_the_queue_is_by_age_or_by_distance_to_the_cut_off(
    persons: Persons, scoring: ScoringServer
) -> None:
    anna = persons.by("anna")
    customer = anna.register()
    names = []
    for probability in (0.45, 0.31, 0.4):
        scoring.document = answer(probability, "refer")
        names.append(anna.apply(customer)["application_id"])
    scoring.document = answer(0.1, "approve")
    anna.apply(customer)
    by_age = anna.ok("GET", "/v1/reviews?limit=2")
    assert [r["application_id"] for r in by_age["reviews"]] == names[:2]
    rest = anna.ok("GET", f"/v1/reviews?cursor={by_age['next_cursor']}")
    assert [r["application_id"] for r in rest["reviews"]] == names[2:]
    nearest = anna.ok("GET", "/v1/reviews?order=distance")["reviews"]
    assert [r["application_id"] for r in nearest] == [names[1], names[2], names[0]]
    assert [r["distance"] for r in nearest] == pytest.approx([0.01, 0.1, 0.15])
    assert nearest[0]["reasons"]
    assert persons.by("berta", branches=[2]).ok("GET", "/v1/reviews")["count"] == 0
    assert anna("GET", "/v1/reviews?cursor=x").status_code == 422


def test_whoever_claims_an_application_decides_it_until_it_is_released(
    persons: Persons,
) -> None:
    anna, berta = persons.by("anna"), persons.by("berta")
    application = anna.apply(anna.register())
    path = f"/v1/applications/{application['application_id']}"
    anna.ok("POST", f"{path}:claim")
    anna.ok("POST", f"{path}:claim")
    [item] = anna.ok("GET", "/v1/reviews")["reviews"]
    assert item["claimed_by"] == "subject anna"
    assert anna.ok("GET", f"{path}/review") == item
    for response in (berta("POST", f"{path}:claim"), decide(berta, application)):
        assert response.status_code == 409
        assert "subject anna has claimed this application" in response.json()["detail"]
    berta.ok("POST", f"{path}:release")
    assert berta("POST", f"{path}:release").status_code == 409
    assert decide(berta, application).json()["status"] == "Approved"
    assert anna("POST", f"{path}:claim").status_code == 409
    assert anna.ok("GET", "/v1/reviews")["reviews"] == []


def test_a_client_asks_for_a_person_and_an_override_needs_two(
    persons: Persons, scoring: ScoringServer
) -> None:
    scoring.document = answer(0.7, "decline")
    anna, berta = persons.by("anna"), persons.by("berta")
    customer = anna.register()
    client = persons.by("client", "client", customer_id=customer)
    other = persons.by("other", "client", customer_id=customer + 1)
    declined = client.apply(customer)
    path = f"/v1/applications/{declined['application_id']}"
    wish = {"note": "My employer has changed since."}
    assert other("POST", f"{path}:request_review", wish).status_code == 404
    waiting = client.ok("POST", f"{path}:request_review", wish)
    assert (waiting["status"], waiting["pending_cause"]) == (
        *("Pending", "the applicant asked for a review by a person"),
    )
    assert client.ok("POST", f"{path}:decide")["status"] == "Pending"  # no model decides twice
    [item] = anna.ok("GET", "/v1/reviews")["reviews"]
    assert (item["requested_by"], item["request_note"]) == ("subject client", wish["note"])
    assert item["model_outcome"] == "rejected"
    proposed = decide(anna, waiting)
    assert (proposed.status_code, proposed.json()["status"]) == (202, "Pending")
    assert "proposed by subject anna" in proposed.json()["pending_cause"]
    alone = decide(anna, proposed.json())
    assert (alone.status_code, "another person has to" in alone.text) == (403, True)
    approved = decide(berta, proposed.json())
    assert (approved.status_code, approved.json()["status"]) == (200, "Approved")
    assert approved.json()["decided_by"] == "subject anna"
    again = client("POST", f"{path}:request_review", wish)
    assert again.status_code == 409


def test_an_override_that_defaults_is_counted(persons: Persons, scoring: ScoringServer) -> None:
    scoring.document = answer(0.7, "decline")
    anna, berta = persons.by("anna"), persons.by("berta")
    application = anna.apply(anna.register())
    path = f"/v1/applications/{application['application_id']}"
    waiting = anna.ok("POST", f"{path}:request_review", {"note": "By telephone"})
    decide(berta, decide(anna, waiting).json())
    loan = anna.ok("POST", f"{path}:accept")["loan_id"]
    anna.ok("POST", f"/v1/loans/{loan}:disburse")
    anna("POST", f"/v1/loans/{loan}:write_off", WRITE_OFF)
    assert berta("POST", f"/v1/loans/{loan}:write_off", WRITE_OFF).status_code == 201
    figures = persons.by("risk", "risk").ok("GET", "/v1/reviews/overrides")
    assert figures == {
        "reviewed": 1,
        "overrides": 1,
        "override_rate": 100.0,
        "override_loans": 1,
        "override_default_rate": 100.0,
        "other_loans": 0,
        "other_default_rate": None,
    }


def test_a_large_amount_needs_two_persons_and_a_rejection_one(
    persons: Persons,
) -> None:
    anna, berta = persons.by("anna"), persons.by("berta")
    customer = anna.register()
    large = {"loan_amount": 1_000_001, "loan_tenure_months": 60}
    application = anna.apply(customer, **large)
    proposed = decide(anna, application)
    assert proposed.status_code == 202
    assert decide(berta, application).status_code == 412  # berta has not seen the proposal
    assert decide(berta, proposed.json(), "reject").json()["status"] == "Rejected"
    one = anna.apply(customer, loan_amount=1_000_000, loan_tenure_months=60)
    assert decide(anna, one).status_code == 200


def test_the_database_itself_refuses_one_person_twice(persons: Persons) -> None:
    anna = persons.by("anna")
    anna.apply(anna.register())
    engine = create_engine(anna.url)
    statement = text("""
        INSERT INTO decisions (id, application_id, customer_id, branch_id, decided_by,
            is_automated, outcome, second_person, created_at)
        SELECT gen_random_uuid(), id, customer_id, 1, 'anna', false, 'approved', 'anna', now()
        FROM applications""")
    with engine.connect() as connection, pytest.raises(Exception, match="decisions_by_two"):
        connection.execute(statement)
    engine.dispose()


def test_a_request_for_a_write_off_is_listed_and_confirmed_by_another_person(
    persons: Persons,
) -> None:
    anna, berta = persons.by("anna"), persons.by("berta")
    loan = anna.disburse()
    first = anna("POST", f"/v1/loans/{loan}:write_off", WRITE_OFF)
    assert first.status_code == 202
    [request] = berta.ok("GET", "/v1/requests")["requests"]
    assert request["request_id"] == first.json()["request_id"]
    assert (request["loan_id"], request["action"]) == (loan, "loan.written_off")
    assert request["body"]["reason"] == WRITE_OFF["reason"]
    path = f"/v1/requests/{request['request_id']}"
    assert anna("POST", f"{path}:confirm").status_code == 403
    assert persons.by("carla", branches=[2])("POST", f"{path}:confirm").status_code == 404
    posted = berta("POST", f"{path}:confirm", idempotency_key="once")
    assert (posted.status_code, posted.json()["loan"]["status"]) == (201, "written_off")
    replayed = berta("POST", f"{path}:confirm", idempotency_key="once")
    assert replayed.headers["idempotency-replayed"] == "true"
    late = berta("POST", f"{path}:confirm")
    assert (late.status_code, "has confirmed this request already" in late.text) == (409, True)
    assert berta.ok("GET", "/v1/requests") == {"requests": [], "count": 0}


def test_a_request_that_is_refused_waits_no_longer(persons: Persons) -> None:
    anna, berta = persons.by("anna"), persons.by("berta")
    loan = anna.disburse()
    path = f"/v1/loans/{loan}:write_off"
    first = anna("POST", path, WRITE_OFF).json()["request_id"]
    refused = berta.ok("POST", f"/v1/requests/{first}:refuse")
    assert refused["refused_by"] == "subject berta"
    assert berta("POST", f"/v1/requests/{first}:confirm").status_code == 409
    assert anna.loan(loan)["status"] == "active"
    assert berta("POST", path, WRITE_OFF).status_code == 202  # asked for anew: it waits again
