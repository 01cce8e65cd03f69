"""Two persons: what one asks for, another confirms, from the list or by the same request."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import ColumnElement, Row, insert, select, update
from typing_extensions import TypedDict

from functions.lending.errors import NotInBookError, SecondPersonError, TransitionError
from functions.lending.storage import tables
from functions.lending.storage.idempotency import fingerprint
from functions.lending.storage.identifiers import new_id, public_id
from functions.lending.storage.transaction import LOCAL, Transaction

MOST_LISTED = 200
AWAITING: Literal["awaiting_second_person"] = "awaiting_second_person"


class AwaitingReply(TypedDict):
    """Nothing was posted yet: another person has to send the same request."""

    status: Literal["awaiting_second_person"]
    request_id: str
    loan_id: str
    action: str
    requested_by: str
    requested_at: datetime


class SecondPersonRequest(TypedDict):
    """What one person asked for, with all that another one confirms."""

    request_id: str
    loan_id: str
    branch_id: int
    action: str
    body: dict[str, Any]
    requested_by: str
    requested_at: datetime
    refused_by: str | None


class SecondPersonRequestsReply(TypedDict):
    """What awaits a second person, the oldest first."""

    requests: list[SecondPersonRequest]
    count: int


def confirm(
    transaction: Transaction, loan_id: UUID, branch_id: int, action: str, body: BaseModel
) -> AwaitingReply | str | None:
    """Return who asked first, once another person asks for the same; before that, the reply.

    None where nobody is authenticated: there is no telling two persons apart. The loan is locked.

    Raises
    ------
    SecondPersonError
        If the same person asks again.
    """
    if transaction.principal == LOCAL:
        return None
    table = tables.confirmations
    digest = fingerprint(action, body.model_dump(mode="json"))
    scope = {"loan_id": loan_id, "action": action, "fingerprint": digest}
    query = select(table).filter_by(**scope).where(*_is_open()).with_for_update()
    row = transaction.connection.execute(query).first()
    name = public_id("loan", loan_id)
    if row is None:
        asked_by = {"requested_by": transaction.principal, "requested_at": transaction.now}
        identifier = new_id()
        values = {"id": identifier, "branch_id": branch_id, **scope, **asked_by}
        values["body"] = body.model_dump(mode="json")
        transaction.connection.execute(insert(table), values)
        transaction.audit(f"request {action}", name, branch_id)
        return AwaitingReply(
            status=AWAITING,
            request_id=public_id("item", identifier),
            loan_id=name,
            action=action,
            requested_by=transaction.principal,
            requested_at=transaction.now,
        )
    if row.requested_by == transaction.principal:
        message = "you asked for this yourself: another person has to send the same request"
        raise SecondPersonError(message)
    confirmed = {"confirmed_by": transaction.principal, "confirmed_at": transaction.now}
    transaction.connection.execute(update(table).where(table.c.id == row.id).values(confirmed))
    first_person: str = row.requested_by
    return first_person


def list_requests(transaction: Transaction) -> SecondPersonRequestsReply:
    """Return what awaits a second person, as far as the caller may see it."""
    table = tables.confirmations
    query = select(table).where(*_is_open()).order_by(table.c.id).limit(MOST_LISTED)
    rows = transaction.connection.execute(query).all()
    return {"requests": [_request(row) for row in rows], "count": len(rows)}


def find_request(transaction: Transaction, identifier: UUID) -> Row[Any]:
    """Return what awaits a second person under an identifier.

    Raises
    ------
    NotInBookError
        If there is none that the caller may see.
    TransitionError
        If it does not wait any longer.
    """
    table = tables.confirmations
    row = transaction.connection.execute(select(table).where(table.c.id == identifier)).first()
    if row is None:
        what = "request"
        raise NotInBookError(what)
    if row.confirmed_by or row.refused_by:
        done = "confirmed" if row.confirmed_by else "refused"
        message = f"{row.confirmed_by or row.refused_by} has {done} this request already"
        raise TransitionError(message)
    return row


def refuse(transaction: Transaction, identifier: UUID) -> SecondPersonRequest:
    """Turn a request down, or take one's own back: nothing is posted."""
    row = find_request(transaction, identifier)
    table = tables.confirmations
    values = {"refused_by": transaction.principal, "refused_at": transaction.now}
    statement = update(table).where(table.c.id == identifier, *_is_open()).values(values)
    if not transaction.connection.execute(statement).rowcount:  # confirmed at this moment
        find_request(transaction, identifier)
    transaction.audit(f"refuse {row.action}", public_id("loan", row.loan_id), row.branch_id)
    return {**_request(row), "refused_by": transaction.principal}


def _is_open() -> tuple[ColumnElement[bool], ...]:
    table = tables.confirmations
    return table.c.confirmed_by.is_(None), table.c.refused_by.is_(None)


def _request(row: Row[Any]) -> SecondPersonRequest:
    return {
        "request_id": public_id("item", row.id),
        "loan_id": public_id("loan", row.loan_id),
        "branch_id": row.branch_id,
        "action": row.action,
        "body": row.body,
        "requested_by": row.requested_by,
        "requested_at": row.requested_at,
        "refused_by": row.refused_by,
    }
