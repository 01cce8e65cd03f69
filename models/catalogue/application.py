"""Credit model `application`: a personal loan, with 17 fields."""

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import ConfigDict, Field

from models.annotations import Changeable, Column, Columns, Protected, Reason, Risk, Unit, derived
from models.contract import CreditModel
from models.policy import Cutoffs
from models.score_scale import PointsToDoubleOdds

AMORTISATION_MARKUP = 1.05  # the earlier system approximated interest as 5 % of the principal


class Application(CreditModel):
    """An unsecured personal loan, scored when it is applied for."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "age": 45,
                    "income": 75000,
                    "employment_length": 10,
                    "credit_score": 720,
                    "num_credit_lines": 5,
                    "credit_utilization": 0.3,
                    "debt_to_income": 0.35,
                    "total_debt": 25000,
                    "savings": 15000,
                    "loan_amount": 20000,
                    "loan_term": 36,
                    "num_late_payments": 0,
                    "num_bankruptcies": 0,
                    "inquiries_last_6m": 1,
                    "employment_status": "employed",
                    "home_ownership": "mortgage",
                    "loan_purpose": "debt_consolidation",
                }
            ]
        }
    )

    label: ClassVar = "default"
    label_definition: ClassVar = "the loan defaults, as its source defines it"
    horizon: ClassVar = "12 months"
    scale: ClassVar = PointsToDoubleOdds(base_score=600, base_odds=50, pdo=20)
    policy: ClassVar = Cutoffs(approve_below=0.30, decline_from=0.60)

    age: Annotated[int, Field(ge=18, le=100), Unit("years"), Protected()]
    income: Annotated[
        float,
        Field(ge=1, le=1e7),
        Unit("currency a year"),
        Risk(-1),
        Reason("R02", "Income is low"),
    ]
    employment_length: Annotated[
        float,
        Field(ge=0, le=60),
        Unit("years"),
        Risk(-1),
        Reason("R03", "Time in employment is short"),
    ]
    credit_score: Annotated[
        int,
        Field(ge=300, le=850),
        Unit("points of a bureau"),
        Risk(-1),
        Reason("R01", "The credit bureau score of {credit_score:.0f} is low"),
    ]
    num_credit_lines: Annotated[
        int, Field(ge=0, le=100), Reason("R12", "The number of credit lines")
    ]
    credit_utilization: Annotated[
        float,
        Field(ge=0, le=1),
        Unit("share of limits"),
        Risk(+1),
        Changeable(step=0.01),
        Reason("R05", "{credit_utilization:.0%} of the available credit is in use"),
    ]
    debt_to_income: Annotated[
        float,
        Field(ge=0, le=1),
        Unit("share of income"),
        Risk(+1),
        Changeable(step=0.01),
        Reason("R06", "Debt payments take {debt_to_income:.0%} of income"),
    ]
    total_debt: Annotated[float, Field(ge=0, le=1e7), Unit("currency"), Reason("R07", "Total debt")]
    savings: Annotated[
        float,
        Field(ge=0, le=1e8),
        Unit("currency"),
        Risk(-1),
        Changeable(step=100),
        Reason("R08", "Savings are low"),
    ]
    loan_amount: Annotated[
        float,
        Field(gt=0, le=1e7),
        Unit("currency"),
        Risk(+1),
        Changeable(step=100),
        Reason("R04", "The amount requested is high"),
    ]
    loan_term: Annotated[
        int,
        Field(ge=1, le=120),
        Unit("months"),
        Changeable(),
        Reason("R13", "The term of the loan"),
    ]
    num_late_payments: Annotated[
        int,
        Field(ge=0, le=100),
        Risk(+1),
        Reason("R09", "Late payments on record: {num_late_payments:.0f}"),
    ]
    num_bankruptcies: Annotated[
        int, Field(ge=0, le=10), Risk(+1), Reason("R10", "There is a bankruptcy on record")
    ]
    inquiries_last_6m: Annotated[
        int,
        Field(ge=0, le=100),
        Risk(+1),
        Reason("R11", "Times credit was sought in the last six months: {inquiries_last_6m:.0f}"),
    ]
    employment_status: Annotated[
        Literal["employed", "self_employed", "unemployed", "retired"],
        Reason("R14", "Employment situation"),
    ]
    home_ownership: Annotated[
        Literal["mortgage", "rent", "own", "other"], Reason("R15", "Housing situation")
    ]
    loan_purpose: Annotated[
        Literal[
            "debt_consolidation", "credit_card", "home_improvement", "business", "medical", "other"
        ],
        Reason("R16", "Purpose of the loan"),
    ]

    @derived(
        Unit("currency a month"), Risk(+1), Reason("R17", "The payment is high for the income")
    )
    def monthly_payment(columns: Columns) -> Column:  # noqa: N805 -- becomes a Derived, not a method
        """Compute the monthly instalment, truncated to currency units."""
        return np.trunc(columns["loan_amount"] / columns["loan_term"] * AMORTISATION_MARKUP)

    @derived(
        Unit("share of income"),
        Risk(+1),
        Reason("R17", "The payment would take {payment_to_income:.0%} of income"),
    )
    def payment_to_income(columns: Columns) -> Column:  # noqa: N805 -- becomes a Derived
        """Compute the instalments of a year as a share of income, at most 1."""
        share = 12 * columns["monthly_payment"] / columns["income"]
        return np.minimum(np.maximum(share, 0), 1)
