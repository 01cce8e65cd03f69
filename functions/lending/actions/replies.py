"""Replies of the loan book: amounts are text in `/v1`, numbers in the earlier routes."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypedDict


class EmploymentReply(TypedDict):
    """Where the income comes from."""

    employer_name: str
    employment_type: str
    monthly_income: float
    years_of_experience: float


class KycReply(TypedDict):
    """What was verified; never the number."""

    identity_type: str
    last_four: str
    verified_by: str
    verified_at: datetime
    expires_on: date


class CustomerEntry(TypedDict):
    """A customer as lists show it."""

    customer_id: int
    full_name: str
    email: str
    phone: str
    city: str
    state: str
    date_of_birth: date
    branch_id: int
    version: int
    created_at: datetime


class CustomerDetail(CustomerEntry):
    """A customer with employment and KYC, if there are any."""

    employment: EmploymentReply | None
    kyc: KycReply | None


class CustomersReply(TypedDict):
    """A page of customers."""

    customers: list[CustomerEntry]
    total: int
    limit: int
    offset: int


class ContributorReply(TypedDict):
    """What moved the probability of default, in log-odds; above 0 towards risk."""

    feature: str
    impact: float


class PolicyRuleReply(TypedDict):
    """A rule of the lender's policy that an external check's answer met."""

    check: str
    code: str
    outcome: str
    text: str


class FactorsReply(TypedDict):
    """Ratios of the application, all with the instalment that includes interest."""

    debt_to_income_ratio: float
    loan_to_income_ratio: float
    monthly_income: float


class LoanApplicationReply(TypedDict):
    """An application and what was decided on it; null where no model answered."""

    application_id: str
    customer_id: int
    loan_amount: float
    loan_tenure_months: int
    interest_rate: float
    loan_purpose: str
    equal_instalment: float
    status: Literal["Approved", "Pending", "Rejected", "Accepted", "Expired", "Withdrawn"]
    pending_cause: str | None
    credit_score: int | None
    risk_probability: float | None
    risk_level: str | None
    recommendation: str
    model_confidence: float | None
    model: str | None
    model_version: str | None
    decided_by: str | None
    reasons: list[dict[str, Any]]
    contributors: list[ContributorReply]
    policy: list[PolicyRuleReply]
    factors: FactorsReply
    expires_on: date | None
    version: int
    business_date: date
    created_at: datetime
    counter_to: Annotated[
        str | None, Field(description="The application that this offer of the lender answers.")
    ]


class ApplicationsReply(TypedDict):
    """A page of applications, the newest first."""

    applications: list[LoanApplicationReply]
    count: int
    next_cursor: str | None


class CheckReply(TypedDict):
    """What came of asking an external check, and the members of its answer that are used."""

    name: str
    outcome: str
    detail: str
    http_status: int | None
    members: dict[str, Any]
    asked_by: str
    created_at: datetime


class ChecksReply(TypedDict):
    """Every time that an external check was asked about an application."""

    application_id: str
    checks: list[CheckReply]


class LoanReply(TypedDict):
    """A loan and what is owed at the end of the business date, as far as it is posted."""

    loan_id: str
    application_id: str
    customer_id: int
    branch_id: int
    status: str
    amount: Decimal
    months: int
    interest_rate: Decimal
    purpose: str
    equal_instalment: Decimal
    disbursed: Decimal
    repaid_principal: Decimal
    written_off_principal: Decimal
    outstanding_principal: Decimal
    due_principal: Decimal
    due_interest: Decimal
    due_fees: Decimal
    due_penal_charges: Decimal
    credit: Decimal
    oldest_due: date | None
    days_past_due: int
    asset_class: str
    npa_since: date | None
    rule_set: str
    closed_on: date | None
    as_of: date
    version: int


class LoansReply(TypedDict):
    """A page of loans, the newest first."""

    loans: list[LoanReply]
    count: int
    next_cursor: str | None


class AllocationReply(TypedDict):
    """What part of a payment settled which claim."""

    number: int
    component: str
    amount: Decimal


class PostedReply(TypedDict):
    """A posting, what it settled, and the loan after it."""

    reference: str
    value_date: date
    business_date: date
    allocations: list[AllocationReply]
    loan: LoanReply


class InstalmentReply(TypedDict):
    """One instalment: what fell or falls due, and what is unpaid of it."""

    number: int
    due_on: date
    status: str
    interest: Decimal
    principal: Decimal
    payment: Decimal
    unpaid_interest: Decimal
    unpaid_principal: Decimal
    unpaid_charges: Decimal
    paid: Decimal
    met_on: date | None


class VersionReply(TypedDict):
    """A schedule that applied from a day on, and the posting that made it."""

    number: int
    effective_on: date
    reason: str
    reference: str
    equal_instalment: Decimal
    months: int
    total_interest: Decimal


class ScheduleReply(TypedDict):
    """All instalments of a loan, past and future, and the versions of its schedule."""

    loan_id: str
    business_date: date
    equal_instalment: Decimal
    instalments: list[InstalmentReply]
    versions: list[VersionReply]


class TransactionReply(TypedDict):
    """One posting, and what it settled as the loan stands now: of a payment, which claims."""

    reference: str
    kind: str
    value_date: date
    amount: Decimal | None
    is_reversed: bool
    posted_by: str
    business_date: date
    created_at: datetime
    allocations: list[AllocationReply]


class TransactionsReply(TypedDict):
    """Everything that was posted on a loan, in the order of posting."""

    loan_id: str
    transactions: list[TransactionReply]


class JournalLineReply(TypedDict):
    """One side of an entry: either the debit or the credit is above 0."""

    account: str
    debit: Decimal
    credit: Decimal


class JournalEntryReply(TypedDict):
    """What one event did to the accounts. A correction takes an earlier entry back."""

    number: int
    value_date: date
    business_date: date
    kind: str
    reference: str
    is_correction: bool
    lines: list[JournalLineReply]


class JournalReply(TypedDict):
    """A page of a loan's journal, the newest entry first; `next_before` asks for the next one."""

    loan_id: str
    entries: list[JournalEntryReply]
    next_before: int | None


class ClassChangeReply(TypedDict):
    """A day on which a loan's asset class changed."""

    business_date: date
    previous_class: str
    asset_class: str
    npa_since: date | None
    days_past_due: int
    outstanding_principal: Decimal
    rule_set: str


class ClassHistoryReply(TypedDict):
    """Every change of a loan's asset class, in their order."""

    loan_id: str
    changes: list[ClassChangeReply]


class QuoteReply(TypedDict):
    """What closes a loan on a day."""

    loan_id: str
    as_of: date
    due_principal: Decimal
    due_interest: Decimal
    due_charges: Decimal
    undue_principal: Decimal
    days: int
    broken_interest: Decimal
    prepayment_charge: Decimal
    credit: Decimal
    total: Decimal


class CollateralItem(TypedDict):
    """Something of value that secures a loan."""

    id: str
    kind: str
    description: str
    value: Decimal
    valued_on: date
    created_at: datetime


class CollateralListReply(TypedDict):
    """All collateral of a loan, in the order in which it was recorded."""

    loan_id: str
    collateral: list[CollateralItem]


class GuarantorItem(TypedDict):
    """Somebody who answers for a loan."""

    id: str
    full_name: str
    phone: str
    relationship: str
    guaranteed: Decimal
    created_at: datetime


class GuarantorsReply(TypedDict):
    """All guarantors of a loan, in the order in which they were recorded."""

    loan_id: str
    guarantors: list[GuarantorItem]


class ItemReply(TypedDict):
    """What was added."""

    id: str


class HealthReply(TypedDict):
    """Whether the service and its database answer."""

    status: str
    database: str
    business_date: date | None
