"""Credit model `bureau`: a loan with customer and credit bureau data, 300 to 900 points.

Clients send `delinquency_ratio` and `avg_dpd_per_delinquency` rounded to one decimal.
`loan_to_income` is computed here and is not part of the request.
"""

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import ConfigDict, Field

from models.annotations import Changeable, Column, Columns, Protected, Reason, Risk, Unit, derived
from models.contract import CreditModel
from models.policy import Cutoffs, RecallAtPrecision
from models.score_scale import Bands, LinearScale, probability_from_score

SCALE = LinearScale(lowest=300, highest=900)
GOOD, AVERAGE, EXCELLENT = 650, 500, 750


class Bureau(CreditModel):
    """A loan, scored from its terms and the customer's record at the credit bureau."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "age": 28,
                    "income": 1200000,
                    "loan_amount": 2560000,
                    "loan_tenure_months": 36,
                    "avg_dpd_per_delinquency": 5.4,
                    "delinquency_ratio": 12.5,
                    "credit_utilization_ratio": 30,
                    "number_of_open_accounts": 2,
                    "residence_type": "Owned",
                    "loan_purpose": "Home",
                    "loan_type": "Secured",
                }
            ]
        }
    )

    label: ClassVar = "default"
    label_definition: ClassVar = "the loan defaults, as its source defines it"
    horizon: ClassVar = "the life of the loan"
    scale: ClassVar = SCALE
    bands: ClassVar = Bands(
        "Poor", ((AVERAGE, "Average"), (GOOD, "Good"), (EXCELLENT, "Excellent"))
    )
    # The cut-offs are the limits of the ratings, so no approved loan has the rating Average.
    policy: ClassVar = Cutoffs(
        approve_below=probability_from_score(GOOD, SCALE),
        decline_from=probability_from_score(AVERAGE, SCALE),
    )
    # The precision of the earlier system, at which few defaults are missed. The rule only
    # classifies and decides nothing: about half of the loans it flags are good, and some have the
    # rating Excellent.
    default_rule: ClassVar = RecallAtPrecision(0.52)

    age: Annotated[int, Field(ge=18, le=100), Unit("years"), Protected()]
    income: Annotated[
        float,
        Field(ge=1, le=1e9),
        Unit("currency a year"),
        Risk(-1),
        Reason("R04", "Income is low"),
    ]
    loan_amount: Annotated[
        float,
        Field(gt=0, le=1e9),
        Unit("currency"),
        Risk(+1),
        Changeable(step=1_000),
        Reason("R03", "The amount of the loan is high"),
    ]
    loan_tenure_months: Annotated[
        int,
        Field(ge=1, le=480),
        Unit("months"),
        Risk(+1),
        Changeable(),
        Reason("R06", "The loan runs for {loan_tenure_months:.0f} months"),
    ]
    avg_dpd_per_delinquency: Annotated[
        float,
        Field(ge=0, le=1_000),
        Unit("days past due, 0 where no month was delinquent"),
        Risk(+1),
        Reason("R02", "Late payments were {avg_dpd_per_delinquency:.0f} days late on average"),
    ]
    delinquency_ratio: Annotated[
        float,
        Field(ge=0, le=100),
        Unit("per cent of the months of all loans"),
        Risk(+1),
        Reason("R01", "Payments were late in {delinquency_ratio:.0f} % of the months of all loans"),
    ]
    credit_utilization_ratio: Annotated[
        float,
        Field(ge=0, le=100),
        Unit("per cent of limits"),
        Risk(+1),
        Changeable(step=1),
        Reason("R05", "{credit_utilization_ratio:.0f} % of the available credit is in use"),
    ]
    number_of_open_accounts: Annotated[
        int,
        Field(ge=0, le=100),
        Risk(+1),
        Reason("R07", "Open credit accounts: {number_of_open_accounts:.0f}"),
    ]
    residence_type: Annotated[
        Literal["Owned", "Rented", "Mortgage"], Reason("R08", "Housing situation")
    ]
    loan_purpose: Annotated[
        Literal["Home", "Auto", "Education", "Personal"], Reason("R09", "Purpose of the loan")
    ]
    loan_type: Annotated[
        Literal["Secured", "Unsecured"], Reason("R10", "Whether the loan is secured")
    ]

    @derived(
        Unit("multiple of a year's income"),
        Risk(+1),
        Reason("R03", "The loan is {loan_to_income:.1f} times a year's income"),
    )
    def loan_to_income(columns: Columns) -> Column:  # noqa: N805 -- becomes a Derived
        """Compute the loan amount as a multiple of a year's income, to two decimals."""
        return np.round(columns["loan_amount"] / columns["income"], 2)
