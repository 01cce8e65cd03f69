"""What a model is asked: an application as a row, from what is stored and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from functions.lending.actions.applicants import Applicant, read_applicant
from functions.lending.actions.cases import read_case
from functions.lending.actions.customers import age_on
from functions.lending.storage.identifiers import public_id
from functions.lending.storage.transaction import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringQuestion:
    """One row for the scoring function; the key is the application, so asking again is safe."""

    key: str
    application_id: UUID
    customer_id: int
    row: dict[str, Any]


class ScoredTerms(NamedTuple):
    """What the model says of an application at other terms."""

    probability_of_default: float
    credit_score: int
    is_approved: bool


def question(transaction: Transaction, application_id: UUID) -> ScoringQuestion | None:
    """Return what to ask about an application; None if it is decided or withdrawn."""
    case = read_case(transaction, application_id)
    if not case.is_open or case.decisions:
        return None
    applicant = read_applicant(transaction, case.columns["customer_id"])
    return question_about(applicant, case.columns)


def question_about(applicant: Applicant, application: Mapping[str, Any]) -> ScoringQuestion:
    """Return what to ask about an open application of somebody with an employment."""
    customer, employment = applicant.customer, applicant.employment
    if employment is None:
        raise AssertionError
    row = {
        "age": age_on(customer.date_of_birth, application["business_date"]),
        "employment_type": employment.employment_type,
        "years_of_experience": float(employment.years_of_experience),
        "monthly_income": float(employment.monthly_income),
        "other_instalments": float(applicant.other_instalments),
        "loan_amount": float(application["amount"]),
        "loan_tenure_months": application["months"],
        "interest_rate": float(application["annual_rate"]),
        "loan_purpose": application["purpose"],
    }
    identifier = application["id"]
    return ScoringQuestion(
        key=public_id("app", identifier),
        application_id=identifier,
        customer_id=customer.id,
        row=row,
    )
