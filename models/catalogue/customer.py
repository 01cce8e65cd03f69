"""Credit model `customer`: a customer with macroeconomic rates, 10 fields."""

from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from models.annotations import (
    Changeable,
    Column,
    Columns,
    Identifier,
    Protected,
    Reason,
    Risk,
    Unit,
    derived,
)
from models.contract import CreditModel
from models.policy import Cutoffs
from models.score_scale import PointsToDoubleOdds


class Customer(CreditModel):
    """A customer with credit accounts, scored as the economy stands."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "customer_id": "CUST_12345",
                    "age": 35,
                    "annual_income": 75000,
                    "credit_utilization": 0.35,
                    "payment_history_score": 720,
                    "employment_years": 8,
                    "num_credit_accounts": 5,
                    "total_debt": 25000,
                    "interest_rate": 0.065,
                    "unemployment_rate": 0.04,
                }
            ]
        }
    )

    label: ClassVar = "default"
    label_definition: ClassVar = "the customer defaults, as the source defines it"
    horizon: ClassVar = "12 months"
    scale: ClassVar = PointsToDoubleOdds(base_score=600, base_odds=50, pdo=20)
    policy: ClassVar = Cutoffs(approve_below=0.10, decline_from=0.25)

    customer_id: Annotated[str | None, Field(min_length=1, max_length=64), Identifier()] = None
    age: Annotated[int, Field(ge=18, le=100), Unit("years"), Protected()]
    annual_income: Annotated[
        float,
        Field(ge=1, le=1e7),
        Unit("currency a year"),
        Risk(-1),
        Reason("R04", "Income is low"),
    ]
    credit_utilization: Annotated[
        float,
        Field(ge=0, le=1),
        Unit("share of limits"),
        Risk(+1),
        Changeable(step=0.01),
        Reason("R02", "{credit_utilization:.0%} of the available credit is in use"),
    ]
    payment_history_score: Annotated[
        int,
        Field(ge=300, le=850),
        Unit("points of a bureau"),
        Risk(-1),
        Reason("R01", "The payment history score of {payment_history_score:.0f} is low"),
    ]
    employment_years: Annotated[
        float,
        Field(ge=0, le=60),
        Unit("years"),
        Risk(-1),
        Reason("R05", "Time in employment is short"),
    ]
    num_credit_accounts: Annotated[
        int, Field(ge=0, le=100), Reason("R06", "The number of credit accounts")
    ]
    total_debt: Annotated[
        float,
        Field(ge=0, le=1e7),
        Unit("currency"),
        Risk(+1),
        Changeable(step=100),
        Reason("R03", "Debt is high"),
    ]
    interest_rate: Annotated[
        float,
        Field(ge=0, le=1),
        Unit("share a year"),
        Risk(+1),
        Reason("R07", "The interest rate of {interest_rate:.1%} makes credit dear"),
    ]
    unemployment_rate: Annotated[
        float,
        Field(ge=0, le=1),
        Unit("share of the labour force"),
        Risk(+1),
        Reason("R08", "Unemployment in the economy is at {unemployment_rate:.1%}"),
    ]

    @derived(
        Unit("share of a year's income"),
        Risk(+1),
        Reason("R03", "Debt is {debt_to_income:.0%} of a year's income"),
    )
    def debt_to_income(columns: Columns) -> Column:  # noqa: N805 -- becomes a Derived
        """Compute total debt as a share of a year's income."""
        return columns["total_debt"] / columns["annual_income"]
