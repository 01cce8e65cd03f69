"""The fields of the earlier bureau system, for where the catalogue has no such model."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from models.contract import CreditModel
from models.marks import Protected, Reason, Risk
from models.policy import Cutoffs
from models.scorecard import Bands, LinearScale


class Bureau(CreditModel):
    """A loan with what a credit bureau knows of the customer."""

    label: ClassVar = "default"
    label_definition: ClassVar = "made up"
    horizon: ClassVar = "the loan's life"
    scale: ClassVar = LinearScale(lowest=300, highest=900)
    policy: ClassVar = Cutoffs(approve_below=0.4, decline_from=0.6)
    bands: ClassVar = Bands("Poor", ((500.0, "Average"), (650.0, "Good"), (750.0, "Excellent")))

    age: Annotated[int, Field(ge=18, le=100), Protected()]
    income: Annotated[float, Field(gt=0, le=1e9), Risk(-1), Reason("B1", "Income is low")]
    loan_amount: Annotated[float, Field(gt=0, le=1e9), Risk(+1), Reason("B2", "The loan is large")]
    loan_tenure_months: Annotated[int, Field(ge=1, le=480), Reason("B3", "The loan's duration")]
    avg_dpd_per_delinquency: Annotated[
        float, Field(ge=0, le=1000), Risk(+1), Reason("B4", "Payments were late")
    ]
    delinquency_ratio: Annotated[
        float, Field(ge=0, le=100), Risk(+1), Reason("B5", "Payments were often late")
    ]
    credit_utilization_ratio: Annotated[
        float, Field(ge=0, le=100), Risk(+1), Reason("B6", "Much of the credit is used")
    ]
    number_of_open_accounts: Annotated[int, Field(ge=0, le=100), Reason("B7", "Open accounts")]
    residence_type: Annotated[Literal["Owned", "Rented", "Mortgage"], Reason("B8", "Residence")]
    loan_purpose: Annotated[
        Literal["Home", "Auto", "Education", "Personal"], Reason("B9", "Purpose of the loan")
    ]
    loan_type: Annotated[Literal["Secured", "Unsecured"], Reason("B10", "Security of the loan")]
