"""Requests to the loan book: values that `Surety.request` sends, each with its response's type.

Money in a body is text, such as `"10661.85"`: no digit is lost on the way.
"""

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Literal
from urllib.parse import urlencode

from .endpoints import Call, ResponseType
from .lending_responses import (
    AllocationReply,
    ApplicationsReply,
    ChecksReply,
    ClassHistoryReply,
    CollateralListReply,
    CollateralReply,
    CounterTermsReply,
    CustomerDetail,
    CustomersReply,
    DistributionReply,
    GuarantorsReply,
    HealthReply,
    JournalReply,
    LoanApplicationReply,
    LoanReply,
    LoansReply,
    NpaReply,
    OverridesReply,
    QuoteReply,
    RepaymentsReply,
    ReviewItem,
    ReviewsReply,
    ScheduleReply,
    SecondPersonRequest,
    SecondPersonRequestsReply,
    SummaryReply,
    TransactionsReply,
)
from .portfolio_responses import (
    ExpectedLossReply,
    FigureReply,
    MembersReply,
    NoticeReply,
    PolicyReply,
    ProvisionsReply,
    RiskLoansReply,
    StressReply,
    WarningReply,
    WarningsReply,
)
from .response import Response
from .rules_responses import RulesReply

Json = Mapping[str, object]
LoanAction = Literal[
    "disburse",
    "repay",
    "prepay",
    "close",
    "charge",
    "reverse",
    "waive",
    "write_off",
    "reschedule",
]
ReviewOrder = Literal["age", "distance"]
Judgement = Literal["approve", "reject"]
FigureName = Literal[
    "par",
    "ageing",
    "asset-classes",
    "collection-efficiency",
    "concentration",
    "next-npa",
    "early-warning",
    "month-ageing",
    "month-asset-classes",
    "npa-movement",
    "roll-rates",
    "cure-rates",
    "vintages",
    "cohorts",
]
LossRules = Literal["ifrs9", "cecl", "cecl_dcf", "rbi_ecl_2026"]
STRESS, POLICY = "/api/portfolio/stress", "/api/portfolio/policy-whatif"
# These are sent by POST and change nothing.
QUESTIONS = frozenset({STRESS, POLICY})


class ActionReply(Response):
    """What an action on a loan did, or that it waits for a second person: then `loan` is None."""

    reference: str | None = None
    allocations: tuple[AllocationReply, ...] = ()
    loan: LoanReply | None = None
    status: str | None = None
    requested_by: str | None = None
    requested_at: datetime | None = None


def summary() -> Call[SummaryReply]:
    """Request the sums of the book."""
    return _get("/api/portfolio/summary", SummaryReply)


def asset_classes() -> Call[NpaReply]:
    """Request active loans by asset class."""
    return _get("/api/portfolio/npa-analysis", NpaReply)


def repayments() -> Call[RepaymentsReply]:
    """Request payments, and what fell due."""
    return _get("/api/portfolio/repayment-stats", RepaymentsReply)


def collateral_sums() -> Call[CollateralReply]:
    """Request collateral by kind."""
    return _get("/api/portfolio/collateral-analysis", CollateralReply)


def distribution() -> Call[DistributionReply]:
    """Request loans by purpose and by tenure."""
    return _get("/api/portfolio/loan-distribution", DistributionReply)


def figure(name: FigureName, **choices: str | int | None) -> Call[FigureReply]:
    """Request a figure of the book: its lines, for what was chosen."""
    return _get(f"/v1/portfolio/{name}", FigureReply, **choices)


def figure_loans(name: FigureName, **line: str | int | None) -> Call[MembersReply]:
    """Request a page of the loans that sum to the line of a figure, by its keys and choices."""
    return _get(f"/v1/portfolio/{name}/loans", MembersReply, **line)


def early_warnings(**filters: str | int | None) -> Call[WarningsReply]:
    """Request a page of loans with their warnings: by `loan`, `reason`, `owner`, `snoozed`."""
    return _get("/v1/warnings", WarningsReply, **filters)


def assign_warning(loan: str, reason: str, owner: str | None) -> Call[WarningReply]:
    """Say who follows a warning up; None gives it back."""
    return _post(f"/v1/loans/{loan}/warnings/{reason}:assign", {"owner": owner}, WarningReply)


def snooze_warning(loan: str, reason: str, until: date, note: str) -> Call[WarningReply]:
    """Take a warning out of the list until a day."""
    body = {"until": until.isoformat(), "note": note}
    return _post(f"/v1/loans/{loan}/warnings/{reason}:snooze", body, WarningReply)


def wake_warning(loan: str, reason: str) -> Call[WarningReply]:
    """Put a snoozed warning back into the list."""
    return _post(f"/v1/loans/{loan}/warnings/{reason}:wake", None, WarningReply)


def provisions(rule_set: LossRules, as_of: date | None = None) -> Call[ProvisionsReply]:
    """Request provisions by asset class: of a day's report, or of the latest one."""
    return _get("/v1/portfolio/provisions", ProvisionsReply, rule_set=rule_set, as_of=as_of)


def expected_loss(rule_set: LossRules, as_of: date | None = None) -> Call[ExpectedLossReply]:
    """Request expected loss by stage: of a day's report, or of the latest one."""
    return _get("/v1/portfolio/expected-loss", ExpectedLossReply, rule_set=rule_set, as_of=as_of)


def risk_loans(**chosen: str | int | None) -> Call[RiskLoansReply]:
    """Request a page of a report's loans: by `rule_set`, `as_of`, `stage` and `asset_class`."""
    return _get("/v1/portfolio/expected-loss/loans", RiskLoansReply, **chosen)


def stress(scenario: Json) -> Call[StressReply]:
    """Request the book under a scenario."""
    return _post(STRESS, scenario, StressReply)


def move_cutoffs(policy: Json) -> Call[PolicyReply]:
    """Request what other cut-offs make of the applications of the last days."""
    return _post(POLICY, policy, PolicyReply)


def notice(identifier: str, template: str) -> Call[NoticeReply]:
    """Request the notice of a declined application, by a template."""
    return _get(f"/v1/applications/{identifier}/notice", NoticeReply, template=template)


def health() -> Call[HealthReply]:
    """Request whether service and database answer, and the business date."""
    return _get("/health", HealthReply)


def customers(*, limit: int = 50, offset: int = 0) -> Call[CustomersReply]:
    """Request a page of customers."""
    return _get("/api/customers/", CustomersReply, limit=limit, offset=offset)


def customer(number: int) -> Call[CustomerDetail]:
    """Request one customer."""
    return _get(f"/api/customers/{number}", CustomerDetail)


def register(person: Json) -> Call[CustomerDetail]:
    """Register a customer."""
    return _post("/api/customers/register", person, CustomerDetail)


def applications(
    *, status: str | None = None, customer_id: int | None = None, cursor: str | None = None
) -> Call[ApplicationsReply]:
    """Request a page of applications."""
    path = "/api/loans/applications"
    return _get(path, ApplicationsReply, status=status, customer_id=customer_id, cursor=cursor)


def application(identifier: str) -> Call[LoanApplicationReply]:
    """Request one application."""
    return _get(f"/api/loans/applications/{identifier}", LoanApplicationReply)


def apply(request: Json, key: str) -> Call[LoanApplicationReply]:
    """Apply for a loan, and have it decided."""
    return _post("/api/loans/apply", request, LoanApplicationReply, key)


def judge(
    identifier: str, judgement: Judgement, review: Json, version: int
) -> Call[LoanApplicationReply]:
    """Approve or reject a pending application of this version, as a person."""
    path = f"/v1/applications/{identifier}:{judgement}"
    return _post(path, review, LoanApplicationReply, None, {"If-Match": f'"{version}"'})


def decide(identifier: str) -> Call[LoanApplicationReply]:
    """Have the scoring function asked again."""
    return _post(f"/v1/applications/{identifier}:decide", None, LoanApplicationReply)


def withdraw(identifier: str) -> Call[LoanApplicationReply]:
    """Withdraw an application."""
    return _post(f"/v1/applications/{identifier}:withdraw", None, LoanApplicationReply)


def checks(identifier: str) -> Call[ChecksReply]:
    """Request what external checks answered about an application."""
    return _get(f"/v1/applications/{identifier}/checks", ChecksReply)


def reviews(*, order: ReviewOrder = "age", cursor: str | None = None) -> Call[ReviewsReply]:
    """Request applications that wait for a person, by age or by distance to a cut-off."""
    return _get("/v1/reviews", ReviewsReply, order=order, cursor=cursor)


def review(identifier: str) -> Call[ReviewItem]:
    """Request who looks at a pending application."""
    return _get(f"/v1/applications/{identifier}/review", ReviewItem)


def overrides() -> Call[OverridesReply]:
    """Request how often persons decided against the model, and how those loans fared."""
    return _get("/v1/reviews/overrides", OverridesReply)


def claim(identifier: str) -> Call[LoanApplicationReply]:
    """Take an application out of the queue, to decide it oneself."""
    return _post(f"/v1/applications/{identifier}:claim", None, LoanApplicationReply)


def release(identifier: str) -> Call[LoanApplicationReply]:
    """Put a claimed application back into the queue."""
    return _post(f"/v1/applications/{identifier}:release", None, LoanApplicationReply)


def counter_terms(identifier: str) -> Call[CounterTermsReply]:
    """List terms at which the model would approve an application that waits for a person."""
    return _get(f"/v1/applications/{identifier}/counter_terms", CounterTermsReply)


def counter_offer(
    identifier: str, version: int, offer: Mapping[str, object]
) -> Call[LoanApplicationReply]:
    """Offer other terms: `loan_amount`, `loan_tenure_months`, `code` and `note`."""
    path = f"/v1/applications/{identifier}:counter_offer"
    return _post(path, offer, LoanApplicationReply, None, {"If-Match": f'"{version}"'})


def request_review(identifier: str, note: str) -> Call[LoanApplicationReply]:
    """Ask that a person looks at a decision."""
    path = f"/v1/applications/{identifier}:request_review"
    return _post(path, {"note": note}, LoanApplicationReply)


def second_person_requests() -> Call[SecondPersonRequestsReply]:
    """Request actions that wait for a second person."""
    return _get("/v1/requests", SecondPersonRequestsReply)


def confirm(identifier: str, key: str) -> Call[ActionReply]:
    """Confirm what another person requested: then it is posted."""
    return _post(f"/v1/requests/{identifier}:confirm", None, ActionReply, key)


def refuse(identifier: str) -> Call[SecondPersonRequest]:
    """Refuse what another person requested."""
    return _post(f"/v1/requests/{identifier}:refuse", None, SecondPersonRequest)


def accept(identifier: str, key: str) -> Call[LoanReply]:
    """Accept an offer: it becomes a loan."""
    return _post(f"/v1/applications/{identifier}:accept", None, LoanReply, key)


def loans(
    *, status: str | None = None, customer_id: int | None = None, cursor: str | None = None
) -> Call[LoansReply]:
    """Request a page of loans."""
    path = "/api/loans/loans"
    return _get(path, LoansReply, status=status, customer_id=customer_id, cursor=cursor)


def loan(identifier: str) -> Call[LoanReply]:
    """Request one loan."""
    return _get(f"/v1/loans/{identifier}", LoanReply)


def schedule(identifier: str) -> Call[ScheduleReply]:
    """Request the instalments of a loan."""
    return _get(f"/v1/loans/{identifier}/schedule", ScheduleReply)


def transactions(identifier: str) -> Call[TransactionsReply]:
    """Request what was posted on a loan."""
    return _get(f"/v1/loans/{identifier}/transactions", TransactionsReply)


def journal(identifier: str, *, before: int | None = None) -> Call[JournalReply]:
    """Request a page of a loan's journal, the newest entry first."""
    return _get(f"/v1/loans/{identifier}/journal", JournalReply, before=before)


def class_history(identifier: str) -> Call[ClassHistoryReply]:
    """Request every change of a loan's asset class."""
    return _get(f"/v1/loans/{identifier}/classes", ClassHistoryReply)


def rules() -> Call[RulesReply]:
    """Request products and rule sets."""
    return _get("/v1/rules", RulesReply)


def quote(identifier: str) -> Call[QuoteReply]:
    """Request what closes a loan on the business date."""
    return _get(f"/v1/loans/{identifier}/quote", QuoteReply)


def collateral(identifier: str) -> Call[CollateralListReply]:
    """Request what secures a loan."""
    return _get(f"/v1/loans/{identifier}/collateral", CollateralListReply)


def guarantors(identifier: str) -> Call[GuarantorsReply]:
    """Request who answers for a loan."""
    return _get(f"/v1/loans/{identifier}/guarantors", GuarantorsReply)


def act(identifier: str, action: LoanAction, body: Json | None, key: str) -> Call[ActionReply]:
    """Post something on a loan, once for each key."""
    return _post(f"/v1/loans/{identifier}:{action}", body, ActionReply, key)


def _get(path: str, response: type[ResponseType], **query: object) -> Call[ResponseType]:
    sent = urlencode({name: value for name, value in query.items() if value is not None})
    return Call(method="GET", path=f"{path}?{sent}" if sent else path, response=response)


def _post(
    path: str,
    body: Json | None,
    response: type[ResponseType],
    key: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Call[ResponseType]:
    content = {"Content-Type": "application/json"} if body is not None else {}
    keyed = {"Idempotency-Key": key} if key is not None else {}
    return Call(
        method="POST",
        path=path,
        response=response,
        headers={**content, **keyed, **(headers or {})},
        body=None if body is None else json.dumps(body, allow_nan=False).encode(),
    )
