"""Applications: stored before anybody decides, decided once by a model, or by a person."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from functions.lending.actions.applicants import applicant_from_rows, applicant_statements
from functions.lending.actions.cases import (
    ANY_DAY,
    Case,
    add_decision,
    change_case,
    read_case,
    reply_from_case,
    set_status,
    whole_months,
)
from functions.lending.actions.replies import LoanApplicationReply
from functions.lending.actions.scoring_rows import ScoringQuestion, question, question_about
from functions.lending.errors import (
    KeyReusedError,
    TransitionError,
    VersionError,
)
from functions.lending.requests import LoanRequest
from functions.lending.storage import tables
from functions.lending.storage.identifiers import new_id, public_id
from functions.lending.storage.round_trips import Statement
from functions.lending.storage.transaction import Transaction
from models.lending.dates import add_months
from models.lending.schedule import amortise

UNDECIDED = "not decided yet"
# From the mildest to the strictest.
OUTCOMES = {"approve": "approved", "refer": "pending", "decline": "rejected"}
BY_KEY = """
SELECT id, fingerprint FROM applications
    WHERE requested_by = %(principal)s AND request_key = %(key)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestIdentity:
    """The caller's own key of an application, if it sent one, and the request's fingerprint.

    `counter_to` is the application that this one answers, if it is a counter-offer.
    """

    key: str | None
    fingerprint: bytes
    counter_to: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDecision:
    """What the scoring function answered, as it is recorded."""

    decision: str
    model: str
    model_version: str
    probability_of_default: float
    credit_score: int
    risk_level: str
    reasons: list[dict[str, Any]] = field(default_factory=list)
    contributors: list[dict[str, Any]] = field(default_factory=list)
    inputs: dict[str, Any] = field(default_factory=dict)
    policy: list[dict[str, str]] = field(default_factory=list)

    @property
    def outcome(self) -> str:
        """What becomes of the application: of model and policy, whichever is stricter."""
        verdicts = [self.decision, *(rule["outcome"] for rule in self.policy)]
        return OUTCOMES[max(verdicts, key=list(OUTCOMES).index)]


@dataclass(frozen=True, slots=True)
class NoDecision:
    """Why nothing was decided, and which external checks have no usable answer."""

    cause: str
    checks: tuple[str, ...] = ()


def store_application(
    transaction: Transaction, request: LoanRequest, identity: RequestIdentity
) -> tuple[UUID, ScoringQuestion | None]:
    """Store an application as pending, or find the one that this key stands for.

    Returns its key, and what to ask about it unless it is decided.

    Raises
    ------
    TransitionError
        If the customer has no employment: no ratio can be computed.
    TermsError
        If nobody could repay at these terms.
    """
    statements = statements_to_store(transaction.principal, request, identity)
    stored, *rows = transaction.read(statements)
    earlier = _stored_before(stored, identity)
    if earlier:
        return earlier, question(transaction, earlier)
    applicant = applicant_from_rows(*rows)
    if applicant.employment is None:
        message = "the customer has no employment on record: add it before applying"
        raise TransitionError(message)
    terms = whole_months(request.interest_rate, request.loan_tenure_months)
    amortise(request.loan_amount, terms, add_months(ANY_DAY, -1))
    row = _new_row(transaction, request, identity) | {
        "customer_id": applicant.customer.id,
        "branch_id": applicant.customer.branch_id,
        "product_id": applicant.product_id,
    }
    # If another request stores the same key at this moment, the transaction runs again.
    transaction.add(tables.applications, row)
    transaction.audit("apply", public_id("app", row["id"]), row["branch_id"])
    return row["id"], question_about(applicant, row)


def statements_to_store(
    principal: str, request: LoanRequest, identity: RequestIdentity
) -> list[Statement]:
    """Return what is read before an application is stored."""
    key = Statement(BY_KEY, {"principal": principal, "key": identity.key})
    return [key, *applicant_statements(request.customer_id)]


def _new_row(
    transaction: Transaction, request: LoanRequest, identity: RequestIdentity
) -> dict[str, Any]:
    return {
        "id": new_id(),
        "amount": request.loan_amount,
        "months": request.loan_tenure_months,
        "annual_rate": request.interest_rate,
        "purpose": request.loan_purpose,
        "status": "pending",
        "pending_cause": UNDECIDED,
        "requested_by": transaction.principal,
        "request_key": identity.key,
        "fingerprint": f"\\x{identity.fingerprint.hex()}",
        "version": 1,
        "business_date": transaction.business_date,
        "created_at": transaction.now,
        "counter_to": identity.counter_to,
    }


def _stored_before(rows: Sequence[Any], identity: RequestIdentity) -> UUID | None:
    if not rows:
        return None
    if rows[0].fingerprint != identity.fingerprint:
        raise KeyReusedError
    identifier: UUID = rows[0].id
    return identifier


def record_decision(
    transaction: Transaction, application_id: UUID, answer: ModelDecision
) -> LoanApplicationReply:
    """Record what a model decided, unless it was decided before."""
    case = read_case(transaction, application_id, is_locked=True)
    if case.is_open:
        outcome = answer.outcome
        values = {
            "id": new_id(),
            "outcome": outcome,
            "decided_by": f"{answer.model} {answer.model_version}",
            "is_automated": True,
            "model": answer.model,
            "model_version": answer.model_version,
            "probability_of_default": Decimal(repr(answer.probability_of_default)),
            "credit_score": answer.credit_score,
            "risk_level": answer.risk_level,
            "reasons": answer.reasons,
            "contributors": answer.contributors,
            "inputs": answer.inputs,
            "policy": answer.policy,
        }
        case = add_decision(transaction, case, values)
        cause = pending_cause(answer) if outcome == "pending" else None
        case = set_status(transaction, case, outcome, cause)
    return reply_from_case(case)


def pending_cause(answer: ModelDecision) -> str:
    """Say who asks for a person."""
    if answer.decision == "refer":
        return "referred by the model"
    return "referred by policy: " + "; ".join(rule["text"] for rule in answer.policy)


def note_no_answer(
    transaction: Transaction, application_id: UUID, cause: str
) -> LoanApplicationReply:
    """Say why an application is still pending."""
    case = read_case(transaction, application_id, is_locked=True)
    if case.is_open and case.columns["pending_cause"] != cause:
        case = change_case(transaction, case, pending_cause=cause)
    return reply_from_case(case)


def withdraw(transaction: Transaction, application_id: UUID) -> LoanApplicationReply:
    """Withdraw an application that has not become a loan."""
    case = read_case(transaction, application_id, is_locked=True)
    if case.status not in {"pending", "approved"}:
        message = f"an application that is {case.status} cannot be withdrawn"
        raise TransitionError(message)
    case = set_status(transaction, case, "withdrawn")
    _audit(transaction, "withdraw", case)
    return reply_from_case(case)


def mark_accepted(transaction: Transaction, case: Case) -> None:
    """Mark an approved application as accepted.

    Raises
    ------
    TransitionError
        If there is no offer, or it has expired.
    """
    require_status(case, "approved", "there is no offer to accept")
    expires_on = case.columns["expires_on"]
    if expires_on and expires_on < transaction.business_date:
        message = f"the offer expired on {expires_on}: apply again"
        raise TransitionError(message)
    set_status(transaction, case, "accepted")


def withdraw_answered(transaction: Transaction, case: Case) -> None:
    """Withdraw the application that an accepted counter-offer answers, if it still waits."""
    if case.columns["counter_to"] is None:
        return
    answered = read_case(transaction, case.columns["counter_to"], is_locked=True)
    if answered.status == "pending":
        set_status(transaction, answered, "withdrawn")
        _audit(transaction, "withdraw", answered, {"accepted": public_id("app", case.name)})


def read_application(transaction: Transaction, application_id: UUID) -> LoanApplicationReply:
    """Return an application with what was decided on it."""
    return reply_from_case(read_case(transaction, application_id))


def _audit(
    transaction: Transaction, action: str, case: Case, detail: dict[str, Any] | None = None
) -> None:
    transaction.audit(action, public_id("app", case.name), case.columns["branch_id"], detail)


def require_version(case: Case, expected: int) -> None:
    """Refuse a change of another version than the caller has read."""
    if case.columns["version"] != expected:
        raise VersionError(case.columns["version"])


def require_status(case: Case, status: str, why: str) -> None:
    """Refuse an action that does not fit the application's status."""
    if case.status != status:
        message = f"the application is {case.status}: {why}"
        raise TransitionError(message)
