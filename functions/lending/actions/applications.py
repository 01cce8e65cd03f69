"""Applications: stored before anybody decides, decided once by a model, or by a person."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from functions.lending.actions.customers import find_customer, newest_employment
from functions.lending.actions.replies import FactorsReply, LoanApplicationReply
from functions.lending.errors import (
    KeyReusedError,
    NotInBookError,
    TransitionError,
    VersionError,
)
from functions.lending.requests import LoanRequest, Review
from functions.lending.storage import tables
from functions.lending.storage.identifiers import new_id, public_id
from functions.lending.storage.transaction import Transaction
from models.lending.dates import add_months
from models.lending.ratios import debt_to_income_percent, loan_to_income
from models.lending.schedule import amortise, equal_instalment
from models.lending.terms import LoanTerms

ANY_DAY = date(2000, 1, 1)  # an equal instalment depends on no date
UNDECIDED = "not decided yet"
OUTCOMES = {"approve": "approved", "refer": "pending", "decline": "rejected"}
RECOMMENDATIONS = {
    "approved": "Approve: the probability of default is below the limit",
    "pending": "Review: a person decides",
    "rejected": "Decline: the probability of default is at or above the limit",
    "accepted": "The offer was accepted",
    "expired": "The offer has expired: apply again",
    "withdrawn": "The application was withdrawn",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestIdentity:
    """The caller's own key of an application, if it sent one, and the request's fingerprint."""

    key: str | None
    fingerprint: bytes


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


def store_application(
    transaction: Transaction, request: LoanRequest, identity: RequestIdentity
) -> UUID:
    """Store an application as pending, or find the one that this key stands for.

    Raises
    ------
    TransitionError
        If the customer has no employment: no ratio can be computed.
    TermsError
        If nobody could repay at these terms.
    """
    earlier = _by_key(transaction, identity)
    if earlier:
        return earlier
    customer = find_customer(transaction, request.customer_id)
    product = newest_product(transaction)
    if newest_employment(transaction, request.customer_id) is None:
        message = "the customer has no employment on record: add it before applying"
        raise TransitionError(message)
    terms = _terms(request.interest_rate, request.loan_tenure_months)
    amortise(request.loan_amount, terms, add_months(ANY_DAY, -1))
    row = {
        "id": new_id(),
        "customer_id": customer.id,
        "branch_id": customer.branch_id,
        "product_id": product.id,
        "amount": request.loan_amount,
        "months": request.loan_tenure_months,
        "annual_rate": request.interest_rate,
        "purpose": request.loan_purpose,
    }
    application_id = _insert(transaction, row, identity)
    transaction.audit("apply", public_id("app", application_id), customer.branch_id)
    return application_id


def _insert(transaction: Transaction, terms: dict[str, Any], identity: RequestIdentity) -> UUID:
    row = {
        **terms,
        "status": "pending",
        "pending_cause": UNDECIDED,
        "requested_by": transaction.principal,
        "request_key": identity.key,
        "fingerprint": identity.fingerprint,
        "version": 1,
        "business_date": transaction.business_date,
        "created_at": transaction.now,
    }
    table = tables.applications
    on_key = [table.c.requested_by, table.c.request_key]
    statement = upsert(table).values(**row).on_conflict_do_nothing(index_elements=on_key)
    inserted: UUID | None = transaction.connection.execute(
        statement.returning(table.c.id)
    ).scalar_one_or_none()
    # Somebody else inserted it at this moment, with the same key: it is there by now.
    application_id = inserted or _by_key(transaction, identity)
    if application_id is None:
        raise AssertionError
    return application_id


def _by_key(transaction: Transaction, identity: RequestIdentity) -> UUID | None:
    if identity.key is None:
        return None
    table = tables.applications
    query = select(table.c.id, table.c.fingerprint).where(
        table.c.requested_by == transaction.principal, table.c.request_key == identity.key
    )
    row = transaction.connection.execute(query).first()
    if row is None:
        return None
    if row.fingerprint != identity.fingerprint:
        raise KeyReusedError
    identifier: UUID = row.id
    return identifier


def newest_product(transaction: Transaction) -> Row[Any]:
    """Return the product that new loans belong to."""
    table = tables.products
    query = select(table).order_by(table.c.code, table.c.version.desc()).limit(1)
    row = transaction.connection.execute(query).first()
    if row is None:
        what = "product"
        raise NotInBookError(what)
    return row


def instalment_from_terms(amount: Decimal, rate: Decimal, months: int) -> Decimal:
    """Return the equal instalment of whole months; the due day does not change it."""
    return equal_instalment(amount, _terms(rate, months))


def _terms(rate: Decimal, months: int) -> LoanTerms:
    return LoanTerms(annual_rate_percent=rate, months=months, first_due_on=ANY_DAY)


def lock_application(transaction: Transaction, application_id: UUID) -> Row[Any]:
    """Return an application that nobody else changes until the commit."""
    table = tables.applications
    query = select(table).where(table.c.id == application_id).with_for_update()
    row = transaction.connection.execute(query).first()
    if row is None:
        what = "application"
        raise NotInBookError(what)
    return row


def record_decision(
    transaction: Transaction, application_id: UUID, answer: ModelDecision
) -> LoanApplicationReply:
    """Record what a model decided, unless it was decided before."""
    row = lock_application(transaction, application_id)
    if row.status == "pending" and not _has_automated(transaction, application_id):
        outcome = OUTCOMES[answer.decision]
        values = {
            **_decision_scope(transaction, row, outcome),
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
            "factors": dict(_factors(transaction, row)),
        }
        transaction.connection.execute(insert(tables.decisions), values)
        cause = "referred by the model" if outcome == "pending" else None
        _set_status(transaction, row, outcome, cause)
    return read_application(transaction, application_id)


def note_no_answer(
    transaction: Transaction, application_id: UUID, cause: str
) -> LoanApplicationReply:
    """Say why an application is still pending."""
    row = lock_application(transaction, application_id)
    is_open = row.status == "pending" and not _has_automated(transaction, application_id)
    if is_open and row.pending_cause != cause:
        table = tables.applications
        statement = update(table).where(table.c.id == application_id)
        transaction.connection.execute(statement.values(pending_cause=cause))
    return read_application(transaction, application_id)


def review(
    transaction: Transaction, application_id: UUID, outcome: str, request: Review, expected: int
) -> LoanApplicationReply:
    """Record a person's decision; an offer that was accepted stays.

    Raises
    ------
    TransitionError
        If the application is not pending.
    """
    row = lock_application(transaction, application_id)
    _require_version(row, expected)
    _require_status(row, "pending", "a person decides on pending applications only")
    values = {
        **_decision_scope(transaction, row, outcome),
        "decided_by": transaction.principal,
        "is_automated": False,
        "code": request.code,
        "note": request.note,
        "factors": dict(_factors(transaction, row)),
    }
    transaction.connection.execute(insert(tables.decisions), values)
    _set_status(transaction, row, outcome, None)
    detail = {"outcome": outcome, "code": request.code}
    transaction.audit("review", public_id("app", application_id), row.branch_id, detail)
    return read_application(transaction, application_id)


def withdraw(transaction: Transaction, application_id: UUID) -> LoanApplicationReply:
    """Withdraw an application that has not become a loan."""
    row = lock_application(transaction, application_id)
    if row.status not in {"pending", "approved"}:
        message = f"an application that is {row.status} cannot be withdrawn"
        raise TransitionError(message)
    _set_status(transaction, row, "withdrawn", None)
    transaction.audit("withdraw", public_id("app", application_id), row.branch_id)
    return read_application(transaction, application_id)


def mark_accepted(transaction: Transaction, row: Row[Any]) -> None:
    """Mark an approved application as accepted.

    Raises
    ------
    TransitionError
        If there is no offer, or it has expired.
    """
    _require_status(row, "approved", "there is no offer to accept")
    if row.expires_on and row.expires_on < transaction.business_date:
        message = f"the offer expired on {row.expires_on}: apply again"
        raise TransitionError(message)
    _set_status(transaction, row, "accepted", None)


def read_application(transaction: Transaction, application_id: UUID) -> LoanApplicationReply:
    """Return an application with what was decided on it."""
    query = select(tables.applications).where(tables.applications.c.id == application_id)
    row = transaction.connection.execute(query).first()
    if row is None:
        what = "application"
        raise NotInBookError(what)
    return reply_from_row(transaction, row)


def reply_from_row(transaction: Transaction, row: Row[Any]) -> LoanApplicationReply:
    """Return an application as callers see it: the model's figures, the last one's outcome."""
    table = tables.decisions
    query = select(table).where(table.c.application_id == row.id).order_by(table.c.created_at)
    decisions = transaction.connection.execute(query).all()
    automated: Any = next((d for d in decisions if d.is_automated), None)
    probability = float(automated.probability_of_default) if automated else None
    instalment = instalment_from_terms(row.amount, row.annual_rate, row.months)
    return {
        "application_id": public_id("app", row.id),
        "customer_id": row.customer_id,
        "loan_amount": float(row.amount),
        "loan_tenure_months": row.months,
        "interest_rate": float(row.annual_rate),
        "loan_purpose": row.purpose,
        "equal_instalment": float(instalment),
        "status": row.status.capitalize(),
        "pending_cause": row.pending_cause,
        "credit_score": automated.credit_score if automated else None,
        "risk_probability": probability,
        "risk_level": automated.risk_level if automated else None,
        "recommendation": RECOMMENDATIONS[row.status],
        "model_confidence": max(probability, 1 - probability) if probability else None,
        "model": automated.model if automated else None,
        "model_version": automated.model_version if automated else None,
        "decided_by": decisions[-1].decided_by if decisions else None,
        "reasons": automated.reasons if automated else [],
        "contributors": automated.contributors if automated else [],
        "factors": decisions[0].factors if decisions else _factors(transaction, row),
        "expires_on": row.expires_on,
        "version": row.version,
        "business_date": row.business_date,
        "created_at": row.created_at,
    }


def _factors(transaction: Transaction, row: Row[Any]) -> FactorsReply:
    employment = newest_employment(transaction, row.customer_id)
    if employment is None:
        raise AssertionError
    income = employment.monthly_income
    instalment = instalment_from_terms(row.amount, row.annual_rate, row.months)
    return {
        "debt_to_income_ratio": float(debt_to_income_percent(instalment, income)),
        "loan_to_income_ratio": float(loan_to_income(row.amount, 12 * income)),
        "monthly_income": float(income),
    }


def _decision_scope(transaction: Transaction, row: Row[Any], outcome: str) -> dict[str, Any]:
    return {
        "id": new_id(),
        "application_id": row.id,
        "customer_id": row.customer_id,
        "branch_id": row.branch_id,
        "outcome": outcome,
        "reasons": [],
        "contributors": [],
        "inputs": {},
        "created_at": transaction.now,
    }


def _has_automated(transaction: Transaction, application_id: UUID) -> bool:
    table = tables.decisions
    query = select(table.c.id).where(table.c.application_id == application_id)
    return transaction.connection.execute(query.where(table.c.is_automated)).first() is not None


def _set_status(transaction: Transaction, row: Row[Any], status: str, cause: str | None) -> None:
    values: dict[str, Any] = {"status": status, "pending_cause": cause, "version": row.version + 1}
    if status == "approved":
        days = _offer_days(transaction, row.product_id)
        values["expires_on"] = transaction.business_date + timedelta(days=days)
    statement = update(tables.applications).where(tables.applications.c.id == row.id)
    transaction.connection.execute(statement.values(values))


def _offer_days(transaction: Transaction, product_id: int) -> int:
    query = select(tables.products.c.offer_days).where(tables.products.c.id == product_id)
    days: int = transaction.connection.execute(query).scalar_one()
    return days


def _require_version(row: Row[Any], expected: int) -> None:
    if row.version != expected:
        raise VersionError(row.version)


def _require_status(row: Row[Any], status: str, why: str) -> None:
    if row.status != status:
        message = f"the application is {row.status}: {why}"
        raise TransitionError(message)
