"""What a model is asked: an application as a row, from what is stored and nothing else."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from functions.lending.actions.customers import age_on, find_customer, newest_employment
from functions.lending.errors import NotInBookError
from functions.lending.storage import tables
from functions.lending.storage.identifiers import public_id
from functions.lending.storage.transaction import Transaction
from models.lending.money import ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringQuestion:
    """One row for the scoring function; the key is the application, so asking again is safe."""

    key: str
    customer_id: int
    row: dict[str, Any]


def question(transaction: Transaction, application_id: UUID) -> ScoringQuestion | None:
    """Return what to ask about an application; None if it is decided or withdrawn."""
    table = tables.applications
    application = transaction.connection.execute(
        select(table).where(table.c.id == application_id)
    ).first()
    if application is None:
        what = "application"
        raise NotInBookError(what)
    decided = select(tables.decisions.c.id).where(
        tables.decisions.c.application_id == application_id
    )
    is_decided = transaction.connection.execute(decided).first() is not None
    employment = newest_employment(transaction, application.customer_id)
    if application.status != "pending" or is_decided or employment is None:
        return None
    customer = find_customer(transaction, application.customer_id)
    row = {
        "age": age_on(customer.date_of_birth, application.business_date),
        "employment_type": employment.employment_type,
        "years_of_experience": float(employment.years_of_experience),
        "monthly_income": float(employment.monthly_income),
        "other_instalments": float(_other_instalments(transaction, application.customer_id)),
        "loan_amount": float(application.amount),
        "loan_tenure_months": application.months,
        "interest_rate": float(application.annual_rate),
        "loan_purpose": application.purpose,
    }
    return ScoringQuestion(
        key=public_id("app", application_id), customer_id=application.customer_id, row=row
    )


def _other_instalments(transaction: Transaction, customer_id: int) -> Any:  # noqa: ANN401 -- a Decimal
    """Return the instalments of the customer's loans that are not repaid."""
    loans = tables.loans
    query = select(func.coalesce(func.sum(loans.c.equal_instalment), ZERO)).where(
        loans.c.customer_id == customer_id, loans.c.status.in_(("granted", "active"))
    )
    return transaction.connection.execute(query).scalar_one()
