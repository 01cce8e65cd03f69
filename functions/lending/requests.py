"""Bodies of requests: each field with its bounds, and the amounts as exact decimals."""

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from models.lending.stress import SCENARIO_INPUTS

CENTS = re.compile(r"\d{1,15}(\.\d{1,2})?", re.ASCII)
DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
FIRST_DAY, LAST_DAY = date(1900, 1, 2), date(2199, 12, 31)
MOST_MONEY = 10**15

EmploymentType = Literal["salaried", "self_employed", "business", "contract", "retired"]
IdentityType = Literal["aadhaar", "pan", "passport", "voter_id", "driving_licence"]
LoanPurpose = Literal[
    "Home Renovation",
    "Education",
    "Medical",
    "Business",
    "Vehicle",
    "Wedding",
    "Debt Consolidation",
    "Personal",
]
ScenarioName = Literal["rate_up_200bp", "unemployment_up_2", "lgd_up_10", "all_three"]
LossRules = Literal["ifrs9", "cecl", "cecl_dcf", "rbi_ecl_2026"]
PURPOSES: tuple[str, ...] = get_args(LoanPurpose)


def _broken(rule: str) -> PydanticCustomError:
    """Return an error whose message is the rule alone."""
    return PydanticCustomError("rule", rule)


def _exact(value: object) -> Decimal:
    """Read a number, or a decimal as text, without losing a cent."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    text = format(Decimal(repr(value)), "f") if is_number else value
    if isinstance(text, str) and re.fullmatch(r"\d{1,15}\.\d{1,2}0*", text, re.ASCII):
        text = text.rstrip("0").rstrip(".")
    if not isinstance(text, str) or not CENTS.fullmatch(text):
        message = "must be an amount below 10^15 with at most 2 decimal places, as number or text"
        raise _broken(message)
    return Decimal(text)


def _rate(value: object) -> Decimal:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    text = format(Decimal(repr(value)), "f") if is_number else value
    if not isinstance(text, str) or not re.fullmatch(r"\d{1,3}(\.\d{1,6})?", text, re.ASCII):
        message = "must be a per cent from 0 to 60 with at most 6 decimal places"
        raise _broken(message)
    return Decimal(text)


def _points(value: object) -> Decimal:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    text = format(Decimal(repr(value)), "f") if is_number else value
    if not isinstance(text, str) or not re.fullmatch(r"-?\d{1,2}(\.\d{1,4})?0*", text, re.ASCII):
        message = "must be percentage points from -50 to 50 with at most 4 decimal places"
        raise _broken(message)
    return Decimal(text)


def day_from_text(value: object) -> date:
    """Read a date.

    Raises
    ------
    PydanticCustomError
        If it is none. It is a `ValueError`, whose text is the rule.
    """
    if not isinstance(value, str) or not DAY.fullmatch(value):
        message = "must be a date such as 2026-01-31"
        raise _broken(message)
    try:
        day = date.fromisoformat(value)
    except ValueError as error:
        message = "must be a date of the calendar"
        raise _broken(message) from error
    if not FIRST_DAY <= day <= LAST_DAY:
        message = f"must be a date from {FIRST_DAY} to {LAST_DAY}"
        raise _broken(message)
    return day


MONEY_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "number", "exclusiveMinimum": 0, "maximum": 10**13, "multipleOf": 1},
        {"type": "string", "pattern": r"^[1-9]\d{0,12}(\.\d{1,2})?$"},
    ]
}
RATE_SCHEMA: dict[str, Any] = {"type": "number", "minimum": 0, "maximum": 60, "multipleOf": 0.25}
Money = Annotated[
    Decimal,
    BeforeValidator(_exact),
    Field(gt=0, lt=MOST_MONEY),
    WithJsonSchema(MONEY_SCHEMA),
]
Percent = Annotated[
    Decimal, BeforeValidator(_rate), Field(ge=0, le=60), WithJsonSchema(RATE_SCHEMA)
]
POINTS_SCHEMA: dict[str, Any] = {
    "type": "number",
    "minimum": -50,
    "maximum": 50,
    "multipleOf": 0.25,
}
Points = Annotated[
    Decimal, BeforeValidator(_points), Field(ge=-50, le=50), WithJsonSchema(POINTS_SCHEMA)
]
Day = Annotated[
    date, BeforeValidator(day_from_text), WithJsonSchema({"type": "string", "format": "date"})
]
# One line of printable characters: what people type, without what would break a page or a log.
LINE = r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$"
Line = Annotated[str, Field(min_length=1, max_length=120, pattern=LINE)]
Reference = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9._:/-]+$")]
MOST_MONTHS = 360
Months = Annotated[int, Field(ge=1, le=MOST_MONTHS)]


class BodyModel(BaseModel):
    """What every body is: strict, and nothing that the contract does not have."""

    model_config = ConfigDict(
        extra="forbid", strict=True, hide_input_in_errors=True, str_strip_whitespace=False
    )


class Employment(BodyModel):
    """Where a customer's income comes from."""

    employer_name: Line
    employment_type: EmploymentType
    monthly_income: Annotated[Money, Field(description="Currency a month, before tax.")]
    years_of_experience: Annotated[float, Field(ge=0, le=60)]


class IdentityProof(BodyModel):
    """KYC: an identity document. Its number is stored as a keyed hash and its last four."""

    identity_type: IdentityType
    identity_number: Annotated[str, Field(min_length=4, max_length=32, pattern=r"^[A-Za-z0-9-]+$")]
    expires_on: Annotated[Day, Field(description="Until when the verification holds.")]


EXAMPLE_CUSTOMER: dict[str, Any] = {
    "full_name": "Asha Rao",
    "email": "asha@example.org",
    "phone": "+91 80 5550 0101",
    "city": "Bengaluru",
    "state": "Karnataka",
    "date_of_birth": "1990-04-12",
    "employment": {
        "employer_name": "Rao Textiles",
        "employment_type": "salaried",
        "monthly_income": 80000,
        "years_of_experience": 9,
    },
    "kyc": {
        "identity_type": "pan",
        "identity_number": "ABCPE1234F",
        "expires_on": "2034-12-31",
    },
}


class Registration(BodyModel):
    """A new customer."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE_CUSTOMER]})

    full_name: Line
    email: Annotated[str, Field(max_length=254, pattern=r"^[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+$")]
    phone: Annotated[str, Field(pattern=r"^\+?[0-9][0-9 -]{4,30}$")]
    city: Line
    state: Line
    date_of_birth: Day
    branch_id: Annotated[int, Field(ge=1, le=32_767)] = 1
    employment: Employment | None = None
    kyc: IdentityProof | None = None


class ContactChange(BodyModel):
    """Members that change; the others stay."""

    full_name: Line | None = None
    email: Annotated[
        str | None, Field(max_length=254, pattern=r"^[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+$")
    ] = None
    phone: Annotated[str | None, Field(pattern=r"^\+?[0-9][0-9 -]{4,30}$")] = None
    city: Line | None = None
    state: Line | None = None


class LoanRequest(BodyModel):
    """An application for a loan."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "customer_id": 1101,
                    "loan_amount": 500000,
                    "loan_tenure_months": 60,
                    "interest_rate": 9.5,
                    "loan_purpose": "Home Renovation",
                }
            ]
        }
    )

    customer_id: Annotated[int, Field(ge=1, lt=10**15)]
    loan_amount: Money
    loan_tenure_months: Months
    interest_rate: Annotated[Percent, Field(description="Per cent a year, nominal.")]
    loan_purpose: LoanPurpose


class Review(BodyModel):
    """A person's decision on an application."""

    code: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,39}$", examples=["income_verified"])]
    note: Annotated[str, Field(min_length=1, max_length=500, pattern=LINE)]


class CounterOffer(Review):
    """Other terms than the customer asked for, and why: the rest of the application stays."""

    loan_amount: Annotated[Money, Field(description="At most what the customer asked for.")]
    loan_tenure_months: Months


class ReviewRequest(BodyModel):
    """An applicant asks for a person, and says why."""

    note: Annotated[str, Field(min_length=1, max_length=500, pattern=LINE)]


class WarningOwner(BodyModel):
    """Who follows an early warning up."""

    owner: Annotated[
        Line | None,
        Field(description="As `principal` in the audit, such as `subject asha`; null: nobody."),
    ]


class WarningSnooze(BodyModel):
    """Until when an early warning is out of the list, and why."""

    until: Annotated[
        Day, Field(description="It is back on this day; at most 90 days after the business date.")
    ]
    note: Annotated[str, Field(min_length=1, max_length=500, pattern=LINE)]


class DatedBody(BodyModel):
    """What every posting may say: when it counts, and its name elsewhere."""

    value_date: Annotated[
        Day | None, Field(description="Without it, the business date; never after it.")
    ] = None
    external_reference: Annotated[
        Reference | None, Field(description="Unique in the loan: a transaction's name elsewhere.")
    ] = None


class DisbursementBody(DatedBody):
    """The money leaves. Without dates, instalments fall due monthly from the value date."""

    first_due_on: Day | None = None
    due_day: Annotated[int | None, Field(ge=1, le=31)] = None


class PaymentBody(DatedBody):
    """A payment was received."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"amount": "10661.85"}]})

    amount: Money


class PrepaymentBody(PaymentBody):
    """A payment ahead of time, and what shall become smaller."""

    option: Literal["reduce_instalment", "reduce_tenure"]


class FeeBody(DatedBody):
    """A fee falls due."""

    amount: Money
    note: Line


class ReversalBody(BodyModel):
    """A posting is taken back."""

    reference: Annotated[str, Field(min_length=1, max_length=128)]
    reason: Line


class WaiverBody(DatedBody):
    """A claim is given up, up to an amount."""

    amount: Money
    component: Literal["penal", "fee", "interest"]
    reason: Line


class WriteOffBody(DatedBody):
    """The loan is taken off the books; `technical` keeps the claim, `settled` gives it up."""

    kind: Literal["technical", "settled"]
    reason: Line


class RescheduleBody(BodyModel):
    """New terms from a due date on."""

    value_date: Day
    months: Months
    interest_rate: Percent
    reason: Line


class ForeclosureBody(DatedBody):
    """The borrower pays everything; the amount is that of the quote for the day."""

    amount: Money


class CollateralBody(BodyModel):
    """Something of value that secures a loan."""

    kind: Annotated[str, Field(min_length=1, max_length=64, pattern=LINE)]
    description: Annotated[str, Field(max_length=500, pattern=LINE)]
    value: Money
    valued_on: Day


class GuarantorBody(BodyModel):
    """Somebody who answers for a loan."""

    full_name: Line
    phone: Annotated[str, Field(pattern=r"^\+?[0-9][0-9 -]{4,30}$")]
    relationship: Annotated[str, Field(min_length=1, max_length=64, pattern=LINE)]
    guaranteed: Money


class StressBody(BodyModel):
    """A scenario by name, or points of one's own."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"scenario": "all_three"}, {"unemployment_rate_points": 3}],
            "not": {
                "required": ["scenario"],
                "anyOf": [{"required": [name]} for name in SCENARIO_INPUTS],
            },
        }
    )

    scenario: ScenarioName | None = None
    interest_rate_points: Points = Decimal(0)
    unemployment_rate_points: Points = Decimal(0)
    loss_given_default_points: Points = Decimal(0)
    rule_set: LossRules = "ifrs9"
    as_of: Annotated[Day | None, Field(description="Without it, the latest report.")] = None

    @model_validator(mode="after")
    def _require_one_scenario(self) -> "StressBody":
        points = self.model_fields_set & {*SCENARIO_INPUTS}
        if self.scenario and points:
            message = f"names a scenario, which has its own {', '.join(sorted(points))}: send one"
            raise _broken(message)
        return self


class PolicyBody(BodyModel):
    """Cut-offs to try, and what a default costs. Approve below the first, decline from the second.

    The lender's own share of a defaulted amount that is lost; no model knows it.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"approve_below": 0.2, "decline_from": 0.4, "loss_given_default": 0.45}]
        }
    )

    approve_below: Annotated[float, Field(gt=0, lt=1)]
    decline_from: Annotated[float, Field(gt=0, lt=1)]
    loss_given_default: Annotated[float, Field(ge=0, le=1)]
    days: Annotated[int, Field(ge=1, le=366)] = 90

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.approve_below > self.decline_from:
            message = "approve_below must not be above decline_from"
            raise _broken(message)
        return self


BODIES: tuple[type[BodyModel], ...] = (
    Registration,
    ContactChange,
    Employment,
    IdentityProof,
    LoanRequest,
    Review,
    CounterOffer,
    ReviewRequest,
    DisbursementBody,
    PaymentBody,
    PrepaymentBody,
    FeeBody,
    ReversalBody,
    WaiverBody,
    WriteOffBody,
    RescheduleBody,
    ForeclosureBody,
    CollateralBody,
    GuarantorBody,
    WarningOwner,
    WarningSnooze,
    StressBody,
    PolicyBody,
)


def body_schemas() -> dict[str, Any]:
    """Return the JSON schema of every body by name."""
    from pydantic.json_schema import models_json_schema  # noqa: PLC0415 -- only the document needs it

    _, document = models_json_schema(
        [(body, "validation") for body in BODIES], ref_template="#/components/schemas/{model}"
    )
    schemas: dict[str, Any] = document["$defs"]
    return schemas
