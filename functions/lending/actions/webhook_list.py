"""Webhooks as administrators see them: endpoints, what was sent to them, and the end of one."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text, update
from typing_extensions import TypedDict

from functions.lending.errors import NotInBookError, TransitionError
from functions.lending.storage import tables
from functions.lending.storage.identifiers import public_id
from functions.lending.storage.transaction import Transaction

LIST = text("""
SELECT e.id, e.url, e.previous_secret IS NOT NULL AS is_rotating, e.created_at, e.disabled_at,
    e.disabled_reason,
    count(d.outbox_id) FILTER (WHERE d.delivered_at IS NOT NULL) AS delivered,
    count(d.outbox_id) FILTER (WHERE d.delivered_at IS NULL AND d.due_at IS NOT NULL) AS waiting,
    count(d.outbox_id) FILTER (WHERE d.delivered_at IS NULL AND d.due_at IS NULL) AS given_up
FROM webhook_endpoints e LEFT JOIN webhook_deliveries d ON d.endpoint_id = e.id
GROUP BY e.id ORDER BY e.id DESC
""")
DELIVERIES = text("""
SELECT d.outbox_id, o.type, o.created_at, d.attempts, d.due_at, d.delivered_at, d.last_outcome
FROM webhook_deliveries d JOIN outbox o ON o.id = d.outbox_id
WHERE d.endpoint_id = :endpoint AND (NOT :undelivered OR d.delivered_at IS NULL)
ORDER BY d.outbox_id DESC LIMIT :limit
""")


class WebhookEndpoint(TypedDict):
    """A receiver of events, and how many messages were sent to it; never its secret."""

    webhook_id: str
    url: str
    is_rotating: bool
    created_at: datetime
    disabled_at: datetime | None
    disabled_reason: str | None
    delivered: int
    waiting: int
    given_up: int


class WebhooksReply(TypedDict):
    """All receivers, the newest first."""

    webhooks: list[WebhookEndpoint]
    count: int


class WebhookSecretReply(TypedDict):
    """A receiver and its new secret, which is shown this once."""

    webhook_id: str
    secret: str


class WebhookReply(TypedDict):
    """The receiver that was changed."""

    webhook_id: str


class WebhookMessageReply(TypedDict):
    """A message to a receiver: `due_at` is None once it is delivered or given up."""

    message_id: str
    type: str
    created_at: datetime
    attempts: int
    due_at: datetime | None
    delivered_at: datetime | None
    last_outcome: str | None


class WebhookMessagesReply(TypedDict):
    """Messages to one receiver, the newest first."""

    messages: list[WebhookMessageReply]
    count: int


class ReplayReply(TypedDict):
    """To how many receivers a message is sent once more."""

    message_id: str
    webhooks: int


def list_webhooks(transaction: Transaction) -> WebhooksReply:
    """Return every receiver."""
    rows = transaction.connection.execute(LIST).all()
    transaction.audit("read", "webhooks", detail={"count": len(rows)})
    return {"webhooks": [_reply_from_row(row) for row in rows], "count": len(rows)}


def list_messages(
    transaction: Transaction, endpoint: UUID, limit: int, *, undelivered: bool
) -> WebhookMessagesReply:
    """Return what was sent to a receiver, or only what has not arrived.

    Raises
    ------
    NotInBookError
        If there is no such receiver.
    """
    table = tables.webhook_endpoints
    if not transaction.connection.execute(select(table.c.id).filter_by(id=endpoint)).first():
        raise NotInBookError(what="webhook")
    values = {"endpoint": endpoint, "undelivered": undelivered, "limit": limit}
    rows = transaction.connection.execute(DELIVERIES, values).all()
    messages: list[WebhookMessageReply] = [
        {
            "message_id": row.outbox_id.hex,
            "type": row.type,
            "created_at": row.created_at,
            "attempts": row.attempts,
            "due_at": row.due_at,
            "delivered_at": row.delivered_at,
            "last_outcome": row.last_outcome,
        }
        for row in rows
    ]
    return {"messages": messages, "count": len(messages)}


def disable(transaction: Transaction, endpoint: UUID) -> WebhookReply:
    """Send nothing more to a receiver. Its row stays: deliveries refer to it.

    Raises
    ------
    NotInBookError
        If there is no such receiver.
    TransitionError
        If it is disabled already.
    """
    table = tables.webhook_endpoints
    query = select(table.c.disabled_at).filter_by(id=endpoint).with_for_update()
    row = transaction.connection.execute(query).first()
    if row is None:
        raise NotInBookError(what="webhook")
    if row.disabled_at is not None:
        message = "the webhook is disabled already: register its address anew to send to it"
        raise TransitionError(message)
    reason = f"disabled by {transaction.principal}"
    values = {"disabled_at": transaction.now, "disabled_reason": reason}
    transaction.connection.execute(update(table).filter_by(id=endpoint).values(values))
    name = public_id("item", endpoint)
    transaction.audit("disable webhook", name)
    return {"webhook_id": name}


def _reply_from_row(row: Row[Any]) -> WebhookEndpoint:
    return {
        "webhook_id": public_id("item", row.id),
        "url": row.url,
        "is_rotating": row.is_rotating,
        "created_at": row.created_at,
        "disabled_at": row.disabled_at,
        "disabled_reason": row.disabled_reason,
        "delivered": row.delivered,
        "waiting": row.waiting,
        "given_up": row.given_up,
    }
