"""Two persons: what one asks for, another confirms by sending the same request."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import insert, select, update
from typing_extensions import TypedDict

from functions.lending.errors import SecondPersonError
from functions.lending.storage import tables
from functions.lending.storage.idempotency import fingerprint
from functions.lending.storage.identifiers import new_id, public_id
from functions.lending.storage.transaction import LOCAL, Transaction

AWAITING: Literal["awaiting_second_person"] = "awaiting_second_person"


class AwaitingReply(TypedDict):
    """Nothing was posted yet: another person has to send the same request."""

    status: Literal["awaiting_second_person"]
    loan_id: str
    action: str
    requested_by: str
    requested_at: datetime


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
    query = select(table).filter_by(**scope).where(table.c.confirmed_by.is_(None))
    row = transaction.connection.execute(query).first()
    name = public_id("loan", loan_id)
    if row is None:
        asked_by = {"requested_by": transaction.principal, "requested_at": transaction.now}
        values = {"id": new_id(), "branch_id": branch_id, **scope, **asked_by}
        transaction.connection.execute(insert(table), values)
        transaction.audit(f"request {action}", name, branch_id)
        return AwaitingReply(
            status=AWAITING,
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
