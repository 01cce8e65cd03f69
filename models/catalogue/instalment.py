"""Credit model `instalment`: an application for an instalment loan, as the loan book asks.

The label is default among loans that were granted. What a lender rejects by rule is policy, not
default, and is no part of the label.
"""

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import ConfigDict, Field

from models.annotations import (
    Changeable,
    Column,
    Columns,
    Missing,
    Protected,
    Reason,
    Risk,
    Unit,
    derived,
)
from models.contract import CreditModel
from models.policy import Cutoffs
from models.score_scale import LinearScale

MONTHS_A_YEAR = 12


class Instalment(CreditModel):
    """An instalment loan, scored from its terms and the applicant's income."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "age": 35,
                    "employment_type": "salaried",
                    "years_of_experience": 9,
                    "monthly_income": 80000,
                    "other_instalments": 0,
                    "loan_amount": 1000000,
                    "loan_tenure_months": 60,
                    "interest_rate": 9.5,
                    "loan_purpose": "Home Renovation",
                }
            ]
        }
    )

    label: ClassVar = "default"
    label_definition: ClassVar = "a granted loan defaults, as its source defines it"
    horizon: ClassVar = "12 months"
    scale: ClassVar = LinearScale(lowest=300, highest=850)
    policy: ClassVar = Cutoffs(approve_below=0.30, decline_from=0.50)

    age: Annotated[int, Field(ge=18, le=100), Unit("years"), Protected()]
    employment_type: Annotated[
        Literal["salaried", "self_employed", "business", "contract", "retired"],
        Reason("I06", "Income from this kind of employment varies"),
    ]
    years_of_experience: Annotated[
        float,
        Field(ge=0, le=60),
        Unit("years"),
        Risk(-1),
        Reason("I05", "Time in employment is short"),
    ]
    monthly_income: Annotated[
        float,
        Field(ge=1, le=1e9),
        Unit("currency a month"),
        Risk(-1),
        Reason("I03", "Income is low"),
    ]
    other_instalments: Annotated[
        float,
        Field(ge=0, le=1e9),
        Unit("currency a month"),
        Risk(+1),
        Changeable(step=100),
        Reason("I02", "Other loans take {other_instalments:,.0f} a month"),
    ]
    loan_amount: Annotated[
        float,
        Field(ge=1, le=1e13),
        Unit("currency"),
        Risk(+1),
        Changeable(step=1000),
        Reason("I01", "The amount of the loan is high"),
    ]
    loan_tenure_months: Annotated[
        int,
        Field(ge=1, le=360),
        Unit("months"),
        Reason("I09", "Loans over {loan_tenure_months:.0f} months are repaid less often"),
    ]
    interest_rate: Annotated[
        float,
        Field(ge=0, le=60),
        Unit("per cent a year"),
        Risk(+1),
        Reason("I07", "The interest rate of {interest_rate:.1f} % makes the loan expensive"),
    ]
    loan_purpose: Annotated[
        Literal[
            "Home Renovation",
            "Education",
            "Medical",
            "Business",
            "Vehicle",
            "Wedding",
            "Debt Consolidation",
            "Personal",
        ],
        Reason("I08", "Loans for this purpose are repaid less often"),
    ]
    bureau_score: Annotated[
        int | None,
        Field(ge=300, le=900, description="As a credit bureau computes it; higher is safer."),
        Unit("points"),
        Risk(-1),
        Reason("I10", "The credit bureau's score is low"),
        Missing("The credit bureau has no score"),
    ] = None
    bureau_enquiries: Annotated[
        int | None,
        Field(ge=0, le=100, description="Of lenders at the credit bureau, within 6 months."),
        Unit("enquiries in 6 months"),
        Risk(+1),
        Reason("I11", "Lenders enquired at the credit bureau {bureau_enquiries:.0f} times"),
        Missing("The credit bureau has no record of enquiries"),
    ] = None

    @derived(
        Unit("share of a month's income"),
        Risk(+1),
        Reason(
            "I01",
            "All instalments would take {obligations_to_income:.0%} of the monthly income",
        ),
        Missing("Instalments or income are not known"),
    )
    def obligations_to_income(columns: Columns) -> Column:  # noqa: N805 -- becomes a Derived
        """Compute all instalments, this loan's included, as a share of a month's income."""
        total = columns["other_instalments"] + instalments(columns)
        return total / columns["monthly_income"]

    @derived(
        Unit("years of income"),
        Risk(+1),
        Reason("I04", "The loan is {loan_to_income:.1f} times a year's income"),
        Missing("Loan or income is not known"),
    )
    def loan_to_income(columns: Columns) -> Column:  # noqa: N805 -- becomes a Derived
        """Compute the amount as a multiple of a year's income."""
        return columns["loan_amount"] / (MONTHS_A_YEAR * columns["monthly_income"])


def instalments(columns: Columns) -> Column:
    """Compute the equal instalment of each row, interest included and not rounded."""
    rate = columns["interest_rate"] / (100 * MONTHS_A_YEAR)
    months = columns["loan_tenure_months"]
    # At a rate of 0 the formula of an annuity divides nothing by nothing: its limit is 1 / months.
    charged = np.where(rate > 0, rate, 1.0)
    factor = charged / -np.expm1(-months * np.log1p(charged))
    return columns["loan_amount"] * np.where(rate > 0, factor, 1.0 / months)
