"""Delivery of events from the outbox: at least once, each attempt signed, for 75 hours.

Whoever runs it only drains the tables, so it may run twice at a time, be killed, or not run.
"""

import base64
import random
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import Connection, CursorResult, Row, insert, select, text, update

from functions.lending.errors import NotInBookError, TransitionError
from functions.lending.storage import tables
from functions.lending.storage.database import WHOLE_BOOK, Database
from functions.lending.storage.identifiers import new_id, public_id
from functions.lending.storage.transaction import Job, Transaction
from functions.lending.webhook_secrets import SecretBox
from functions.lending.webhook_sender import AttemptOutcome, target_from_url
from functions.lending.webhook_signatures import SECRET_PREFIX, WebhookMessage, sign

# Seconds before each attempt, as Standard Webhooks suggests.
DELAYS_SECONDS = (0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
SECRET_BYTES = 32
JITTER = 0.1
MOST_A_RUN = 1_000
USER_AGENT = "Surety-Webhooks/1"
ENQUEUE = text("""
INSERT INTO webhook_deliveries (outbox_id, endpoint_id, due_at)
SELECT o.id, e.id, :now FROM outbox o JOIN webhook_endpoints e
    ON e.disabled_at IS NULL AND o.created_at >= e.created_at
    AND o.created_at > CAST(:now AS timestamptz) - interval '30 days'
ON CONFLICT DO NOTHING
""")
NEXT = text("""
SELECT d.outbox_id, d.endpoint_id, d.attempts, o.body, e.url, e.secret, e.previous_secret
FROM webhook_deliveries d
JOIN outbox o ON o.id = d.outbox_id JOIN webhook_endpoints e ON e.id = d.endpoint_id
WHERE d.due_at <= :now AND e.disabled_at IS NULL
ORDER BY d.due_at, d.outbox_id LIMIT 1 FOR UPDATE OF d SKIP LOCKED
""")
LOCK_ENDPOINT = text("""
SELECT secret, previous_secret FROM webhook_endpoints WHERE id = :endpoint FOR NO KEY UPDATE
""")
ROTATE = text("""
UPDATE webhook_endpoints SET secret = :secret, previous_secret = secret WHERE id = :endpoint
""")
LOCK_ALL = text("""
SELECT id, secret, previous_secret FROM webhook_endpoints ORDER BY id FOR NO KEY UPDATE
""")
IN_USE = text("""
SELECT id, secret, previous_secret FROM webhook_endpoints WHERE disabled_at IS NULL
""")
RESEAL = text("""
UPDATE webhook_endpoints SET secret = :secret, previous_secret = :previous WHERE id = :endpoint
""")
FINISH_ROTATION = text("UPDATE webhook_endpoints SET previous_secret = NULL WHERE id = :endpoint")
REPLAY = text("""
UPDATE webhook_deliveries d SET attempts = 0, due_at = :now, delivered_at = NULL
    FROM webhook_endpoints e
    WHERE e.id = d.endpoint_id AND e.disabled_at IS NULL AND d.outbox_id = :message
""")

Send = Callable[[str, Mapping[str, str], bytes], AttemptOutcome]


def register_endpoint(job: Job, url: str, box: SecretBox) -> dict[str, Any]:
    """Add an endpoint for events from now on; the secret is returned this once.

    Raises
    ------
    WebhookAddressError
        If the URL is not https.
    """
    target_from_url(url)
    secret = _new_secret()
    identifier = new_id()
    sealed = box.seal(identifier, secret)
    name, table = public_id("item", identifier), tables.webhook_endpoints

    def work(transaction: Transaction) -> None:
        connection = transaction.connection
        if connection.execute(select(table.c.id).filter_by(id=identifier)).first():
            return  # committed by a run before this one, which got no answer
        row = {"id": identifier, "url": url, "secret": sealed, "created_at": transaction.now}
        transaction.audit("register webhook", name)
        connection.execute(insert(table), row)

    job.run(work)
    return {"endpoint": name, "secret": secret}


def rotate_secret(job: Job, endpoint: UUID, box: SecretBox) -> dict[str, Any]:
    """Give an endpoint a new secret, beside which the old one signs until the rotation ends.

    Raises
    ------
    NotInBookError
        If there is no such endpoint.
    TransitionError
        If a rotation is under way: another one would drop the secret that the receiver has.
    """
    secret = _new_secret()
    sealed = box.seal(endpoint, secret)

    def work(transaction: Transaction) -> None:
        row = _lock_endpoint(transaction, endpoint)
        if row.secret == sealed:  # committed by a run before this one, which got no answer
            return
        if row.previous_secret is not None:
            message = "a rotation is under way: run `rotate --finish` first"
            raise TransitionError(message)
        transaction.audit("rotate secret", public_id("item", endpoint))
        transaction.connection.execute(ROTATE, {"endpoint": endpoint, "secret": sealed})

    job.run(work)
    return {"endpoint": public_id("item", endpoint), "secret": secret}


def finish_rotation(job: Job, endpoint: UUID) -> dict[str, Any]:
    """Let the secret from before the rotation sign no longer.

    Raises
    ------
    NotInBookError
        If there is no such endpoint.
    TransitionError
        If no rotation is under way.
    """

    def work(transaction: Transaction) -> None:
        if _lock_endpoint(transaction, endpoint).previous_secret is None:
            message = "no rotation is under way: only one secret signs"
            raise TransitionError(message)
        transaction.audit("finish rotation", public_id("item", endpoint))
        transaction.connection.execute(FINISH_ROTATION, {"endpoint": endpoint})

    job.run(work)
    return {"endpoint": public_id("item", endpoint)}


def reseal_secrets(job: Job, box: SecretBox) -> dict[str, Any]:
    """Seal every secret with the first key: after a new key was put before the old one."""

    def work(transaction: Transaction) -> int:
        rows = transaction.connection.execute(LOCK_ALL).all()
        for row in rows:
            stored = {"secret": row.secret, "previous": row.previous_secret}
            sealed = {name: text and box.reseal(row.id, text) for name, text in stored.items()}
            transaction.connection.execute(RESEAL, {"endpoint": row.id, **sealed})
        transaction.audit("reseal secrets", "webhooks", detail={"endpoints": len(rows)})
        return len(rows)

    return {"endpoints": job.run(work)}


def replay_message(job: Job, message: UUID) -> dict[str, Any]:
    """Let a message be sent once more to every endpoint that is not disabled, as if it were new.

    Raises
    ------
    NotInBookError
        If no endpoint was ever sent this message.
    """

    def work(transaction: Transaction) -> int:
        transaction.audit("replay message", message.hex)
        values = {"message": message, "now": transaction.now}
        return _require_any(transaction.connection.execute(REPLAY, values), "message")

    return {"message": message.hex, "endpoints": job.run(work)}


def _lock_endpoint(transaction: Transaction, endpoint: UUID) -> Row[Any]:
    row = transaction.connection.execute(LOCK_ENDPOINT, {"endpoint": endpoint}).first()
    if row is None:
        what = "webhook endpoint"
        raise NotInBookError(what)
    return row


def _require_any(result: CursorResult[Any], what: str) -> int:
    if not result.rowcount:
        raise NotInBookError(what)
    return result.rowcount


def _new_secret() -> str:
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDelivery:
    """One run of the delivery."""

    database: Database
    send: Send
    now: Callable[[], datetime]
    box: SecretBox

    def deliver(self) -> dict[str, int]:
        """Send what is due; return how many messages arrived and how many did not.

        Raises
        ------
        WebhookKeyError
            Before anything is sent, if a key is missing that a secret in use needs.
        """
        for row in self.database.read(WHOLE_BOOK, lambda c: c.execute(IN_USE).all()):
            opened_secrets(self.box, row.id, row)
        started = self.now()
        self.database.write(
            WHOLE_BOOK, lambda c: c.execute(ENQUEUE, {"now": started}), is_repeatable=True
        )
        outcomes = {"delivered": 0, "failed": 0}
        for _ in range(MOST_A_RUN):
            is_delivered = self.database.write(WHOLE_BOOK, self._deliver_next, is_repeatable=True)
            if is_delivered is None:
                break
            outcomes["delivered" if is_delivered else "failed"] += 1
        return outcomes

    def _deliver_next(self, connection: Connection) -> bool | None:
        """Send the message that is due longest; None if there is none that nobody else sends."""
        now = self.now()
        row = connection.execute(NEXT, {"now": now}).first()
        if row is None:
            return None
        body = to_json(row.body)
        keys = opened_secrets(self.box, row.endpoint_id, row)
        outcome = self.send(row.url, signed_headers(row.outbox_id, keys, body, now), body)
        _record(connection, row, outcome, now)
        return outcome.is_delivered


def opened_secrets(box: SecretBox, endpoint: UUID, row: Row[Any]) -> list[str]:
    """Return what signs for an endpoint: its secret, and the previous one during a rotation."""
    return [box.open(endpoint, text) for text in (row.secret, row.previous_secret) if text]


def signed_headers(
    identifier: UUID, keys: Sequence[str], body: bytes, now: datetime
) -> dict[str, str]:
    """Return the headers of one attempt: the id stays over all attempts, the time does not."""
    message = WebhookMessage(message_id=identifier.hex, sent_at=int(now.timestamp()), body=body)
    return {
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        "webhook-id": message.message_id,
        "webhook-timestamp": str(message.sent_at),
        "webhook-signature": sign(message, keys),
    }


def next_attempt(attempts: int, outcome: AttemptOutcome, now: datetime) -> datetime | None:
    """Return when to try again after so many attempts; None if that was the last one."""
    if outcome.is_delivered or attempts >= len(DELAYS_SECONDS):
        return None
    seconds = DELAYS_SECONDS[attempts] * (1 + JITTER * random.random())  # noqa: S311 -- jitter
    return now + timedelta(seconds=max(seconds, outcome.retry_after_seconds))


def _record(connection: Connection, row: Row[Any], outcome: AttemptOutcome, now: datetime) -> None:
    attempts = row.attempts + 1
    deliveries, endpoints = tables.webhook_deliveries, tables.webhook_endpoints
    connection.execute(
        update(deliveries)
        .where(deliveries.c.outbox_id == row.outbox_id, deliveries.c.endpoint_id == row.endpoint_id)
        .values(
            attempts=attempts,
            due_at=next_attempt(attempts, outcome, now),
            delivered_at=now if outcome.is_delivered else None,
            last_outcome=outcome.text,
        )
    )
    if outcome.status == HTTPStatus.GONE:
        statement = update(endpoints).where(endpoints.c.id == row.endpoint_id)
        reason = "the receiver answered 410 Gone"
        connection.execute(statement.values(disabled_at=now, disabled_reason=reason))
