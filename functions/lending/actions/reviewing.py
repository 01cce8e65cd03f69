"""Reviews: applications that wait for a person, who looks at one, and when two must agree.

A person claims an application, so that nobody else decides it meanwhile. An approval against the
model or the policy, or above the product's limit, is a proposal until another person approves, too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from functions.lending.actions.applications import require_status, require_version
from functions.lending.actions.cases import (
    Case,
    add_decision,
    change_case,
    read_case,
    reply_from_case,
    set_status,
)
from functions.lending.actions.replies import LoanApplicationReply
from functions.lending.errors import SecondPersonError, TransitionError
from functions.lending.requests import Review, ReviewRequest
from functions.lending.storage import case_tables
from functions.lending.storage.identifiers import new_id, public_id
from functions.lending.storage.round_trips import Statement, column_names, send
from functions.lending.storage.transaction import LOCAL, Transaction

ASKED = "the applicant asked for a review by a person"
ONE = f"""
SELECT {column_names(case_tables.reviews)} FROM reviews
    WHERE application_id = %(application)s FOR UPDATE
"""  # noqa: S608 -- names of ours
PUT = """
INSERT INTO reviews (application_id, customer_id, branch_id, {names})
    VALUES (%(application)s, %(customer)s, %(branch)s, {values})
    ON CONFLICT (application_id) DO UPDATE SET {assigned}
"""
NO_CLAIM: Mapping[str, Any] = {"claimed_by": None, "claimed_at": None}
NO_PROPOSAL: Mapping[str, Any] = dict.fromkeys(
    f"proposed_{name}" for name in ("by", "at", "outcome", "code", "note")
)


@dataclass(frozen=True, slots=True)
class Reviewed:
    """An application after a person's decision, which may wait for a second person."""

    reply: LoanApplicationReply
    is_waiting: bool = False


def request_review(
    transaction: Transaction, application_id: UUID, body: ReviewRequest
) -> LoanApplicationReply:
    """Put an application into the queue because the applicant asks for a person.

    Raises
    ------
    TransitionError
        If a person has decided already, or there is nothing to review.
    """
    case = read_case(transaction, application_id, is_locked=True)
    if case.status not in {"pending", "rejected"}:
        message = f"the application is {case.status}: there is nothing to review"
        raise TransitionError(message)
    if case.decisions and not case.decisions[-1]["is_automated"]:
        message = "a person has decided on this application already"
        raise TransitionError(message)
    asked = {"asked_by": transaction.principal, "asked_at": transaction.now, "note": body.note}
    _put(transaction, case, asked)
    if case.status == "rejected":
        case = set_status(transaction, case, "pending", ASKED)
    _audit(transaction, "request review", case)
    return reply_from_case(case)


def claim(transaction: Transaction, application_id: UUID) -> LoanApplicationReply:
    """Take a pending application; claiming it again changes nothing.

    Raises
    ------
    TransitionError
        If it is not pending, or somebody else has claimed it.
    """
    case = read_case(transaction, application_id, is_locked=True)
    require_status(case, "pending", "only what waits for a person is claimed")
    row = _read(transaction, application_id)
    _require_unclaimed(transaction, row)
    if row is None or row.claimed_by is None:
        claimed = {"claimed_by": transaction.principal, "claimed_at": transaction.now}
        _put(transaction, case, claimed)
        _audit(transaction, "claim", case)
    return reply_from_case(case)


def release(transaction: Transaction, application_id: UUID) -> LoanApplicationReply:
    """Give a claimed application back, one's own or, as somebody goes home ill, another's."""
    case = read_case(transaction, application_id, is_locked=True)
    row = _read(transaction, application_id)
    if row is None or row.claimed_by is None:
        message = "nobody has claimed this application"
        raise TransitionError(message)
    _put(transaction, case, NO_CLAIM)
    _audit(transaction, "release", case, {"claimed_by": row.claimed_by})
    return reply_from_case(case)


def review(
    transaction: Transaction, application_id: UUID, outcome: str, request: Review, expected: int
) -> Reviewed:
    """Record a person's decision, or its proposal where two persons must agree.

    Raises
    ------
    TransitionError
        If the application is not pending, or claimed by somebody else.
    SecondPersonError
        If the person who proposed the approval confirms it.
    """
    case = read_case(transaction, application_id, is_locked=True)
    require_version(case, expected)
    require_status(case, "pending", "a person decides on pending applications only")
    row = _read(transaction, application_id)
    _require_unclaimed(transaction, row)
    values: dict[str, Any] = {
        "decided_by": transaction.principal,
        "code": request.code,
        "note": request.note,
    }
    if outcome == "approved" and needs_second_person(transaction, case):
        if row is None or row.proposed_by is None:
            return _propose(transaction, case, outcome, request)
        values = _confirmed(transaction, row)
    values |= {"id": new_id(), "outcome": outcome, "is_automated": False}
    case = set_status(transaction, add_decision(transaction, case, values), outcome)
    if row is not None:
        _put(transaction, case, {**NO_CLAIM, **NO_PROPOSAL})
    detail = {"outcome": outcome, "code": request.code}
    _audit(transaction, "review", case, detail)
    return Reviewed(reply_from_case(case))


def needs_second_person(transaction: Transaction, case: Case) -> bool:
    """Whether an approval overrides model or policy, or is above the product's limit.

    Where nobody is authenticated there is no telling two persons apart.
    """
    if transaction.principal == LOCAL:
        return False
    is_override = case.automated is not None and case.automated["outcome"] == "rejected"
    is_large: bool = case.columns["amount"] > case.columns["second_person_above"]
    return is_override or is_large


def _propose(transaction: Transaction, case: Case, outcome: str, request: Review) -> Reviewed:
    proposal = {
        "proposed_by": transaction.principal,
        "proposed_at": transaction.now,
        "proposed_outcome": outcome,
        "proposed_code": request.code,
        "proposed_note": request.note,
    }
    # The claim ends: somebody else has to look at it now.
    _put(transaction, case, {**NO_CLAIM, **proposal})
    cause = f"approval proposed by {transaction.principal}: another person has to approve, too"
    version = case.columns["version"] + 1
    case = change_case(transaction, case, pending_cause=cause, version=version)
    _audit(transaction, "propose", case, {"outcome": outcome, "code": request.code})
    return Reviewed(reply_from_case(case), is_waiting=True)


def _confirmed(transaction: Transaction, row: Row[Any]) -> dict[str, Any]:
    if row.proposed_by == transaction.principal:
        message = "you proposed this yourself: another person has to approve, too"
        raise SecondPersonError(message)
    return {
        "decided_by": row.proposed_by,
        "second_person": transaction.principal,
        "code": row.proposed_code,
        "note": row.proposed_note,
    }


def _require_unclaimed(transaction: Transaction, row: Row[Any] | None) -> None:
    if row is not None and row.claimed_by not in {None, transaction.principal}:
        message = f"{row.claimed_by} has claimed this application: it can be released first"
        raise TransitionError(message)


def _read(transaction: Transaction, application_id: UUID) -> Row[Any] | None:
    [rows] = send(transaction.connection, [Statement(ONE, {"application": application_id})])
    return rows[0] if rows else None


def _put(transaction: Transaction, case: Case, values: Mapping[str, Any]) -> None:
    statement = PUT.format(
        names=", ".join(values),
        values=", ".join(f"%({name})s" for name in values),
        assigned=", ".join(f"{name} = excluded.{name}" for name in values),
    )
    owner = {"customer": case.columns["customer_id"], "branch": case.columns["branch_id"]}
    transaction.change(Statement(statement, {"application": case.name, **owner, **values}))


def _audit(
    transaction: Transaction, action: str, case: Case, detail: dict[str, Any] | None = None
) -> None:
    transaction.audit(action, public_id("app", case.name), case.columns["branch_id"], detail)
