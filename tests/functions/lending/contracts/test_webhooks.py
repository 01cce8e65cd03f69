"""Webhooks over HTTP: registered, rotated, replayed and disabled, each on record."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import pytest

from functions.lending.storage.database import Database
from functions.lending.webhook_delivery import WebhookDelivery
from functions.lending.webhook_secrets import SecretBox
from functions.lending.webhook_sender import AttemptOutcome
from tests.support.lending import BookClient, client_on

KEY = bytes(32)
URL = "https://receiver.example.org/hook"
NOTHING = f"item_{32 * '0'}"


@pytest.fixture
def book(database_url: str) -> Iterator[BookClient]:
    """A book whose service has a key that seals secrets."""
    with client_on(database_url, WEBHOOK_KEYS=base64.b64encode(KEY).decode()) as client:
        yield client


def actions(book: BookClient) -> list[str]:
    """What is on record about webhooks, without who looked."""
    entries = book.ok("GET", "/v1/audit")["entries"]
    return [entry["action"] for entry in entries if entry["action"] != "read"][::-1]


def deliver(book: BookClient, outcome: AttemptOutcome) -> None:
    """Send what is due to a receiver that answers so."""
    database = Database(book.url, 1)
    delivery = WebhookDelivery(
        database=database,
        send=lambda *_: outcome,
        now=lambda: datetime.now(UTC) + timedelta(hours=1),
        box=SecretBox((KEY,)),
    )
    delivery.deliver()
    database.close()


def test_a_webhook_is_registered_and_its_secret_is_shown_once(book: BookClient) -> None:
    made = book("POST", "/v1/webhooks", {"url": URL})
    assert made.status_code == HTTPStatus.CREATED
    assert made.json()["secret"].startswith("whsec_")
    [listed] = book.ok("GET", "/v1/webhooks")["webhooks"]
    assert (listed["webhook_id"], listed["url"]) == (made.json()["webhook_id"], URL)
    assert (listed["is_rotating"], listed["disabled_at"], listed["delivered"]) == (False, None, 0)
    assert "secret" not in listed
    assert actions(book) == ["register webhook"]


def test_a_secret_is_rotated_and_the_old_one_ends(book: BookClient) -> None:
    made = book.ok("POST", "/v1/webhooks", {"url": URL})
    path = f"/v1/webhooks/{made['webhook_id']}"
    assert book.ok("POST", f"{path}:rotate")["secret"] != made["secret"]
    assert book.ok("GET", "/v1/webhooks")["webhooks"][0]["is_rotating"]
    assert book("POST", f"{path}:rotate").status_code == HTTPStatus.CONFLICT
    assert book.ok("POST", f"{path}:finish_rotation") == {"webhook_id": made["webhook_id"]}
    assert book("POST", f"{path}:finish_rotation").status_code == HTTPStatus.CONFLICT
    assert actions(book) == ["register webhook", "rotate secret", "finish rotation"]


def test_messages_are_listed_and_sent_once_more(book: BookClient) -> None:
    webhook = book.ok("POST", "/v1/webhooks", {"url": URL})["webhook_id"]
    book.disburse()
    deliver(book, AttemptOutcome(500))
    [listed] = book.ok("GET", "/v1/webhooks")["webhooks"]
    assert (listed["delivered"], listed["waiting"], listed["given_up"]) == (0, 1, 0)
    path = f"/v1/webhooks/{webhook}/messages"
    [message] = book.ok("GET", f"{path}?undelivered=true")["messages"]
    assert (message["type"], message["attempts"], message["last_outcome"]) == (
        *("loan.disbursed", 1, "500"),
    )
    replay = f"/v1/messages/{message['message_id']}:replay"
    assert book.ok("POST", replay) == {"message_id": message["message_id"], "webhooks": 1}
    deliver(book, AttemptOutcome(200))
    assert book.ok("GET", f"{path}?undelivered=true")["messages"] == []
    assert book.ok("GET", path)["messages"][0]["last_outcome"] == "200"


def test_a_disabled_webhook_gets_nothing_more(book: BookClient) -> None:
    webhook = book.ok("POST", "/v1/webhooks", {"url": URL})["webhook_id"]
    assert book.ok("POST", f"/v1/webhooks/{webhook}:disable") == {"webhook_id": webhook}
    book.disburse()
    deliver(book, AttemptOutcome(200))
    [listed] = book.ok("GET", "/v1/webhooks")["webhooks"]
    assert (listed["delivered"], listed["waiting"]) == (0, 0)
    assert listed["disabled_reason"] == "disabled by local"
    again = book("POST", f"/v1/webhooks/{webhook}:disable")
    assert "register its address anew" in again.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/v1/webhooks", {"url": "http://receiver.example.org/"}, 422),
        ("POST", "/v1/webhooks", {"url": URL, "secret": "mine"}, 422),
        ("POST", f"/v1/webhooks/{NOTHING}:rotate", None, 404),
        ("POST", "/v1/webhooks/other:disable", None, 404),
        ("GET", f"/v1/webhooks/{NOTHING}/messages", None, 404),
        ("GET", f"/v1/webhooks/{NOTHING}/messages?undelivered=perhaps", None, 422),
        ("POST", f"/v1/messages/{32 * '0'}:replay", None, 404),
        ("POST", "/v1/messages/other:replay", None, 404),
    ],
)
def test_what_is_wrong_or_not_there_is_refused(
    book: BookClient, method: str, path: str, body: object, status: int
) -> None:
    assert book(method, path, body).status_code == status


def test_without_a_key_no_secret_can_be_stored(database_url: str) -> None:
    with client_on(database_url) as book:
        refused = book("POST", "/v1/webhooks", {"url": URL})
    assert refused.status_code == HTTPStatus.CONFLICT
    assert "WEBHOOK_KEYS: must be set" in refused.json()["detail"]
