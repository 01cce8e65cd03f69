"""Applications to a German bank, 1994: good or bad credit.

Contract, codes and their meaning follow UCI 144 (Hofmann 1994, doi:10.24432/C5NC77).
`personal_status` mixes sex and marital status, so it is protected as a whole.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from models.contract import CreditModel, Protected, Risk, Unit
from models.policy import Cutoffs
from models.scorecard import PointsToDoubleOdds


class GermanCredit(CreditModel):
    """An instalment loan, scored when it is applied for."""

    label: ClassVar = "default"
    label_definition: ClassVar = "classified as bad credit by the bank"
    horizon: ClassVar = "the life of the loan"
    scale: ClassVar = PointsToDoubleOdds(base_score=600, base_odds=50, pdo=20)
    # UCI's cost of 5 for a bad credit taken as good, against 1: break-even at 1/6.
    policy: ClassVar = Cutoffs(approve_below=0.17, decline_from=0.50)

    status: Literal["A11", "A12", "A13", "A14"]
    month: Annotated[int, Field(ge=1, le=120), Unit("months"), Risk(+1)]
    credit_history: Literal["A30", "A31", "A32", "A33", "A34"]
    purpose: Literal["A40", "A41", "A42", "A43", "A44", "A45", "A46", "A47", "A48", "A49", "A410"]
    credit_amount: Annotated[float, Field(gt=0, le=1e6), Unit("DM")]
    savings: Literal["A61", "A62", "A63", "A64", "A65"]
    employment: Literal["A71", "A72", "A73", "A74", "A75"]
    investment_as_income_percentage: Annotated[
        int, Field(ge=1, le=4), Unit("band of instalment to income"), Risk(+1)
    ]
    personal_status: Annotated[Literal["A91", "A92", "A93", "A94", "A95"], Protected()]
    other_debtors: Literal["A101", "A102", "A103"]
    residence_since: Annotated[int, Field(ge=1, le=4), Unit("band of years")]
    property: Literal["A121", "A122", "A123", "A124"]
    age: Annotated[int, Field(ge=18, le=100), Unit("years"), Protected()]
    installment_plans: Literal["A141", "A142", "A143"]
    housing: Literal["A151", "A152", "A153"]
    number_of_credits: Annotated[int, Field(ge=1, le=10)]
    skill_level: Literal["A171", "A172", "A173", "A174"]
    people_liable_for: Annotated[int, Field(ge=1, le=10)]
    telephone: Literal["A191", "A192"]
    foreign_worker: Annotated[Literal["A201", "A202"], Protected()]
