"""Applications over HTTP: stored first, decided by a model or a person, accepted or not."""

from datetime import date

import pytest

from functions.lending.closing import DailyClose
from functions.lending.storage.database import Database
from tests.support.lending import NOW, REVIEW, TERMS, BookClient


def test_without_a_scoring_function_an_application_waits_for_a_person(book: BookClient) -> None:
    application = book.apply(
        book.register(), loan_amount=1_000_000, loan_tenure_months=60, interest_rate=9.5
    )
    assert application["status"] == "Pending"
    assert application["pending_cause"] == ("no scoring function is configured: set SCORING_URL")
    assert application["credit_score"] is None
    assert application["risk_probability"] is None
    # Golden group 10: an instalment of 21,001.86 of an income of 80,000 a month.
    assert application["factors"] == {
        "debt_to_income_ratio": 26.2523,
        "loan_to_income_ratio": 1.0417,
        "monthly_income": 80_000,
    }


def test_a_person_approves_what_is_pending_and_nobody_twice(book: BookClient) -> None:
    application = book.apply(book.register())
    path = f"/v1/applications/{application['application_id']}"
    assert book("POST", f"{path}:approve", REVIEW).status_code == 428
    assert book("POST", f"{path}:approve", REVIEW, if_match='"7"').status_code == 412
    approved = book.ok("POST", f"{path}:approve", REVIEW, if_match='"1"')
    assert (approved["status"], approved["decided_by"], approved["version"]) == (
        *("Approved", "local", 2),
    )
    assert approved["expires_on"] == "2026-02-04"
    refused = book("POST", f"{path}:reject", REVIEW, if_match='"2"')
    assert refused.status_code == 409
    assert "a person decides on pending applications only" in refused.json()["detail"]


def test_only_an_offer_is_accepted_and_once(book: BookClient) -> None:
    application = book.apply(book.register())
    path = f"/v1/applications/{application['application_id']}"
    assert book("POST", f"{path}:accept").status_code == 409
    book.ok("POST", f"{path}:approve", REVIEW, if_match='"1"')
    loan = book.ok("POST", f"{path}:accept")
    assert (loan["status"], loan["equal_instalment"]) == ("granted", "10661.85")
    assert book("POST", f"{path}:accept").status_code == 409
    assert book("POST", f"{path}:withdraw").status_code == 409


def test_an_offer_expires_at_the_close_of_its_last_day(book: BookClient) -> None:
    application = book.apply(book.register())
    path = f"/v1/applications/{application['application_id']}"
    book.ok("POST", f"{path}:approve", REVIEW, if_match='"1"')
    book.move_to(date(2026, 2, 3))
    database = Database(book.url, 1)
    closing = DailyClose(database=database, now=lambda: NOW)
    assert [day.offers_expired for day in closing.close_through(date(2026, 2, 4))] == [0, 1]
    database.close()
    name = application["application_id"]
    assert book.ok("GET", f"/api/loans/applications/{name}")["status"] == "Expired"
    assert book("POST", f"{path}:accept").status_code == 409


def test_an_application_is_withdrawn(book: BookClient) -> None:
    name = book.apply(book.register())["application_id"]
    withdrawn = book.ok("POST", f"/v1/applications/{name}:withdraw")
    assert withdrawn["status"] == "Withdrawn"
    assert book("POST", f"/v1/applications/{name}:withdraw").status_code == 409


def test_applications_are_listed_by_status_and_customer(book: BookClient) -> None:
    first, second = book.register(), book.register()
    names = [book.apply(customer)["application_id"] for customer in (first, second, second)]
    listed = book.ok("GET", f"/api/loans/applications?status=Pending&customer_id={second}&limit=9")
    assert [row["application_id"] for row in listed["applications"]] == names[:0:-1]
    assert (listed["count"], listed["next_cursor"]) == (2, None)
    assert book.ok("GET", "/api/loans/applications?status=rejected")["applications"] == []


def test_a_key_stands_for_one_application(book: BookClient) -> None:
    body = {"customer_id": book.register(), **TERMS}
    first = book("POST", "/api/loans/apply", body, idempotency_key="k")
    again = book("POST", "/api/loans/apply", dict(reversed(body.items())), idempotency_key="k")
    assert first.json() == again.json()
    other = book("POST", "/api/loans/apply", {**body, "loan_amount": 1}, idempotency_key="k")
    assert other.status_code == 422


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"interest_rate": -1}, "interest_rate"),
        ({"interest_rate": 61}, "interest_rate"),
        ({"loan_purpose": "Gambling"}, "loan_purpose"),
        ({"loan_amount": "a lot"}, "loan_amount"),
        ({"loan_tenure_months": 0}, "loan_tenure_months"),
        ({"loan_tenure_months": 1.5}, "loan_tenure_months"),
        ({"customer_id": "1101"}, "customer_id"),
    ],
)
def test_terms_out_of_bounds_are_refused_by_field(
    changes: dict[str, object], path: str, book: BookClient
) -> None:
    refused = book("POST", "/api/loans/apply", {"customer_id": 1101, **TERMS, **changes})
    assert refused.status_code == 422
    assert [fault["path"] for fault in refused.json()["errors"]] == [path]


def test_terms_that_nobody_could_repay_are_refused(book: BookClient) -> None:
    body = {"customer_id": book.register(), **TERMS, "loan_amount": 1, "loan_tenure_months": 360}
    refused = book("POST", "/api/loans/apply", body)
    assert refused.status_code == 422
    assert "does not exceed the month's interest" in refused.json()["detail"]


def test_who_has_no_employment_or_is_unknown_cannot_apply(book: BookClient) -> None:
    body = {"customer_id": book.register(employment=None), **TERMS}
    refused = book("POST", "/api/loans/apply", body)
    assert refused.status_code == 409
    assert "no employment" in refused.json()["detail"]
    unknown = book("POST", "/api/loans/apply", body | {"customer_id": 99})
    assert unknown.status_code == 404
