"""Types of the responses, written by `make client` from docs/openapi-lending.json."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field

from .response import Response


class CustomerEntry(Response):
    """
    A customer as lists show it.
    """

    customer_id: int
    full_name: str
    email: str
    phone: str
    city: str
    state: str
    date_of_birth: date
    branch_id: int
    version: int
    created_at: AwareDatetime


class EmploymentReply(Response):
    """
    Where the income comes from.
    """

    employer_name: str
    employment_type: str
    monthly_income: float
    years_of_experience: float


class KycReply(Response):
    """
    What was verified; never the number.
    """

    identity_type: str
    last_four: str
    verified_by: str
    verified_at: AwareDatetime
    expires_on: date


class ContributorReply(Response):
    """
    What moved the probability of default, in log-odds; above 0 towards risk.
    """

    feature: str
    impact: float


class PolicyRuleReply(Response):
    """
    A rule of the lender's policy that an external check's answer met.
    """

    check: str
    code: str
    outcome: str
    text: str


class FactorsReply(Response):
    """
    Ratios of the application, all with the instalment that includes interest.
    """

    debt_to_income_ratio: float
    loan_to_income_ratio: float
    monthly_income: float


class LoanReply(Response):
    """
    A loan and what is owed at the end of the business date, as far as it is posted.
    """

    loan_id: str
    application_id: str
    customer_id: int
    branch_id: int
    status: str
    amount: float | str
    months: int
    interest_rate: float | str
    purpose: str
    equal_instalment: float | str
    disbursed: float | str
    repaid_principal: float | str
    written_off_principal: float | str
    outstanding_principal: float | str
    due_principal: float | str
    due_interest: float | str
    due_fees: float | str
    due_penal_charges: float | str
    credit: float | str
    oldest_due: date | None
    days_past_due: int
    asset_class: str
    npa_since: date | None
    rule_set: str
    closed_on: date | None
    as_of: date
    version: int


class InstalmentReply(Response):
    """
    One instalment: what fell or falls due, and what is unpaid of it.
    """

    number: int
    due_on: date
    status: str
    interest: float | str
    principal: float | str
    payment: float | str
    unpaid_interest: float | str
    unpaid_principal: float | str
    unpaid_charges: float | str
    paid: float | str
    met_on: date | None


class VersionReply(Response):
    """
    A schedule that applied from a day on, and the posting that made it.
    """

    number: int
    effective_on: date
    reason: str
    reference: str
    equal_instalment: float | str
    months: int
    total_interest: float | str


class AllocationReply(Response):
    """
    What part of a payment settled which claim.
    """

    number: int
    component: str
    amount: float | str


class QuoteReply(Response):
    """
    What closes a loan on a day.
    """

    loan_id: str
    as_of: date
    due_principal: float | str
    due_interest: float | str
    due_charges: float | str
    undue_principal: float | str
    days: int
    broken_interest: float | str
    prepayment_charge: float | str
    credit: float | str
    total: float | str


class CollateralItem(Response):
    """
    Something of value that secures a loan.
    """

    id: str
    kind: str
    description: str
    value: float | str
    valued_on: date
    created_at: AwareDatetime


class GuarantorItem(Response):
    """
    Somebody who answers for a loan.
    """

    id: str
    full_name: str
    phone: str
    relationship: str
    guaranteed: float | str
    created_at: AwareDatetime


class ItemReply(Response):
    """
    What was added.
    """

    id: str


class PostedReply(Response):
    """
    A posting, what it settled, and the loan after it.
    """

    reference: str
    value_date: date
    business_date: date
    allocations: list[AllocationReply]
    loan: LoanReply


class AwaitingReply(Response):
    """
    Nothing was posted yet: another person has to send the same request.
    """

    status: Literal["awaiting_second_person"]
    request_id: str
    loan_id: str
    action: str
    requested_by: str
    requested_at: AwareDatetime


class LoanStatistics(Response):
    """
    Counts; the approval rate is the share of applications that were ever approved.
    """

    total_applications: int
    total_loans: int
    active_loans: int
    defaulted_loans: int
    approval_rate: float


class FinancialMetrics(Response):
    """
    Sums of money.
    """

    total_disbursed: float
    total_outstanding: float
    total_repaid: float
    total_npa_amount: float


class RiskMetrics(Response):
    """
    Shares in per cent: of principal, of loans, and of what fell due.
    """

    npa_ratio: float
    default_rate: float
    average_emi_payment_rate: float


class ClassShare(Response):
    """
    Active loans of one class.
    """

    count: int
    percentage: float


class RepaymentsReply(Response):
    """
    Payments, and instalments that fell due.
    """

    total_repayments: int
    total_amount: float
    average_amount: float
    instalments_due: int
    instalments_paid: int
    instalments_overdue: int
    on_time_rate: float
    collection_efficiency: float


class CollateralReply(Response):
    """
    What secures the book.
    """

    collateral_types: list[dict[str, Any]]
    secured_loans: int
    total_value: float
    loan_to_value_ratio: float | None


class DistributionReply(Response):
    """
    Loans by purpose and by tenure.
    """

    by_purpose: list[dict[str, Any]]
    by_tenure: list[dict[str, Any]]


class HealthReply(Response):
    """
    Whether the service and its database answer.
    """

    status: str
    database: str
    business_date: date | None


class ReviewItem(Response):
    """
    An application that waits for a person; `distance` is its PD less the cut-off of approval.
    """

    application_id: str
    customer_id: int
    branch_id: int
    loan_amount: float
    loan_tenure_months: int
    loan_purpose: str
    pending_cause: str | None
    waiting_since: AwareDatetime
    risk_probability: float | None
    distance: float | None
    model_outcome: Literal["approved", "pending", "rejected"] | None
    reasons: list[dict[str, Any]]
    requested_by: str | None
    request_note: str | None
    claimed_by: str | None
    claimed_at: AwareDatetime | None
    proposed_by: str | None
    counter_offer: str | None
    version: int


class OverridesReply(Response):
    """
    How often persons overrode model or policy, and what became of those loans.

    A default is a loan that is non-performing, written off or settled; rates are per cent.
    """

    reviewed: int
    overrides: int
    override_rate: float
    override_loans: int
    override_default_rate: float | None
    other_loans: int
    other_default_rate: float | None


class SecondPersonRequest(Response):
    """
    What one person asked for, with all that another one confirms.
    """

    request_id: str
    loan_id: str
    branch_id: int
    action: str
    body: dict[str, Any]
    requested_by: str
    requested_at: AwareDatetime
    refused_by: str | None


class CheckReply(Response):
    """
    What came of asking an external check, and the members of its answer that are used.
    """

    name: str
    outcome: str
    detail: str
    http_status: int | None
    members: dict[str, Any]
    asked_by: str
    created_at: AwareDatetime


class CounterTerms(Response):
    """
    Terms that the model would approve, and what it says of them.
    """

    loan_amount: float
    loan_tenure_months: int
    equal_instalment: float
    risk_probability: float
    credit_score: int


class JournalLineReply(Response):
    """
    One side of an entry: either the debit or the credit is above 0.
    """

    account: str
    debit: float | str
    credit: float | str


class ClassChangeReply(Response):
    """
    A day on which a loan's asset class changed.
    """

    business_date: date
    previous_class: str
    asset_class: str
    npa_since: date | None
    days_past_due: int
    outstanding_principal: float | str
    rule_set: str


class WebhookEndpoint(Response):
    """
    A receiver of events, and how many messages were sent to it; never its secret.
    """

    webhook_id: str
    url: str
    is_rotating: bool
    created_at: AwareDatetime
    disabled_at: AwareDatetime | None
    disabled_reason: str | None
    delivered: int
    waiting: int
    given_up: int


class WebhookSecretReply(Response):
    """
    A receiver and its new secret, which is shown this once.
    """

    webhook_id: str
    secret: str


class WebhookReply(Response):
    """
    The receiver that was changed.
    """

    webhook_id: str


class WebhookMessageReply(Response):
    """
    A message to a receiver: `due_at` is None once it is delivered or given up.
    """

    message_id: str
    type: str
    created_at: AwareDatetime
    attempts: int
    due_at: AwareDatetime | None
    delivered_at: AwareDatetime | None
    last_outcome: str | None


class ReplayReply(Response):
    """
    To how many receivers a message is sent once more.
    """

    message_id: str
    webhooks: int


class ImportReport(Response):
    """
    Lines of a file, how many are in the book now, and the first faults with their lines.
    """

    lines: int
    imported: int
    faulty: int
    faults: list[str]


class AuditEntry(Response):
    """
    Who did what to whom, and when; `detail` holds no personal data.
    """

    at: AwareDatetime
    principal: str
    action: str
    subject: str
    branch_id: int | None
    request_id: str
    detail: dict[str, Any]


class CustomersReply(Response):
    """
    A page of customers.
    """

    customers: list[CustomerEntry]
    total: int
    limit: int
    offset: int


class CustomerDetail(Response):
    """
    A customer with employment and KYC, if there are any.
    """

    customer_id: int
    full_name: str
    email: str
    phone: str
    city: str
    state: str
    date_of_birth: date
    branch_id: int
    version: int
    created_at: AwareDatetime
    employment: EmploymentReply | None
    kyc: KycReply | None


class LoanApplicationReply(Response):
    """
    An application and what was decided on it; null where no model answered.
    """

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
    created_at: AwareDatetime
    counter_to: Annotated[
        str | None, Field(description="The application that this offer of the lender answers.")
    ]


class LoansReply(Response):
    """
    A page of loans, the newest first.
    """

    loans: list[LoanReply]
    count: int
    next_cursor: str | None


class ScheduleReply(Response):
    """
    All instalments of a loan, past and future, and the versions of its schedule.
    """

    loan_id: str
    business_date: date
    equal_instalment: float | str
    instalments: list[InstalmentReply]
    versions: list[VersionReply]


class TransactionReply(Response):
    """
    One posting, and what it settled as the loan stands now: of a payment, which claims.
    """

    reference: str
    kind: str
    value_date: date
    amount: float | str | None
    is_reversed: bool
    posted_by: str
    business_date: date
    created_at: AwareDatetime
    allocations: list[AllocationReply]


class CollateralListReply(Response):
    """
    All collateral of a loan, in the order in which it was recorded.
    """

    loan_id: str
    collateral: list[CollateralItem]


class GuarantorsReply(Response):
    """
    All guarantors of a loan, in the order in which they were recorded.
    """

    loan_id: str
    guarantors: list[GuarantorItem]


class SummaryReply(Response):
    """
    The book on its business date.
    """

    business_date: str
    loan_statistics: LoanStatistics
    financial_metrics: FinancialMetrics
    risk_metrics: RiskMetrics


class NpaReply(Response):
    """
    Active loans by the four documented classes, and by the classes of the rule set.
    """

    npa_classification: dict[str, ClassShare]
    asset_classes: dict[str, ClassShare]
    total_npa_loans: int
    total_npa_amount: float


class ReviewsReply(Response):
    """
    A page of the queue: the oldest first, or what is nearest to the cut-off.
    """

    reviews: list[ReviewItem]
    count: int
    next_cursor: str | None


class SecondPersonRequestsReply(Response):
    """
    What awaits a second person, the oldest first.
    """

    requests: list[SecondPersonRequest]
    count: int


class ChecksReply(Response):
    """
    Every time that an external check was asked about an application.
    """

    application_id: str
    checks: list[CheckReply]


class CounterTermsReply(Response):
    """
    The largest amount that the model would approve, for each number of months it was asked for.

    Nothing is recorded: what is offered is decided as any application is.
    """

    application_id: str
    terms: list[CounterTerms]


class JournalEntryReply(Response):
    """
    What one event did to the accounts. A correction takes an earlier entry back.
    """

    number: int
    value_date: date
    business_date: date
    kind: str
    reference: str
    is_correction: bool
    lines: list[JournalLineReply]


class ClassHistoryReply(Response):
    """
    Every change of a loan's asset class, in their order.
    """

    loan_id: str
    changes: list[ClassChangeReply]


class WebhooksReply(Response):
    """
    All receivers, the newest first.
    """

    webhooks: list[WebhookEndpoint]
    count: int


class WebhookMessagesReply(Response):
    """
    Messages to one receiver, the newest first.
    """

    messages: list[WebhookMessageReply]
    count: int


class AuditReply(Response):
    """
    Entries, the newest first.
    """

    entries: list[AuditEntry]
    count: int
    next_cursor: str | None


class ApplicationsReply(Response):
    """
    A page of applications, the newest first.
    """

    applications: list[LoanApplicationReply]
    count: int
    next_cursor: str | None


class TransactionsReply(Response):
    """
    Everything that was posted on a loan, in the order of posting.
    """

    loan_id: str
    transactions: list[TransactionReply]


class JournalReply(Response):
    """
    A page of a loan's journal, the newest entry first; `next_before` asks for the next one.
    """

    loan_id: str
    entries: list[JournalEntryReply]
    next_before: int | None
