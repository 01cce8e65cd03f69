"""Credit-card accounts, Taiwan 2005: default on the next payment.

Contract and codes follow UCI 350 (Yeh 2009, doi:10.24432/C55S3H) with its column names in lower
case. `_0` or `1` is September, the latest month; `_6` or `6` is April.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from models.contract import (
    Codes,
    Column,
    Columns,
    CreditModel,
    Protected,
    Risk,
    Special,
    Unit,
    derived,
)
from models.policy import Cutoffs
from models.scorecard import PointsToDoubleOdds

RepaymentStatus = Annotated[
    int,
    Field(ge=-2, le=9),
    Unit("months late"),
    Special({-2: "card not used", -1: "paid in full", 0: "revolving credit, minimum paid"}),
    Risk(+1),
]
BillAmount = Annotated[float, Field(ge=-1e7, le=1e7), Unit("NT$")]
PaymentAmount = Annotated[float, Field(ge=0, le=1e7), Unit("NT$"), Risk(-1)]


class CardDefault(CreditModel):
    """A revolving card account, scored at the close of a month for default in the next."""

    label: ClassVar = "default_payment_next_month"
    label_definition: ClassVar = "the payment due next month is not made"
    horizon: ClassVar = "1 month"
    scale: ClassVar = PointsToDoubleOdds(base_score=600, base_odds=50, pdo=20)
    policy: ClassVar = Cutoffs(approve_below=0.20, decline_from=0.40)

    limit_bal: Annotated[float, Field(ge=1, le=1e7), Unit("NT$"), Risk(-1)]
    sex: Annotated[Literal[1, 2], Codes(), Protected()]
    education: Annotated[Literal[0, 1, 2, 3, 4, 5, 6], Codes()]
    marriage: Annotated[Literal[0, 1, 2, 3], Codes(), Protected()]
    age: Annotated[int, Field(ge=18, le=100), Unit("years"), Protected()]
    pay_0: RepaymentStatus
    pay_2: RepaymentStatus
    pay_3: RepaymentStatus
    pay_4: RepaymentStatus
    pay_5: RepaymentStatus
    pay_6: RepaymentStatus
    bill_amt1: BillAmount
    bill_amt2: BillAmount
    bill_amt3: BillAmount
    bill_amt4: BillAmount
    bill_amt5: BillAmount
    bill_amt6: BillAmount
    pay_amt1: PaymentAmount
    pay_amt2: PaymentAmount
    pay_amt3: PaymentAmount
    pay_amt4: PaymentAmount
    pay_amt5: PaymentAmount
    pay_amt6: PaymentAmount

    @derived(Unit("share of the limit"))
    def utilization(columns: Columns) -> Column:  # noqa: N805 -- becomes a Derived, not a method
        """Latest bill as a share of the credit limit."""
        return columns["bill_amt1"] / columns["limit_bal"]
