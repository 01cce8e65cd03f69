"""Notices over HTTP: from the record of a declined application, and on record themselves."""

import json
from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, text

from functions.lending.notices.templates import TEMPLATES
from tests.support.lending import BookClient, client_on

LENDER = {
    "LENDER_NAME": "Example Bank",
    "LENDER_ADDRESS": "1 Example Street",
    "LENDER_AGENCY": "Example Authority",
}
REASONS = [{"code": "I01", "text": "The amount of the loan is high", "points": -12.5}]
DECLINE = """
INSERT INTO decisions (id, application_id, customer_id, branch_id, decided_by, is_automated,
    outcome, model, model_version, probability_of_default, credit_score, reasons, created_at)
SELECT gen_random_uuid(), id, customer_id, branch_id, 'm v1', true, 'rejected', 'm', 'v1', 0.7, 431,
    CAST(:reasons AS jsonb), now() FROM applications
"""


@pytest.fixture
def book(database_url: str) -> Iterator[BookClient]:
    with client_on(database_url, **LENDER) as book:
        yield book


@pytest.fixture
def declined(book: BookClient) -> str:
    name: str = book.apply(book.register())["application_id"]
    engine = create_engine(book.url)
    with engine.begin() as connection:
        connection.execute(text(DECLINE), {"reasons": json.dumps(REASONS)})
        connection.execute(text("UPDATE applications SET status = 'rejected'"))
    engine.dispose()
    return f"/v1/applications/{name}/notice"


def test_a_declined_application_has_a_notice_as_json_and_as_a_page(
    book: BookClient, declined: str
) -> None:
    notice = book.ok("GET", f"{declined}?template=in_fair_practices")
    assert notice["reasons"] == ["The amount of the loan is high"]
    assert (notice["lender"], notice["loan_amount"]) == ("Example Bank", "120000.00")
    page = book("GET", f"{declined}.html?template=in_fair_practices")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<li>The amount of the loan is high</li>" in page.text
    assert "style-src" in page.headers["content-security-policy"]
    assert "I01" not in page.text
    engine = create_engine(book.url)
    with engine.connect() as connection:
        query = text("SELECT detail FROM audit WHERE action = 'notice'")
        details = connection.execute(query).scalars().all()
    engine.dispose()
    assert details == 2 * [{"template": "in_fair_practices", "version": 2}]


def test_the_route_that_a_notice_names_puts_the_case_into_the_queue(
    book: BookClient, declined: str
) -> None:
    notice = book.ok("GET", f"{declined}?template=eu_ccd2")
    book.ok("POST", notice["review_path"], {"note": "My income has grown"})
    [waiting] = book.ok("GET", "/v1/reviews")["reviews"]
    assert waiting["application_id"] == notice["application_id"]


def test_a_template_has_to_be_named(book: BookClient, declined: str) -> None:
    for query in ("", "?template=x"):
        response = book("GET", declined + query)
        assert response.status_code == 422
        assert response.json()["errors"] == [
            {"path": "query.template", "message": f"must be one of {', '.join(TEMPLATES)}"}
        ]


def test_without_a_lender_there_is_no_notice(book: BookClient, declined: str) -> None:
    with client_on(book.url) as nameless:
        response = nameless("GET", f"{declined}?template=us_ecoa")
    assert response.status_code == 409
    assert "set LENDER_NAME" in response.json()["detail"]
