"""Cases: an application with what was decided on it, read at once, changed, and shown."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

from functions.lending.actions.replies import FactorsReply, LoanApplicationReply
from functions.lending.errors import NotInBookError
from functions.lending.storage import tables
from functions.lending.storage.identifiers import public_id
from functions.lending.storage.round_trips import Statement, column_names, update_row
from functions.lending.storage.transaction import Transaction
from models.lending.ratios import debt_to_income_percent, loan_to_income
from models.lending.schedule import equal_instalment
from models.lending.terms import LoanTerms

ANY_DAY = date(2000, 1, 1)  # an equal instalment depends on no date
BY_MODEL = {
    "approved": "Approve: the probability of default is below the limit",
    "rejected": "Decline: the probability of default is at or above the limit",
}
BY_PERSON = {"approved": "Approve: a person decided so", "rejected": "Decline: a person decided so"}
RECOMMENDATIONS = {
    "pending": "Review: a person decides",
    "accepted": "The offer was accepted",
    "expired": "The offer has expired: apply again",
    "withdrawn": "The application was withdrawn",
}
# One is chosen by equality: for a list the database would plan each time.
ONE, SEVERAL = "= %(chosen)s", "= ANY(%(chosen)s)"
LOCK = "FOR UPDATE OF a"
APPLICATIONS = """
SELECT {columns}, p.offer_days, p.second_person_above FROM applications a
    JOIN products p ON p.id = a.product_id
    WHERE a.id {chosen} ORDER BY a.id DESC
"""
DECISIONS = "SELECT {columns} FROM decisions WHERE application_id {chosen} ORDER BY created_at"
INCOMES = """
SELECT DISTINCT ON (customer_id) customer_id, monthly_income FROM employment
    WHERE customer_id IN (SELECT customer_id FROM applications WHERE id {chosen})
    ORDER BY customer_id, version DESC
"""


@dataclass(frozen=True, slots=True)
class Case:
    """One application by its columns, its decisions, and the income that its customer has now."""

    columns: Mapping[str, Any]
    decisions: tuple[Mapping[str, Any], ...]
    monthly_income: Decimal

    @property
    def name(self) -> UUID:
        """The key of the application."""
        identifier: UUID = self.columns["id"]
        return identifier

    @property
    def status(self) -> str:
        """What has become of it."""
        status: str = self.columns["status"]
        return status

    @property
    def automated(self) -> Mapping[str, Any] | None:
        """What a model decided."""
        return next((d for d in self.decisions if d["is_automated"]), None)

    @property
    def is_open(self) -> bool:
        """Whether a model may still decide."""
        return self.status == "pending" and self.automated is None

    @property
    def instalment(self) -> Decimal:
        """The equal instalment of what is applied for."""
        terms = (self.columns[name] for name in ("amount", "annual_rate", "months"))
        return instalment_from_terms(*terms)


def read_case(transaction: Transaction, application_id: UUID, *, is_locked: bool = False) -> Case:
    """Read one application, which nobody else changes until the commit if it is locked.

    Raises
    ------
    NotInBookError
        If there is none, or the caller may not see it.
    """
    statements = case_statements(application_id, is_locked=is_locked)
    cases = _cases(transaction.read(statements))
    if not cases:
        what = "application"
        raise NotInBookError(what)
    return cases[0]


def read_cases(transaction: Transaction, names: Sequence[UUID]) -> list[Case]:
    """Read some applications, the newest first."""
    if not names:
        return []
    statements = [Statement(text, {"chosen": list(names)}) for text in _texts(SEVERAL)]
    return _cases(transaction.read(statements))


def case_statements(application_id: UUID, *, is_locked: bool = False) -> list[Statement]:
    """Return what reads one application, the lock first."""
    texts = _texts(ONE, LOCK if is_locked else "")
    return [Statement(text, {"chosen": application_id}) for text in texts]


@cache
def _texts(chosen: str, lock: str = "") -> tuple[str, ...]:
    columns = column_names(tables.applications, "a.")
    return (
        APPLICATIONS.format(columns=columns, chosen=chosen) + lock,
        DECISIONS.format(columns=column_names(tables.decisions), chosen=chosen),
        INCOMES.format(chosen=chosen),
    )


def _cases(read: Sequence[list[Any]]) -> list[Case]:
    # What is read after the lock is what whoever held it before has committed.
    rows, decisions, incomes = read
    income = {row.customer_id: row.monthly_income for row in incomes}
    return [
        Case(row._asdict(), _decisions(decisions, row.id), income[row.customer_id]) for row in rows
    ]


def _decisions(rows: Iterable[Any], application_id: UUID) -> tuple[Mapping[str, Any], ...]:
    return tuple(row._asdict() for row in rows if row.application_id == application_id)


def change_case(transaction: Transaction, case: Case, **values: Any) -> Case:  # noqa: ANN401 -- columns
    """Change columns of a locked application."""
    transaction.change(update_row(tables.applications, "id", case.name, values))
    return replace(case, columns={**case.columns, **values})


def set_status(transaction: Transaction, case: Case, status: str, cause: str | None = None) -> Case:
    """Move a locked application on; an approved one is an offer for some days."""
    values = {"status": status, "pending_cause": cause, "version": case.columns["version"] + 1}
    if status == "approved":
        days = timedelta(days=case.columns["offer_days"])
        values["expires_on"] = transaction.business_date + days
    return change_case(transaction, case, **values)


def add_decision(transaction: Transaction, case: Case, values: Mapping[str, Any]) -> Case:
    """Record a decision."""
    names = ("customer_id", "branch_id")
    row = {name: case.columns[name] for name in names} | {"application_id": case.name}
    row |= {"reasons": [], "contributors": [], "inputs": {}, "created_at": transaction.now}
    row |= {"policy": []}
    decision = {**row, **values, "factors": factors_of_case(case)}
    transaction.add(tables.decisions, decision)
    return replace(case, decisions=(*case.decisions, decision))


def instalment_from_terms(amount: Decimal, rate: Decimal, months: int) -> Decimal:
    """Return the equal instalment of whole months; the due day does not change it."""
    return equal_instalment(amount, whole_months(rate, months))


def whole_months(rate: Decimal, months: int) -> LoanTerms:
    """Return terms whose due dates do not matter."""
    return LoanTerms(annual_rate_percent=rate, months=months, first_due_on=ANY_DAY)


def factors_of_case(case: Case) -> FactorsReply:
    """Return the ratios by which a lender looks at an application."""
    income = case.monthly_income
    return {
        "debt_to_income_ratio": float(debt_to_income_percent(case.instalment, income)),
        "loan_to_income_ratio": float(loan_to_income(case.columns["amount"], 12 * income)),
        "monthly_income": float(income),
    }


def recommendation(case: Case) -> str:
    """Say what is recommended, and by whom: model, policy or person."""
    if case.status in RECOMMENDATIONS:
        return RECOMMENDATIONS[case.status]
    last = case.decisions[-1]
    if not last["is_automated"]:
        return BY_PERSON[case.status]
    declining = [rule["text"] for rule in last["policy"] if rule["outcome"] == "decline"]
    if case.status == "rejected" and declining:
        return f"Decline: {'; '.join(declining)}"
    return BY_MODEL[case.status]


def reply_from_case(case: Case) -> LoanApplicationReply:
    """Return an application as callers see it: the model's figures, the last one's outcome."""
    columns, decisions, automated = case.columns, case.decisions, case.automated
    probability = float(automated["probability_of_default"]) if automated else None
    status: Any = case.status.capitalize()
    counter_to = columns["counter_to"]
    return {
        "application_id": public_id("app", case.name),
        "customer_id": columns["customer_id"],
        "loan_amount": float(columns["amount"]),
        "loan_tenure_months": columns["months"],
        "interest_rate": float(columns["annual_rate"]),
        "loan_purpose": columns["purpose"],
        "equal_instalment": float(case.instalment),
        "status": status,
        "pending_cause": columns["pending_cause"],
        "credit_score": automated["credit_score"] if automated else None,
        "risk_probability": probability,
        "risk_level": automated["risk_level"] if automated else None,
        "recommendation": recommendation(case),
        "model_confidence": max(probability, 1 - probability) if probability else None,
        "model": automated["model"] if automated else None,
        "model_version": automated["model_version"] if automated else None,
        "decided_by": decisions[-1]["decided_by"] if decisions else None,
        "reasons": automated["reasons"] if automated else [],
        "contributors": automated["contributors"] if automated else [],
        "policy": automated["policy"] if automated else [],
        "factors": decisions[0]["factors"] if decisions else factors_of_case(case),
        "expires_on": columns["expires_on"],
        "version": columns["version"],
        "business_date": columns["business_date"],
        "created_at": columns["created_at"],
        "counter_to": public_id("app", counter_to) if counter_to else None,
    }
