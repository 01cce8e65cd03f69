"""The application contract as the checking peers share it: pydantic models, and rows for trees."""

from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

EMPLOYMENT = ("employed", "self_employed", "unemployed", "retired")
HOME = ("mortgage", "rent", "own", "other")
PURPOSE = ("debt_consolidation", "credit_card", "home_improvement", "business", "medical", "other")


class Application(BaseModel):
    """Types, bounds and levels of the 17 fields."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

    age: Annotated[int, Field(ge=18, le=100)]
    income: Annotated[float, Field(ge=1, le=1e7)]
    employment_length: Annotated[float, Field(ge=0, le=60)]
    credit_score: Annotated[int, Field(ge=300, le=850)]
    num_credit_lines: Annotated[int, Field(ge=0, le=100)]
    credit_utilization: Annotated[float, Field(ge=0, le=1)]
    debt_to_income: Annotated[float, Field(ge=0, le=1)]
    total_debt: Annotated[float, Field(ge=0, le=1e7)]
    savings: Annotated[float, Field(ge=0, le=1e8)]
    loan_amount: Annotated[float, Field(gt=0, le=1e7)]
    loan_term: Annotated[int, Field(ge=1, le=120)]
    num_late_payments: Annotated[int, Field(ge=0, le=100)]
    num_bankruptcies: Annotated[int, Field(ge=0, le=10)]
    inquiries_last_6m: Annotated[int, Field(ge=0, le=100)]
    employment_status: Literal["employed", "self_employed", "unemployed", "retired"]
    home_ownership: Literal["mortgage", "rent", "own", "other"]
    loan_purpose: Literal[
        "debt_consolidation", "credit_card", "home_improvement", "business", "medical", "other"
    ]


class Batch(BaseModel):
    """Up to 1,000 of them."""

    model_config = ConfigDict(strict=True, extra="forbid")

    instances: Annotated[list[Application], Field(min_length=1, max_length=1_000)]


def matrix(applications: list[Application]) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
    """One row an application, levels as 0 and 1, as the trees were fitted."""
    return np.array([_row(application) for application in applications])


def _row(a: Application) -> list[float]:
    payment = float(int(a.loan_amount / a.loan_term * 1.05))
    return [
        *(a.income, a.employment_length, a.credit_score, a.num_credit_lines),
        *(a.credit_utilization, a.debt_to_income, a.total_debt, a.savings, a.loan_amount),
        *(a.loan_term, a.num_late_payments, a.num_bankruptcies, a.inquiries_last_6m),
        *(float(a.employment_status == level) for level in EMPLOYMENT),
        *(float(a.home_ownership == level) for level in HOME),
        *(float(a.loan_purpose == level) for level in PURPOSE),
        *(payment, min(12 * payment / a.income, 1.0)),
    ]
