"""Delivery from the outbox: each event until it succeeds, signed anew, or is given up."""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from functions.lending import cli
from functions.lending.storage.database import WHOLE_BOOK, Database
from functions.lending.storage.identifiers import identifier_from_text
from functions.lending.storage.transaction import Job, Transaction
from functions.lending.webhook_delivery import (
    DELAYS_SECONDS,
    WebhookDelivery,
    next_attempt,
    register_endpoint,
    reseal_secrets,
    rotate_secret,
)
from functions.lending.webhook_secrets import SecretBox, WebhookKeyError
from functions.lending.webhook_sender import AttemptOutcome
from functions.lending.webhook_signatures import WebhookMessage, sign
from tests.support.lending import BookClient

BOX = SecretBox((bytes(32),))
KEYS = base64.b64encode(bytes(32)).decode()
EARLIER = datetime(2026, 1, 1, tzinfo=UTC)
Result = TypeVar("Result")


@dataclass
class Receiver:
    """A receiver that answers as it is told, and the clock of the sender."""

    answers: list[AttemptOutcome] = field(default_factory=list)
    messages: list[tuple[Mapping[str, str], bytes]] = field(default_factory=list)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def send(self, _url: str, headers: Mapping[str, str], body: bytes) -> AttemptOutcome:
        self.messages.append((headers, body))
        return self.answers.pop(0) if self.answers else AttemptOutcome(200)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url, 1)
    yield database
    database.close()


class TwiceJob(Job):
    """A job whose every action runs twice, as after a commit that nobody answered."""

    def __init__(self, database: Database) -> None:
        super().__init__(database=database, principal="webhooks", now=lambda: EARLIER)

    def run(self, action: Callable[[Transaction], Result]) -> Result:
        super().run(action)
        return super().run(action)


def job(database: Database, now: datetime = EARLIER) -> Job:
    """A job in the name of the command."""
    return Job(database=database, principal="webhooks", now=lambda: now)


def read_rows(database: Database, query: str) -> list[tuple[Any, ...]]:
    rows = database.read(WHOLE_BOOK, lambda connection: connection.execute(text(query)).all())
    return [tuple(row) for row in rows]


def read_secrets(database: Database) -> list[tuple[str | None, ...]]:
    """The secrets of each endpoint, opened."""
    rows = read_rows(database, "SELECT id, secret, previous_secret FROM webhook_endpoints")
    return [tuple(text and BOX.open(name, text) for text in texts) for name, *texts in rows]


def run(database: Database, receiver: Receiver) -> dict[str, int]:
    delivery = WebhookDelivery(
        database=database, send=receiver.send, now=lambda: receiver.now, box=BOX
    )
    return delivery.deliver()


def test_events_arrive_once_signed_and_numbered_without_personal_data(
    book: BookClient, database: Database
) -> None:
    secret = register_endpoint(job(database), "https://receiver.example.org/", BOX)["secret"]
    loan = book.disburse()
    book.ok("POST", f"/v1/loans/{loan}:repay", {"amount": "10.50"})
    receiver = Receiver(now=datetime.now(UTC) + timedelta(seconds=1))
    assert run(database, receiver) == {"delivered": 2, "failed": 0}
    assert run(database, receiver) == {"delivered": 0, "failed": 0}
    events = [json.loads(body) for _, body in receiver.messages]
    assert [event["type"] for event in events] == ["loan.disbursed", "loan.repaid"]
    assert [event["data"]["sequence"] for event in events] == [1, 2]
    assert events[1]["data"]["amount"] == "10.50"
    assert b"Asha" not in b"".join(body for _, body in receiver.messages)
    headers, body = receiver.messages[0]
    message = WebhookMessage(
        message_id=headers["webhook-id"], sent_at=int(headers["webhook-timestamp"]), body=body
    )
    assert headers["webhook-signature"] == sign(message, [secret])


def test_a_message_that_failed_is_sent_again_with_the_same_id_and_a_new_time(
    book: BookClient, database: Database
) -> None:
    register_endpoint(job(database), "https://receiver.example.org/", BOX)
    book.disburse()
    receiver = Receiver([AttemptOutcome(500), AttemptOutcome(429, "", 60)], now=datetime.now(UTC))
    receiver.now += timedelta(seconds=1)
    assert run(database, receiver) == {"delivered": 0, "failed": 1}
    assert run(database, receiver) == {"delivered": 0, "failed": 0}  # not before it is due
    for seconds in (6, 400):
        receiver.now += timedelta(seconds=seconds)
        run(database, receiver)
    assert len({headers["webhook-id"] for headers, _ in receiver.messages}) == 1
    assert len({headers["webhook-timestamp"] for headers, _ in receiver.messages}) == 3
    assert run(database, receiver) == {"delivered": 0, "failed": 0}


def test_it_is_tried_for_75_hours_and_then_given_up() -> None:
    now, hours = EARLIER, 0.0
    for attempts in range(1, len(DELAYS_SECONDS)):
        following = next_attempt(attempts, AttemptOutcome(500), now)
        assert following is not None
        hours += (following - now).total_seconds() / 3600
    assert 75 < hours < 84
    assert next_attempt(len(DELAYS_SECONDS), AttemptOutcome(500), now) is None
    assert next_attempt(1, AttemptOutcome(204), now) is None
    later = next_attempt(1, AttemptOutcome(503, "", 900), now)
    assert later == now + timedelta(seconds=900)


def test_a_receiver_that_is_gone_gets_nothing_more(book: BookClient, database: Database) -> None:
    register_endpoint(job(database), "https://receiver.example.org/", BOX)
    book.disburse()
    book.disburse()
    receiver = Receiver([AttemptOutcome(410)], now=datetime.now(UTC) + timedelta(seconds=1))
    assert run(database, receiver) == {"delivered": 0, "failed": 1}
    receiver.now += timedelta(days=4)
    assert run(database, receiver) == {"delivered": 0, "failed": 0}


def test_a_new_endpoint_gets_what_happens_from_then_on(
    book: BookClient, database: Database
) -> None:
    book.disburse()
    later = datetime.now(UTC) + timedelta(seconds=1)
    register_endpoint(job(database, later), "https://receiver.example.org/", BOX)
    assert run(database, Receiver(now=later)) == {"delivered": 0, "failed": 0}


def test_the_commands_register_and_deliver(
    book: BookClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", book.url)
    monkeypatch.setenv("WEBHOOK_KEYS", KEYS)
    assert cli.main(["webhook", "--url", "http://receiver.example.org/"]) == 2
    assert "must be https://host/path" in capsys.readouterr().err
    assert cli.main(["webhook", "--url", "https://localhost/hook"]) == 0
    assert json.loads(capsys.readouterr().out)["secret"].startswith("whsec_")
    book.disburse()
    assert cli.main(["deliver"]) == 0  # to this machine nothing is sent
    assert json.loads(capsys.readouterr().out) == {"delivered": 0, "failed": 1}


def test_during_a_rotation_both_secrets_sign_and_in_the_end_the_new_one_alone(
    book: BookClient,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DATABASE_URL", book.url)
    monkeypatch.setenv("WEBHOOK_KEYS", KEYS)
    registered = register_endpoint(job(database), "https://receiver.example.org/", BOX)
    rotate = ["rotate", "--endpoint", registered["endpoint"]]
    assert cli.main(rotate) == 0
    rotated = json.loads(capsys.readouterr().out)
    assert rotated["secret"] != registered["secret"]
    book.disburse()
    receiver = Receiver(now=datetime.now(UTC) + timedelta(seconds=1))
    run(database, receiver)
    assert cli.main([*rotate, "--finish"]) == 0
    assert json.loads(capsys.readouterr().out) == {"endpoint": registered["endpoint"]}
    message = receiver.messages[0][0]["webhook-id"]
    assert cli.main(["replay", "--message", message]) == 0
    assert json.loads(capsys.readouterr().out) == {"message": message, "endpoints": 1}
    receiver.now = datetime.now(UTC) + timedelta(seconds=1)
    assert run(database, receiver) == {"delivered": 1, "failed": 0}
    for (headers, body), secrets in zip(
        receiver.messages,
        ([rotated["secret"], registered["secret"]], [rotated["secret"]]),
        strict=True,
    ):
        sent = int(headers["webhook-timestamp"])
        signed = WebhookMessage(message_id=message, sent_at=sent, body=body)
        assert headers["webhook-signature"] == sign(signed, secrets)


def test_a_rotation_ends_before_the_next_one_begins(
    book: BookClient,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A second one would drop the only secret that the receiver has."""
    monkeypatch.setenv("DATABASE_URL", book.url)
    monkeypatch.setenv("WEBHOOK_KEYS", KEYS)
    registered = register_endpoint(job(database), "https://receiver.example.org/", BOX)
    rotate = ["rotate", "--endpoint", registered["endpoint"]]
    assert cli.main([*rotate, "--finish"]) == 2
    assert "no rotation is under way" in capsys.readouterr().err
    assert cli.main(rotate) == 0
    rotated = json.loads(capsys.readouterr().out)
    assert cli.main(rotate) == 2
    assert "a rotation is under way: run `rotate --finish` first" in capsys.readouterr().err
    assert read_secrets(database) == [(rotated["secret"], registered["secret"])]
    assert cli.main([*rotate, "--finish"]) == 0
    assert read_secrets(database) == [(rotated["secret"], None)]
    assert cli.main(rotate) == 0
    actions = "SELECT action FROM audit WHERE principal = 'webhooks' ORDER BY at"
    assert [action for (action,) in read_rows(database, actions)] == [
        "register webhook",
        "rotate secret",
        "finish rotation",
        "rotate secret",
    ]


def test_a_rotation_whose_commit_was_not_answered_is_not_refused_when_run_again(
    database: Database,
) -> None:
    """The job runs the same work again, with the same secret, and does nothing new."""
    registered = register_endpoint(job(database), "https://receiver.example.org/", BOX)
    endpoint = identifier_from_text("item", registered["endpoint"])
    assert endpoint is not None
    rotated = rotate_secret(TwiceJob(database), endpoint, BOX)
    assert read_secrets(database) == [(rotated["secret"], registered["secret"])]
    assert read_rows(database, "SELECT count(*) FROM audit WHERE action = 'rotate secret'") == [
        (1,)
    ]


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        (["rotate", "--finish", "--endpoint", "item_" + 32 * "0"], "no such webhook endpoint"),
        (["rotate", "--endpoint", "item_" + 32 * "0"], "no such webhook endpoint"),
        (["replay", "--message", 32 * "0"], "no such message"),
    ],
)
def test_what_does_not_exist_is_neither_rotated_nor_sent_again(
    command: list[str],
    complaint: str,
    book: BookClient,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DATABASE_URL", book.url)
    monkeypatch.setenv("WEBHOOK_KEYS", KEYS)
    assert cli.main(command) == 2
    assert complaint in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main([*command[:-1], "other"])
    assert "must be" in capsys.readouterr().err


def test_the_database_holds_no_secret_and_a_new_key_takes_over(
    book: BookClient,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    registered = register_endpoint(job(database), "https://receiver.example.org/", BOX)
    [(stored,)] = read_rows(database, "SELECT secret FROM webhook_endpoints")
    assert registered["secret"] not in stored
    new = base64.b64encode(bytes(range(32))).decode()
    monkeypatch.setenv("DATABASE_URL", book.url)
    for keys, status in (("", 2), (new, 2), (f"{new},{KEYS}", 0)):
        monkeypatch.setenv("WEBHOOK_KEYS", keys)
        assert cli.main(["deliver"]) == status, keys
    assert "WEBHOOK_KEYS: must hold the key " in capsys.readouterr().err
    assert cli.main(["reseal"]) == 0
    assert json.loads(capsys.readouterr().out) == {"endpoints": 1}
    monkeypatch.setenv("WEBHOOK_KEYS", new)
    assert cli.main(["deliver"]) == 0
    with pytest.raises(WebhookKeyError):
        read_secrets(database)


def test_without_a_webhook_no_key_is_needed_and_none_is_registered_without_one(
    book: BookClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", book.url)
    assert cli.main(["deliver"]) == 0
    assert cli.main(["webhook", "--url", "https://receiver.example.org/hook"]) == 2
    assert "WEBHOOK_KEYS: must be set" in capsys.readouterr().err


def test_a_secret_that_was_never_sealed_stops_the_delivery_until_it_is(
    database: Database,
) -> None:
    """As in a book whose webhooks are older than the keys."""
    secret = "whsec_" + base64.b64encode(bytes(32)).decode()
    engine = database.engine
    drop = "ALTER TABLE webhook_endpoints DROP CONSTRAINT webhook_secrets_are_sealed"
    insert = "INSERT INTO webhook_endpoints VALUES (gen_random_uuid(), 'https://r.example.org/', "
    with engine.begin() as connection:
        with pytest.raises(DBAPIError, match="sealed"), connection.begin_nested():
            connection.execute(text(f"{insert} :secret, NULL, now())"), {"secret": secret})
        connection.execute(text(drop))
        connection.execute(text(f"{insert} :secret, NULL, now())"), {"secret": secret})
    with pytest.raises(WebhookKeyError, match="is not sealed"):
        run(database, Receiver())
    job = Job(database=database, principal="webhooks", now=lambda: EARLIER)
    assert reseal_secrets(job, BOX) == {"endpoints": 1}
    assert read_secrets(database) == [(secret, None)]
    run(database, Receiver())
