"""Credit model `card_default`: credit-card accounts, Taiwan 2005, default on the next payment.

Fields and codes follow UCI 350 (Yeh 2009, doi:10.24432/C55S3H) with its column names in lower
case. `_0` or `1` is September, the latest month; `_6` or `6` is April.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from models.annotations import (
    Changeable,
    Codes,
    Column,
    Columns,
    Missing,
    Protected,
    Reason,
    Risk,
    Special,
    Unit,
    derived,
)
from models.contract import CreditModel
from models.policy import Cutoffs
from models.score_scale import PointsToDoubleOdds

RepaymentStatus = Annotated[
    int,
    Field(ge=-2, le=9),
    Unit("months late"),
    Special(
        {
            -2: "The card was hardly used in recent months",
            -1: "The card was cleared rather than used steadily in recent months",
            0: "Only the minimum was paid in recent months",
        }
    ),
    Risk(+1),
]
BillAmount = Annotated[float, Field(ge=-1e7, le=1e7), Unit("NT$")]
PaymentAmount = Annotated[float, Field(ge=0, le=1e7), Unit("NT$"), Risk(-1)]


class CardDefault(CreditModel):
    """A revolving card account, scored at the close of a month for default in the next."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "limit_bal": 20000,
                    "sex": 2,
                    "education": 2,
                    "marriage": 1,
                    "age": 24,
                    "pay_0": 2,
                    "pay_2": 2,
                    "pay_3": -1,
                    "pay_4": -1,
                    "pay_5": -2,
                    "pay_6": -2,
                    "bill_amt1": 3913,
                    "bill_amt2": 3102,
                    "bill_amt3": 689,
                    "bill_amt4": 0,
                    "bill_amt5": 0,
                    "bill_amt6": 0,
                    "pay_amt1": 0,
                    "pay_amt2": 689,
                    "pay_amt3": 0,
                    "pay_amt4": 0,
                    "pay_amt5": 0,
                    "pay_amt6": 0,
                }
            ]
        }
    )

    label: ClassVar = "default_payment_next_month"
    label_definition: ClassVar = "the payment due next month is not made"
    horizon: ClassVar = "1 month"
    scale: ClassVar = PointsToDoubleOdds(base_score=600, base_odds=50, pdo=20)
    policy: ClassVar = Cutoffs(approve_below=0.20, decline_from=0.40)

    limit_bal: Annotated[
        float, Field(ge=1, le=1e7), Unit("NT$"), Risk(-1), Reason("R03", "The credit limit is low")
    ]
    sex: Annotated[Literal[1, 2], Codes(), Protected()]
    education: Annotated[Literal[0, 1, 2, 3, 4, 5, 6], Codes(), Reason("R06", "Level of education")]
    marriage: Annotated[Literal[0, 1, 2, 3], Codes(), Protected()]
    age: Annotated[int, Field(ge=18, le=100), Unit("years"), Protected()]
    pay_0: Annotated[
        RepaymentStatus, Reason("R01", "Months the payment of September was late: {pay_0:.0f}")
    ]
    pay_2: Annotated[
        RepaymentStatus, Reason("R01", "Months the payment of August was late: {pay_2:.0f}")
    ]
    pay_3: Annotated[
        RepaymentStatus, Reason("R02", "Months the payment of July was late: {pay_3:.0f}")
    ]
    pay_4: Annotated[
        RepaymentStatus, Reason("R02", "Months the payment of June was late: {pay_4:.0f}")
    ]
    pay_5: Annotated[
        RepaymentStatus, Reason("R02", "Months the payment of May was late: {pay_5:.0f}")
    ]
    pay_6: Annotated[
        RepaymentStatus, Reason("R02", "Months the payment of April was late: {pay_6:.0f}")
    ]
    bill_amt1: Annotated[
        BillAmount, Changeable(step=1_000), Reason("R04", "Recent bills against the credit limit")
    ]
    bill_amt2: Annotated[BillAmount, Reason("R04", "Recent bills against the credit limit")]
    bill_amt3: Annotated[BillAmount, Reason("R04", "Recent bills against the credit limit")]
    bill_amt4: Annotated[BillAmount, Reason("R04", "Recent bills against the credit limit")]
    bill_amt5: Annotated[BillAmount, Reason("R04", "Recent bills against the credit limit")]
    bill_amt6: Annotated[BillAmount, Reason("R04", "Recent bills against the credit limit")]
    pay_amt1: Annotated[
        PaymentAmount, Changeable(step=1_000), Reason("R05", "Recent payments were small")
    ]
    pay_amt2: Annotated[PaymentAmount, Reason("R05", "Recent payments were small")]
    pay_amt3: Annotated[PaymentAmount, Reason("R05", "Recent payments were small")]
    pay_amt4: Annotated[PaymentAmount, Reason("R05", "Recent payments were small")]
    pay_amt5: Annotated[PaymentAmount, Reason("R05", "Recent payments were small")]
    pay_amt6: Annotated[PaymentAmount, Reason("R05", "Recent payments were small")]

    @derived(
        Unit("share of the limit"),
        Reason("R04", "The latest bill uses {utilization:.0%} of the credit limit"),
        Missing("The use of the credit limit is not known"),
    )
    def utilization(columns: Columns) -> Column:  # noqa: N805 -- becomes a Derived, not a method
        """Compute the latest bill as a share of the credit limit."""
        return columns["bill_amt1"] / columns["limit_bal"]
