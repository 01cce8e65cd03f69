"""Applications from a file over HTTP: checked, imported as a whole or in part, and once."""

from http import HTTPStatus
from typing import Any

import pytest

from functions.lending.contracts.imports import MOST_LINES
from tests.support.lending import BookClient

HEADING = "customer_id,loan_amount,loan_tenure_months,interest_rate,loan_purpose\n"
FAULT = "line 3: interest_rate: must be a per cent from 0 to 60 with at most 6 decimal places"


def send(book: BookClient, content: str, query: str = "") -> dict[str, Any]:
    path = f"/v1/imports{query}"
    report: dict[str, Any] = book.ok("POST", path, content.encode(), content_type="text/csv")
    return report


def count(book: BookClient) -> int:
    number: int = book.ok("GET", "/api/loans/applications")["count"]
    return number


@pytest.fixture
def content(book: BookClient) -> str:
    """A sound line and a faulty one."""
    customer = book.register()
    sound = f"{customer},120000.50,12,9.5,Education\n"
    return f"{HEADING}{sound}{sound.replace('9.5', '-9.5')}"


def test_a_dry_run_names_the_line_and_the_field_of_each_fault(
    book: BookClient, content: str
) -> None:
    report = send(book, content, "?dry_run=true")
    assert report == {"lines": 2, "imported": 0, "faulty": 1, "faults": [FAULT]}
    assert count(book) == 0


def test_a_file_with_a_fault_is_imported_only_in_part_and_once(
    book: BookClient, content: str
) -> None:
    assert send(book, content)["imported"] == 0
    for _ in range(2):
        report = send(book, content, "?partial=true")
        assert (report["imported"], report["faults"]) == (1, [FAULT])
    assert count(book) == 1
    audited = book.ok("GET", "/v1/audit?action=import")["entries"]
    assert [entry["detail"]["partial"] for entry in audited] == [True, True, False]
    assert len({entry["subject"] for entry in audited}) == 1


def test_what_is_no_csv_or_too_long_is_refused(book: BookClient) -> None:
    as_json = book("POST", "/v1/imports", {"file": ""})
    assert as_json.status_code == HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    long = HEADING.encode() + b"1,2\n" * (MOST_LINES + 1)
    refused = book("POST", "/v1/imports", long, content_type="text/csv")
    assert refused.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert "python -m functions.lending import" in refused.json()["detail"]
    latin = book("POST", "/v1/imports", b"\xff\xfe", content_type="text/csv")
    assert latin.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "cannot be read as CSV in UTF-8" in latin.json()["detail"]
    assert book("POST", "/v1/imports?partial=yes", b"", content_type="text/csv").status_code == 422
