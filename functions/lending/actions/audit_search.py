"""The audit: who did what to whom, found by subject, person, action and day."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from typing_extensions import TypedDict

from functions.lending.actions.lists import cursor_from_id
from functions.lending.storage import tables
from functions.lending.storage.transaction import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """Filters, each of which may be left out; days are of UTC, and the last one is included."""

    limit: int
    after: UUID | None = None
    subject: str | None = None
    principal: str | None = None
    action: str | None = None
    first_day: date | None = None
    last_day: date | None = None


class AuditEntry(TypedDict):
    """Who did what to whom, and when; `detail` holds no personal data."""

    at: datetime
    principal: str
    action: str
    subject: str
    branch_id: int | None
    request_id: str
    detail: dict[str, Any]


class AuditReply(TypedDict):
    """Entries, the newest first."""

    entries: list[AuditEntry]
    count: int
    next_cursor: str | None


def search_audit(transaction: Transaction, query: AuditQuery) -> AuditReply:
    """Return a page of entries; looking is on record too."""
    rows = list(transaction.connection.execute(_statement(query)))
    page = rows[: query.limit]
    entries: list[AuditEntry] = [
        {
            "at": row.at,
            "principal": row.principal,
            "action": row.action,
            "subject": row.subject,
            "branch_id": row.branch_id,
            "request_id": row.request_id,
            "detail": row.detail,
        }
        for row in page
    ]
    transaction.audit("read", "audit", detail={"count": len(page)})
    cursor = cursor_from_id(page[-1].id) if len(rows) > query.limit else None
    return {"entries": entries, "count": len(page), "next_cursor": cursor}


def _statement(query: AuditQuery) -> Select[Any]:
    table = tables.audit
    # Identifiers sort by their creation, and the primary key finds them.
    statement = select(table).order_by(table.c.id.desc()).limit(query.limit + 1)
    for name in ("subject", "principal", "action"):
        value = getattr(query, name)
        statement = statement.filter_by(**{name: value}) if value else statement
    if query.after:
        statement = statement.where(table.c.id < query.after)
    if query.first_day:
        statement = statement.where(table.c.at >= _midnight(query.first_day))
    if query.last_day:
        statement = statement.where(table.c.at < _midnight(query.last_day + timedelta(days=1)))
    return statement


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
