"""The fields of the earlier customer system, for where the catalogue has no such model."""

from typing import Annotated, ClassVar

from pydantic import Field

from models.contract import CreditModel
from models.marks import Protected, Reason, Risk
from models.policy import Cutoffs
from models.scorecard import PointsToDoubleOdds


class Customer(CreditModel):
    """A customer, scored with macro-economic indicators."""

    label: ClassVar = "is_default"
    label_definition: ClassVar = "made up"
    horizon: ClassVar = "12 months"
    scale: ClassVar = PointsToDoubleOdds()
    policy: ClassVar = Cutoffs(approve_below=0.10, decline_from=0.25)

    age: Annotated[int, Field(ge=18, le=100), Protected()]
    annual_income: Annotated[float, Field(gt=0, le=1e7), Risk(-1), Reason("C1", "Income is low")]
    credit_utilization: Annotated[
        float, Field(ge=0, le=2), Risk(+1), Reason("C2", "Much of the credit is used")
    ]
    payment_history_score: Annotated[
        int, Field(ge=300, le=850), Risk(-1), Reason("C3", "Payments were late")
    ]
    employment_years: Annotated[
        float, Field(ge=0, le=60), Risk(-1), Reason("C4", "The employment is recent")
    ]
    num_credit_accounts: Annotated[int, Field(ge=0, le=100), Reason("C5", "Number of accounts")]
    total_debt: Annotated[float, Field(ge=0, le=1e7), Risk(+1), Reason("C6", "Debt is high")]
    interest_rate: Annotated[
        float, Field(ge=-0.05, le=1), Risk(+1), Reason("C7", "Interest rates are high")
    ]
    unemployment_rate: Annotated[
        float, Field(ge=0, le=1), Risk(+1), Reason("C8", "Unemployment is high")
    ]
