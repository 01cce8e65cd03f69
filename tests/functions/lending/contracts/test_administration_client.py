"""The typed client's calls about webhooks, imports and the audit, against the application."""

import base64
from collections.abc import Iterator
from datetime import date

import pytest

from functions.client import administration_endpoints as administration
from functions.client.administration_endpoints import AuditFilters
from functions.client.endpoints import Call, ResponseType, read
from functions.client.transport import HttpResponse
from tests.support.lending import BookClient, client_on

URL = "https://receiver.example.org/hook"


@pytest.fixture
def book(database_url: str) -> Iterator[BookClient]:
    with client_on(database_url, WEBHOOK_KEYS=base64.b64encode(bytes(32)).decode()) as client:
        yield client


def ask(book: BookClient, call: Call[ResponseType]) -> ResponseType:
    """Send a call of the client to the application."""
    headers = {name.replace("-", "_"): text for name, text in call.headers.items()}
    response = book(call.method, call.path, call.body, **headers)
    names = {name.lower(): value for name, value in response.headers.items()}
    status, reason = response.status_code, response.reason_phrase
    return read(call, HttpResponse(status, reason, names, response.content))


def test_a_webhook_lives_and_ends(book: BookClient) -> None:
    made = ask(book, administration.register_webhook(URL))
    rotated = ask(book, administration.rotate_secret(made.webhook_id))
    assert made.secret != rotated.secret
    assert ask(book, administration.finish_rotation(made.webhook_id)).webhook_id == made.webhook_id
    assert ask(book, administration.webhook_messages(made.webhook_id, undelivered=True)).count == 0
    ask(book, administration.disable_webhook(made.webhook_id))
    [listed] = ask(book, administration.webhooks()).webhooks
    assert (listed.url, listed.disabled_reason) == (URL, "disabled by local")


def test_a_file_is_imported_and_the_audit_has_it(book: BookClient) -> None:
    heading = "customer_id,loan_amount,loan_tenure_months,interest_rate,loan_purpose"
    content = f"{heading}\n{book.register()},120000.50,12,9.5,Education\n".encode()
    checked = ask(book, administration.import_applications(content, dry_run=True))
    assert (checked.lines, checked.imported, checked.faults) == (1, 0, [])
    report = ask(book, administration.import_applications(content, partial=True))
    assert (report.lines, report.imported) == (1, 1)
    audited = ask(book, administration.audit(AuditFilters(action="import")))
    assert [entry.detail["partial"] for entry in audited.entries] == [True]
    earlier = AuditFilters(action="import", last_day=date(2020, 1, 1))
    assert ask(book, administration.audit(earlier)).entries == []
