"""Types of the responses, written by `make client` from docs/openapi-lending.json."""

from datetime import date
from typing import Any, Literal

from pydantic import AwareDatetime

from .response import Response


class FigureLine(Response):
    """
    One line: how many loans, how much money, of what it is a share, and where its loans are.
    """

    key: dict[str, str]
    number: int
    amount: float | str
    of_number: int | None
    of_amount: float | str | None
    share_of_number: float | str | None
    share_of_amount: float | str | None
    meaning: str | None
    next_action: str | None
    loans: str


class MemberReply(Response):
    """
    A loan of a line, and what it adds to its number and its amount.
    """

    loan_id: str
    number: int
    amount: float | str


class StageLoss(Response):
    """
    Loans of one stage; stage 0 is a rule set without stages.
    """

    stage: int
    loans: int
    gross: float | str
    expected_loss: float | str


class AllowanceLines(Response):
    """
    One stage from the report before to this one.
    """

    stage: int
    opening: float | str
    transfers_in: float | str
    transfers_out: float | str
    new: float | str
    remeasured: float | str
    derecognised: float | str
    written_off: float | str
    closing: float | str


class ClassProvision(Response):
    """
    Loans of one class, what they owe in principal, and what is set aside for them.
    """

    asset_class: str
    loans: int
    outstanding: float | str
    covered_provision: float | str
    uncovered_provision: float | str
    provision: float | str


class RiskLoan(Response):
    """
    One loan of a report.
    """

    loan_id: str
    asset_class: str
    stage: int
    days_past_due: int
    months_left: int
    gross: float | str
    outstanding: float | str
    probability_of_default: float | str
    loss_given_default: float | str
    expected_loss: float | str
    provision: float | str


class StressFigures(Response):
    """
    The book before or after: measured today, and projected for a year ahead.
    """

    expected_loss: float
    stage_2_loans: int
    provisions: float
    npa_ratio_percent: float | None
    projected_provisions: float
    projected_npa_ratio_percent: float | None


class WaterfallStep(Response):
    """
    What one input of the scenario adds, after those before it.
    """

    cause: str
    expected_loss: float
    projected_provisions: float
    projected_npa: float


class PolicyFigures(Response):
    """
    What a policy makes of the applications; the last three are of those it approves.
    """

    approved: int
    pending: int
    rejected: int
    approval_rate: float | None
    approved_amount: float
    expected_bad_rate: float | None
    expected_profit: float


class NoticeReply(Response):
    """
    A notice: `paragraphs` in their order, with `reasons` after the one that announces them.
    """

    template: str
    template_version: int
    source: str
    approval: str
    language: str
    application_id: str
    action: str
    lender: str
    lender_address: str
    applied_on: str
    decided_at: AwareDatetime
    loan_amount: str
    loan_tenure_months: int
    loan_purpose: str
    review_path: str | None
    heading: str
    before: list[str]
    reasons: list[str]
    after: list[str]


class WarningReply(Response):
    """
    A warning of the last close, and what became of it.
    """

    reason: str
    meaning: str
    next_action: str
    since: date
    owner: str | None
    snoozed_until: date | None
    snooze_note: str | None
    changed_by: str | None
    changed_at: AwareDatetime | None


class FigureReply(Response):
    """
    A figure: as of when, by which rules, and its lines. Shares are per cents.
    """

    figure: str
    definition: str
    as_of: date
    business_date: date
    read_at: AwareDatetime
    basis: Literal["current", "reported", "restated"]
    rule_sets: list[str]
    restated_loans: int
    chosen: dict[str, str]
    index: float | str | None
    lines: list[FigureLine]


class MembersReply(Response):
    """
    A page of the loans that sum to a line, the newest first.
    """

    figure: str
    as_of: date
    basis: Literal["current", "reported", "restated"]
    chosen: dict[str, str]
    loans: list[MemberReply]
    count: int
    next_cursor: str | None


class ExpectedLossReply(Response):
    """
    Expected loss by stage, its movement, and everything that it rests on.
    """

    as_of: str
    rule_set: str
    provision_rules: str
    made_at: str
    stages: list[StageLoss]
    expected_loss: float | str
    allowance: list[AllowanceLines]
    models: dict[str, int]
    assumptions: dict[str, Any]


class ProvisionsReply(Response):
    """
    Provisions by class, and the ratios of non-performing advances.
    """

    as_of: str
    rule_set: str
    provision_rules: str
    made_at: str
    classes: list[ClassProvision]
    provision: float | str
    gross_advances: float | str
    gross_npa: float | str
    net_npa: float | str
    gross_npa_percent: float | str | None
    net_npa_percent: float | str | None
    coverage_percent: float | str | None


class RiskLoansReply(Response):
    """
    Loans of a report, in the order of their identifiers; `next_after` continues.
    """

    as_of: str
    rule_set: str
    provision_rules: str
    made_at: str
    loans: list[RiskLoan]
    next_after: str | None


class StressReply(Response):
    """
    A stressed book, with all that the answer rests on.
    """

    as_of: str
    rule_set: str
    provision_rules: str
    made_at: str
    loans: int
    scenario: dict[str, str]
    sensitivity: dict[str, str]
    assumption: str
    before: StressFigures
    after: StressFigures
    waterfall: list[WaterfallStep]


class PolicyReply(Response):
    """
    Both policies side by side, and how many applications moved from which answer to which.
    """

    as_of: date
    days: int
    applications: int
    definition: str
    present: PolicyFigures
    moved: PolicyFigures
    changes: list[dict[str, Any]]


class WarnedLoanReply(Response):
    """
    A loan and its warnings.
    """

    loan_id: str
    customer_id: int
    branch_id: int
    outstanding: float | str
    warnings: list[WarningReply]


class WarningsReply(Response):
    """
    A page of loans with warnings, the newest loan first.
    """

    as_of: date
    business_date: date
    loans: list[WarnedLoanReply]
    count: int
    next_cursor: str | None
