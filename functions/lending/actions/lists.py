"""Lists of applications and loans, the newest first, page by page without counting rows."""

import base64
import binascii
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, Table, select

from functions.lending.actions.cases import read_cases, reply_from_case
from functions.lending.actions.loan_replies import reply_from_loan
from functions.lending.actions.replies import ApplicationsReply, LoansReply
from functions.lending.storage import tables
from functions.lending.storage.transaction import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """Filters of a list; `after` is the last row of the page before."""

    limit: int
    after: UUID | None = None
    status: str | None = None
    customer_id: int | None = None


def list_applications(transaction: Transaction, query: ListQuery) -> ApplicationsReply:
    """Return a page of applications."""
    rows, cursor = _page(transaction, tables.applications, query)
    replies = [reply_from_case(case) for case in read_cases(transaction, [r.id for r in rows])]
    transaction.audit("read", "applications", detail={"count": len(rows)})
    return {"applications": replies, "count": len(rows), "next_cursor": cursor}


def list_loans(transaction: Transaction, query: ListQuery) -> LoansReply:
    """Return a page of loans."""
    rows, cursor = _page(transaction, tables.loans, query)
    transaction.audit("read", "loans", detail={"count": len(rows)})
    return {"loans": list(map(reply_from_loan, rows)), "count": len(rows), "next_cursor": cursor}


def cursor_from_id(identifier: UUID) -> str:
    """Write where a page ended, opaque to callers."""
    return base64.urlsafe_b64encode(identifier.bytes).decode().rstrip("=")


def id_from_cursor(text: str) -> UUID | None:
    """Read where a page ended; None if it is no cursor."""
    try:
        return UUID(bytes=base64.b64decode(text + "==", altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        return None


def _page(
    transaction: Transaction, table: Table, query: ListQuery
) -> tuple[list[Row[Any]], str | None]:
    statement: Select[Any] = select(table).order_by(table.c.id.desc()).limit(query.limit + 1)
    if query.after:
        statement = statement.where(table.c.id < query.after)
    if query.status:
        statement = statement.where(table.c.status == query.status)
    if query.customer_id is not None:
        statement = statement.where(table.c.customer_id == query.customer_id)
    rows = list(transaction.connection.execute(statement))
    page = rows[: query.limit]
    return page, cursor_from_id(page[-1].id) if len(rows) > query.limit else None
