"""The 17-field application for a personal loan."""

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from models.contract import Column, Columns, CreditModel, Protected, Risk, Unit, derived
from models.policy import Cutoffs
from models.scorecard import PointsToDoubleOdds

AMORTISATION_MARKUP = 1.05  # interest as the earlier system approximated it: 5 % of the principal


class Application(CreditModel):
    """An unsecured personal loan, scored when it is applied for."""

    label: ClassVar = "default"
    label_definition: ClassVar = "the loan defaults, as its source defines it"
    horizon: ClassVar = "12 months"
    scale: ClassVar = PointsToDoubleOdds(base_score=600, base_odds=50, pdo=20)
    policy: ClassVar = Cutoffs(approve_below=0.30, decline_from=0.60)

    age: Annotated[int, Field(ge=18, le=100), Unit("years"), Protected()]
    income: Annotated[float, Field(ge=1, le=1e7), Unit("currency a year"), Risk(-1)]
    employment_length: Annotated[float, Field(ge=0, le=60), Unit("years"), Risk(-1)]
    credit_score: Annotated[int, Field(ge=300, le=850), Unit("points of a bureau"), Risk(-1)]
    num_credit_lines: Annotated[int, Field(ge=0, le=100)]
    credit_utilization: Annotated[float, Field(ge=0, le=1), Unit("share of limits"), Risk(+1)]
    debt_to_income: Annotated[float, Field(ge=0, le=1), Unit("share of income"), Risk(+1)]
    total_debt: Annotated[float, Field(ge=0, le=1e7), Unit("currency")]
    savings: Annotated[float, Field(ge=0, le=1e8), Unit("currency"), Risk(-1)]
    loan_amount: Annotated[float, Field(gt=0, le=1e7), Unit("currency"), Risk(+1)]
    loan_term: Annotated[int, Field(ge=1, le=120), Unit("months")]
    num_late_payments: Annotated[int, Field(ge=0, le=100), Risk(+1)]
    num_bankruptcies: Annotated[int, Field(ge=0, le=10), Risk(+1)]
    inquiries_last_6m: Annotated[int, Field(ge=0, le=100), Risk(+1)]
    employment_status: Literal["employed", "self_employed", "unemployed", "retired"]
    home_ownership: Literal["mortgage", "rent", "own", "other"]
    loan_purpose: Literal[
        "debt_consolidation", "credit_card", "home_improvement", "business", "medical", "other"
    ]

    @derived(Unit("currency a month"), Risk(+1))
    def monthly_payment(columns: Columns) -> Column:  # noqa: N805 -- becomes a Derived, not a method
        """Instalment a month, in whole currency units."""
        return np.trunc(columns["loan_amount"] / columns["loan_term"] * AMORTISATION_MARKUP)

    @derived(Unit("share of income"), Risk(+1))
    def payment_to_income(columns: Columns) -> Column:  # noqa: N805 -- becomes a Derived
        """Instalments of a year as a share of income, at most 1."""
        return np.clip(12 * columns["monthly_payment"] / columns["income"], 0, 1)
