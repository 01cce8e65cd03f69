"""Credit model `customer`: a customer with macroeconomic rates, 10 fields and 14 optional ones.

The optional fields are what the feature table of the data pipeline has beyond the documented
request: `training/pipeline/features/customer_features.sql` defines each of them. A test compares
the table's columns with the fields.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from models.annotations import (
    Changeable,
    Column,
    Columns,
    Identifier,
    Missing,
    Other,
    Protected,
    Reason,
    Risk,
    Unit,
    derived,
)
from models.contract import CreditModel
from models.policy import Cutoffs
from models.score_scale import PointsToDoubleOdds

Education = Literal["none", "secondary", "vocational", "bachelor", "master", "doctorate"]
Region = Literal["north", "south", "east", "west", "elsewhere"]

NO_HISTORY = "The record of payments of the last 12 months is not known"
LatePayments = Annotated[int | None, Field(ge=0, le=1_000), Unit("payments"), Risk(+1)]
WorstDelay = Annotated[int | None, Field(ge=0, le=366), Unit("days past due"), Risk(+1)]


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
        Reason("R07", "The interest rate of {interest_rate:.1%} makes credit expensive"),
    ]
    unemployment_rate: Annotated[
        float,
        Field(ge=0, le=1),
        Unit("share of the labour force"),
        Risk(+1),
        Reason("R08", "Unemployment in the economy is at {unemployment_rate:.1%}"),
    ]
    education: Annotated[
        Education | None, Reason("R09", "Level of education"), Missing("Education is not known")
    ] = None
    # Where somebody lives stands in for origin: it is judged by, and never scored.
    region: Annotated[Region | None, Other("elsewhere"), Protected()] = None
    mean_utilization_3m: Annotated[
        float | None,
        Field(ge=0, le=100),
        Unit("share of limits"),
        Risk(+1),
        Reason("R02", "On average {mean_utilization_3m:.0%} of the credit was in use in 3 months"),
        Missing("The use of credit in the last 3 months is not known"),
    ] = None
    account_age_months: Annotated[
        int | None,
        Field(ge=0, le=1_200),
        Unit("months"),
        Risk(-1),
        Reason("R10", "The oldest account is {account_age_months:.0f} months old"),
        Missing("The age of the oldest account is not known"),
    ] = None
    late_payments_3m: Annotated[
        LatePayments,
        Reason("R11", "Payments that were late in 3 months: {late_payments_3m:.0f}"),
        Missing(NO_HISTORY),
    ] = None
    late_payments_6m: Annotated[
        LatePayments,
        Reason("R11", "Payments that were late in 6 months: {late_payments_6m:.0f}"),
        Missing(NO_HISTORY),
    ] = None
    late_payments_12m: Annotated[
        LatePayments,
        Reason("R11", "Payments that were late in 12 months: {late_payments_12m:.0f}"),
        Missing(NO_HISTORY),
    ] = None
    worst_days_past_due_3m: Annotated[
        WorstDelay,
        Reason("R11", "A payment was {worst_days_past_due_3m:.0f} days late in 3 months"),
        Missing(NO_HISTORY),
    ] = None
    worst_days_past_due_6m: Annotated[
        WorstDelay,
        Reason("R11", "A payment was {worst_days_past_due_6m:.0f} days late in 6 months"),
        Missing(NO_HISTORY),
    ] = None
    worst_days_past_due_12m: Annotated[
        WorstDelay,
        Reason("R11", "A payment was {worst_days_past_due_12m:.0f} days late in 12 months"),
        Missing(NO_HISTORY),
    ] = None
    paid_share_12m: Annotated[
        float | None,
        Field(ge=0, le=100),
        Unit("share of what was due"),
        Risk(-1),
        Reason("R11", "Of what was due in 12 months, {paid_share_12m:.0%} was paid"),
        Missing(NO_HISTORY),
    ] = None
    inquiries_6m: Annotated[
        int | None,
        Field(ge=0, le=1_000),
        Unit("inquiries"),
        Risk(+1),
        Reason("R12", "Inquiries of lenders in 6 months: {inquiries_6m:.0f}"),
        Missing("Inquiries of lenders are not known"),
    ] = None
    policy_rate: Annotated[
        float | None,
        Field(ge=-0.1, le=1),
        Unit("share a year"),
        Risk(+1),
        Reason("R07", "The policy rate of {policy_rate:.1%} makes credit expensive"),
        Missing("The policy rate is not known"),
    ] = None
    gdp_growth: Annotated[
        float | None,
        Field(ge=-0.5, le=0.5),
        Unit("share a year"),
        Risk(-1),
        Reason("R13", "The economy grows by {gdp_growth:.1%} a year"),
        Missing("The growth of the economy is not known"),
    ] = None

    @derived(
        Unit("share of a year's income"),
        Risk(+1),
        Reason("R03", "Debt is {debt_to_income:.0%} of a year's income"),
        Missing("Debt or income is not known"),
    )
    def debt_to_income(columns: Columns) -> Column:  # noqa: N805 -- becomes a Derived
        """Compute total debt as a share of a year's income."""
        return columns["total_debt"] / columns["annual_income"]
