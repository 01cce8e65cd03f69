"""Customers over HTTP: registered, listed, changed in versions, verified."""

from typing import Any

import pytest
from sqlalchemy import create_engine, text

from functions.lending.actions import customers
from tests.support.lending import PERSON, BookClient


def test_a_customer_is_registered_and_read(book: BookClient) -> None:
    response = book("POST", "/api/customers/register", PERSON)
    assert response.status_code == 201
    customer = response.json()
    assert response.headers["location"] == f"/api/customers/{customer['customer_id']}"
    assert response.headers["etag"] == '"1"'
    assert customer["employment"] == {
        "employer_name": "Rao Textiles",
        "employment_type": "salaried",
        "monthly_income": 80_000,
        "years_of_experience": 9,
    }
    assert customer["kyc"]["last_four"] == "234F"
    assert "ABCPE1234F" not in response.text
    assert {*customer} >= {
        *("full_name", "email", "phone", "city", "state", "created_at", "date_of_birth"),
    }
    assert book.ok("GET", f"/api/customers/{customer['customer_id']}") == customer


def test_a_number_that_another_customer_has_is_drawn_again(
    book: BookClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a million customers, one registration in nine hundred draws such a number."""
    first = book.register()
    numbers = iter([first, first, first + 1 if first < 999_999_999 else first - 1])
    monkeypatch.setattr(customers, "new_customer_id", lambda: next(numbers))
    assert abs(book.register() - first) == 1


def test_customers_are_listed_with_their_number(book: BookClient) -> None:
    numbers = sorted(book.register() for _ in range(3))
    page = book.ok("GET", "/api/customers/?limit=2&offset=1")
    assert [c["customer_id"] for c in page["customers"]] == numbers[1:]
    assert (page["total"], page["limit"], page["offset"]) == (3, 2, 1)


def test_a_change_needs_the_version_that_was_read_and_keeps_the_old_one(book: BookClient) -> None:
    path = f"/v1/customers/{book.register()}"
    assert book("PATCH", path, {"city": "Mysuru"}).status_code == 428
    changed = book("PATCH", path, {"city": "Mysuru"}, if_match='"1"')
    assert (changed.json()["city"], changed.json()["state"]) == ("Mysuru", "Karnataka")
    assert changed.headers["etag"] == '"2"'
    stale = book("PATCH", path, {"city": "Hassan"}, if_match='"1"')
    assert stale.status_code == 412
    assert stale.json()["detail"].startswith('the present version is "2"')
    engine = create_engine(book.url)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT version, contact ->> 'city' FROM customer_versions"))
        assert [tuple(row) for row in rows] == [(1, "Bengaluru")]
    engine.dispose()


def test_a_new_employment_counts_from_now_on(book: BookClient) -> None:
    customer = book.register()
    job = {**PERSON["employment"], "monthly_income": 90_000}
    changed = book.ok("POST", f"/v1/customers/{customer}/employment", job)
    assert changed["employment"]["monthly_income"] == 90_000
    assert book.apply(customer)["factors"]["monthly_income"] == 90_000


def test_the_newest_verification_counts(book: BookClient) -> None:
    customer = book.register(kyc=None)
    proof = {**PERSON["kyc"], "identity_number": "X-7788"}
    verified = book.ok("POST", f"/v1/customers/{customer}/kyc", proof)
    assert verified["kyc"]["last_four"] == "7788"
    assert verified["kyc"]["verified_by"] == "local"


@pytest.mark.parametrize(
    ("changes", "status", "where"),
    [
        ({"email": "nobody"}, 422, "email"),
        ({"full_name": " "}, 422, "full_name"),
        ({"full_name": "a\nb"}, 422, "full_name"),
        ({"phone": "call me"}, 422, "phone"),
        ({"date_of_birth": "1990-02-30"}, 422, "date_of_birth"),
        ({"employment": {**PERSON["employment"], "monthly_income": 0}}, 422, "employment"),
        ({"date_of_birth": "2008-01-06"}, 409, "18 years old"),
        ({"branch_id": 7}, 404, "branch"),
    ],
)
def test_a_registration_that_breaks_a_rule_is_refused(
    changes: dict[str, Any], status: int, where: str, book: BookClient
) -> None:
    refused = book("POST", "/api/customers/register", {**PERSON, **changes})
    assert refused.status_code == status
    assert where in refused.text


def test_whoever_was_read_by_whom_is_on_record(book: BookClient) -> None:
    customer = book.register()
    book.ok("GET", f"/api/customers/{customer}", x_request_id="who-asks")
    engine = create_engine(book.url)
    query = text("SELECT principal, action, subject FROM audit WHERE request_id = 'who-asks'")
    with engine.connect() as connection:
        rows = [tuple(row) for row in connection.execute(query)]
    engine.dispose()
    assert rows == [("local", "read", f"customer {customer}")]
