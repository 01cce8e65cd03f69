"""Requests about webhooks, imports and the audit of the loan book, for `Surety.request`."""

import json
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from .endpoints import Call, ResponseType
from .lending_responses import (
    AuditReply,
    ImportReport,
    ReplayReply,
    WebhookMessagesReply,
    WebhookReply,
    WebhookSecretReply,
    WebhooksReply,
)

JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilters:
    """What entries of the audit are about; days are of UTC, and both are included."""

    subject: str | None = None
    principal: str | None = None
    action: str | None = None
    first_day: date | None = None
    last_day: date | None = None


def webhooks() -> Call[WebhooksReply]:
    """Request all receivers of events."""
    return Call(method="GET", path="/v1/webhooks", response=WebhooksReply)


def register_webhook(url: str) -> Call[WebhookSecretReply]:
    """Request that events be sent to an address; its secret is in this response alone."""
    return Call(
        method="POST",
        path="/v1/webhooks",
        response=WebhookSecretReply,
        headers=JSON,
        body=json.dumps({"url": url}).encode(),
    )


def rotate_secret(webhook_id: str) -> Call[WebhookSecretReply]:
    """Request a new secret, in this response alone; the old one signs beside it."""
    return _post(f"/v1/webhooks/{webhook_id}:rotate", WebhookSecretReply)


def finish_rotation(webhook_id: str) -> Call[WebhookReply]:
    """Request that the old secret sign no longer."""
    return _post(f"/v1/webhooks/{webhook_id}:finish_rotation", WebhookReply)


def disable_webhook(webhook_id: str) -> Call[WebhookReply]:
    """Request that nothing more be sent to a receiver."""
    return _post(f"/v1/webhooks/{webhook_id}:disable", WebhookReply)


def webhook_messages(webhook_id: str, *, undelivered: bool = False) -> Call[WebhookMessagesReply]:
    """Request what was sent to a receiver, or only what has not arrived."""
    query = "?undelivered=true" if undelivered else ""
    path = f"/v1/webhooks/{webhook_id}/messages{query}"
    return Call(method="GET", path=path, response=WebhookMessagesReply)


def replay_message(message_id: str) -> Call[ReplayReply]:
    """Request that a message be sent once more."""
    return _post(f"/v1/messages/{message_id}:replay", ReplayReply)


def import_applications(
    content: bytes, *, dry_run: bool = False, partial: bool = False
) -> Call[ImportReport]:
    """Request that a CSV file of applications be imported; again, only what is missing is."""
    switches = {"dry_run": dry_run, "partial": partial}
    query = urlencode({name: "true" for name, is_on in switches.items() if is_on})
    return Call(
        method="POST",
        path=f"/v1/imports?{query}" if query else "/v1/imports",
        response=ImportReport,
        headers={"Content-Type": "text/csv"},
        body=content,
    )


def audit(filters: AuditFilters, cursor: str | None = None) -> Call[AuditReply]:
    """Request who did what to whom, the newest first."""
    values = {
        "subject": filters.subject,
        "principal": filters.principal,
        "action": filters.action,
        "first_day": filters.first_day and filters.first_day.isoformat(),
        "last_day": filters.last_day and filters.last_day.isoformat(),
        "cursor": cursor,
    }
    query = urlencode({name: value for name, value in values.items() if value})
    return Call(
        method="GET", path=f"/v1/audit?{query}" if query else "/v1/audit", response=AuditReply
    )


def _post(path: str, response: type[ResponseType]) -> Call[ResponseType]:
    return Call(method="POST", path=path, response=response)
