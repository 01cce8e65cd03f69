"""Credit model `german_credit`: applications to a German bank, 1994, good or bad credit.

Fields, codes and their meaning follow UCI 144 (Hofmann 1994, doi:10.24432/C5NC77).
`personal_status` combines sex and marital status, so the entire field is protected.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from models.annotations import Changeable, Protected, Reason, Risk, Unit
from models.contract import CreditModel
from models.policy import Cutoffs
from models.score_scale import PointsToDoubleOdds


class GermanCredit(CreditModel):
    """An instalment loan, scored when it is applied for."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "status": "A14",
                    "month": 24,
                    "credit_history": "A32",
                    "purpose": "A43",
                    "credit_amount": 2500,
                    "savings": "A61",
                    "employment": "A73",
                    "investment_as_income_percentage": 3,
                    "personal_status": "A93",
                    "other_debtors": "A101",
                    "residence_since": 3,
                    "property": "A123",
                    "age": 35,
                    "installment_plans": "A143",
                    "housing": "A152",
                    "number_of_credits": 1,
                    "skill_level": "A173",
                    "people_liable_for": 1,
                    "telephone": "A191",
                    "foreign_worker": "A201",
                }
            ]
        }
    )

    label: ClassVar = "default"
    label_definition: ClassVar = "classified as bad credit by the bank"
    horizon: ClassVar = "the life of the loan"
    scale: ClassVar = PointsToDoubleOdds(base_score=600, base_odds=50, pdo=20)
    # UCI states a cost of 5 for approving a bad credit and 1 for refusing a good one: break-even
    # is at a probability of 1/6.
    policy: ClassVar = Cutoffs(approve_below=0.17, decline_from=0.50)

    status: Annotated[
        Literal["A11", "A12", "A13", "A14"], Reason("R01", "Balance of the checking account")
    ]
    month: Annotated[
        int,
        Field(ge=1, le=120),
        Unit("months"),
        Risk(+1),
        Changeable(),
        Reason("R02", "The loan runs for {month:.0f} months"),
    ]
    credit_history: Annotated[
        Literal["A30", "A31", "A32", "A33", "A34"], Reason("R03", "Credit history")
    ]
    purpose: Annotated[
        Literal["A40", "A41", "A42", "A43", "A44", "A45", "A46", "A47", "A48", "A49", "A410"],
        Reason("R04", "Purpose of the loan"),
    ]
    credit_amount: Annotated[
        float,
        Field(gt=0, le=1e6),
        Unit("DM"),
        Changeable(step=100),
        Reason("R05", "The amount of the loan"),
    ]
    savings: Annotated[Literal["A61", "A62", "A63", "A64", "A65"], Reason("R06", "Savings")]
    employment: Annotated[
        Literal["A71", "A72", "A73", "A74", "A75"], Reason("R07", "Time in present employment")
    ]
    investment_as_income_percentage: Annotated[
        int,
        Field(ge=1, le=4),
        Unit("band of instalment to income"),
        Risk(+1),
        Reason("R08", "The instalment is high for the income"),
    ]
    personal_status: Annotated[Literal["A91", "A92", "A93", "A94", "A95"], Protected()]
    other_debtors: Annotated[
        Literal["A101", "A102", "A103"],
        Changeable(),
        Reason("R09", "Absence of a guarantor, or a co-applicant"),
    ]
    residence_since: Annotated[
        int, Field(ge=1, le=4), Unit("band of years"), Reason("R10", "Time at the present address")
    ]
    property: Annotated[Literal["A121", "A122", "A123", "A124"], Reason("R11", "Property")]
    age: Annotated[int, Field(ge=18, le=100), Unit("years"), Protected()]
    installment_plans: Annotated[
        Literal["A141", "A142", "A143"], Reason("R12", "Other instalment plans")
    ]
    housing: Annotated[Literal["A151", "A152", "A153"], Reason("R13", "Housing situation")]
    number_of_credits: Annotated[
        int, Field(ge=1, le=10), Reason("R14", "Other credits at this bank")
    ]
    skill_level: Annotated[
        Literal["A171", "A172", "A173", "A174"], Reason("R15", "Kind of employment")
    ]
    people_liable_for: Annotated[int, Field(ge=1, le=10), Reason("R16", "Number of dependants")]
    telephone: Annotated[Literal["A191", "A192"], Reason("R17", "Telephone registration")]
    foreign_worker: Annotated[Literal["A201", "A202"], Protected()]
