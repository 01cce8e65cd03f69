"""Rows of external checks: what was answered before, what may be sent, what is answered now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from functions.lending.actions.replies import CheckReply, ChecksReply
from functions.lending.checks.adapter import CheckAnswer
from functions.lending.checks.declarations import CheckDeclaration
from functions.lending.errors import NotInBookError
from functions.lending.storage import case_tables
from functions.lending.storage.identifiers import new_id, public_id
from functions.lending.storage.round_trips import Statement, send
from functions.lending.storage.transaction import Transaction

ANSWERED = """
SELECT DISTINCT ON (name) name, outcome, detail, http_status, members, created_at,
    count(*) OVER (PARTITION BY name) AS answers
FROM external_checks WHERE application_id = %(application)s AND outcome = 'answered'
ORDER BY name, created_at DESC
"""
FACTS = """
SELECT c.full_name, c.date_of_birth, c.email, c.phone, c.city, c.state, k.identity_type,
    k.last_four AS identity_last_four, e.employer_name, e.monthly_income,
    a.amount AS loan_amount, a.months AS loan_tenure_months, a.purpose AS loan_purpose
FROM applications a JOIN customers c ON c.id = a.customer_id
    LEFT JOIN LATERAL (SELECT identity_type, last_four FROM kyc
        WHERE customer_id = c.id ORDER BY version DESC LIMIT 1) k ON true
    LEFT JOIN LATERAL (SELECT employer_name, monthly_income FROM employment
        WHERE customer_id = c.id ORDER BY version DESC LIMIT 1) e ON true
WHERE a.id = %(application)s
"""
OWNER = "SELECT customer_id, branch_id FROM applications WHERE id = %(application)s"
ALL = """
SELECT name, outcome, detail, http_status, members, asked_by, created_at FROM external_checks
    WHERE application_id = %(application)s ORDER BY created_at, name
"""


@dataclass(frozen=True, slots=True)
class EarlierAnswer:
    """What a check answered last, when, and which answer it was, counted from 1."""

    answer: CheckAnswer
    at: datetime
    number: int


@dataclass(frozen=True, slots=True)
class CheckSubject:
    """Whom checks are asked about: the facts that may be sent, and what was answered before."""

    facts: Mapping[str, Any]
    earlier: Mapping[str, EarlierAnswer]

    def valid_answer(self, declaration: CheckDeclaration, now: datetime) -> CheckAnswer | None:
        """Return what was answered before, unless it is too old to be used."""
        earlier = self.earlier.get(declaration.name)
        if earlier is None or now - earlier.at > timedelta(days=declaration.valid_days):
            return None
        return earlier.answer

    def question_key(self, name: str, key: str) -> str:
        """Return the key of the next question: another one once there was an answer."""
        earlier = self.earlier.get(name)
        return key if earlier is None else f"{key}:{earlier.number + 1}"

    def facts_for(self, names: Sequence[str]) -> dict[str, Any]:
        """Return the facts of these names, as JSON has them."""
        return {name: _json(self.facts[name]) for name in names}


def read_subject(application_id: UUID, transaction: Transaction) -> CheckSubject:
    """Read what checks need of an application."""
    values = {"application": application_id}
    facts, answers = send(
        transaction.connection, [Statement(FACTS, values), Statement(ANSWERED, values)]
    )
    earlier = {row.name: _earlier_answer(row) for row in answers}
    return CheckSubject(facts[0]._asdict(), earlier)


def _earlier_answer(row: Any) -> EarlierAnswer:  # noqa: ANN401 -- a row
    answer = CheckAnswer(
        name=row.name,
        outcome=row.outcome,
        detail=row.detail,
        status=row.http_status,
        members=row.members,
    )
    return EarlierAnswer(answer, row.created_at, row.answers)


def add_answers(
    application_id: UUID, answers: Sequence[CheckAnswer], transaction: Transaction
) -> None:
    """Append what came of asking, usable or not, and say in the audit that facts were sent."""
    [[owner]] = send(transaction.connection, [Statement(OWNER, {"application": application_id})])
    rows = [
        {
            "id": new_id(),
            "application_id": application_id,
            "customer_id": owner.customer_id,
            "branch_id": owner.branch_id,
            "name": answer.name,
            "outcome": answer.outcome,
            "detail": answer.detail,
            "http_status": answer.status,
            "members": dict(answer.members),
            "asked_by": transaction.principal,
            "created_at": transaction.now,
        }
        for answer in answers
    ]
    transaction.add(case_tables.external_checks, *rows)
    detail = {"checks": {answer.name: answer.outcome for answer in answers}}
    transaction.audit("check", public_id("app", application_id), owner.branch_id, detail)


def read_checks(transaction: Transaction, application_id: UUID) -> ChecksReply:
    """Return everything that external checks answered about an application, oldest first.

    Raises
    ------
    NotInBookError
        If there is no such application, or the caller may not see it.
    """
    values = {"application": application_id}
    owner, rows = send(transaction.connection, [Statement(OWNER, values), Statement(ALL, values)])
    if not owner:
        what = "application"
        raise NotInBookError(what)
    name = public_id("app", application_id)
    transaction.audit("read checks", name, owner[0].branch_id)
    checks = [CheckReply(**row._asdict()) for row in rows]  # type: ignore[typeddict-item]
    return {"application_id": name, "checks": checks}


def _json(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, date) else value
