"""An application as the row that the credit model is asked about."""

from datetime import date
from decimal import Decimal
from typing import Any

from functions.client.endpoints import Applications
from functions.client.lending_responses import CustomerDetail, LoanApplicationReply, LoanReply
from models.lending.dates import first_due_date
from models.lending.money import ZERO
from models.lending.schedule import Schedule, amortise, equal_instalment
from models.lending.terms import LoanTerms

MODEL = "instalment"
PURPOSES = (
    *("Home Renovation", "Education", "Medical", "Business", "Vehicle", "Wedding"),
    *("Debt Consolidation", "Personal"),
)
EMPLOYMENTS = ("salaried", "self_employed", "business", "contract", "retired")
COUNTED = ("granted", "active")
ANY_DAY = date(2000, 1, 1)


def live_instalment(amount: Decimal, rate: Decimal, months: int) -> Decimal:
    """Return the equal instalment of an offer, by the function that the loan book uses."""
    return equal_instalment(
        amount, LoanTerms(annual_rate_percent=rate, months=months, first_due_on=ANY_DAY)
    )


def offered_schedule(application: LoanApplicationReply, day: date) -> Schedule:
    """Return the schedule of an offer that is paid out on a day and due on that day of a month."""
    due_day = day.day
    terms = LoanTerms(
        annual_rate_percent=Decimal(str(application.interest_rate)),
        months=application.loan_tenure_months,
        first_due_on=first_due_date(day, due_day),
        due_day=due_day,
    )
    return amortise(Decimal(str(application.loan_amount)), terms, day)


def other_instalments(loans: tuple[LoanReply, ...] | list[LoanReply]) -> Decimal:
    """Return what a customer pays each month for loans that are not repaid."""
    amounts = [Decimal(str(loan.equal_instalment)) for loan in loans if loan.status in COUNTED]
    return sum(amounts, ZERO)


def age_on(born: date, day: date) -> int:
    """Return full years of age on a day."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def row_from_terms(customer: CustomerDetail, obligations: Decimal, **terms: Any) -> dict[str, Any]:  # noqa: ANN401 -- of several types
    """Return a row: `terms` are the business date and the four terms that are applied for."""
    employment = customer.employment
    if employment is None:
        raise AssertionError
    day: date = terms.pop("business_date")
    return {
        "age": age_on(customer.date_of_birth, day),
        "employment_type": employment.employment_type,
        "years_of_experience": employment.years_of_experience,
        "monthly_income": employment.monthly_income,
        "other_instalments": float(obligations),
        **terms,
    }


def row_from_application(
    customer: CustomerDetail, application: LoanApplicationReply, obligations: Decimal
) -> dict[str, Any]:
    """Return the row of an application that was made."""
    return row_from_terms(
        customer,
        obligations,
        business_date=application.business_date,
        loan_amount=application.loan_amount,
        loan_tenure_months=application.loan_tenure_months,
        interest_rate=application.interest_rate,
        loan_purpose=application.loan_purpose,
    )


def applications_from_row(row: dict[str, Any]) -> Applications:
    """Return the row as what the client's requests take."""
    return Applications([row], MODEL)
