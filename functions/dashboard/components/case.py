"""One application: what was decided, why, what would change it, and what can be done now."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from http import HTTPStatus
from typing import Any

import streamlit as st

from functions.client import endpoints
from functions.client import lending_endpoints as book
from functions.client.endpoints import RequestIdentity
from functions.client.errors import RefusedError
from functions.client.lending_responses import (
    CustomerDetail,
    LoanApplicationReply,
    ReviewItem,
)
from functions.client.responses import Contribution
from functions.dashboard.api import Api
from functions.dashboard.application_row import (
    applications_from_row,
    offered_schedule,
    other_instalments,
    row_from_application,
)
from functions.dashboard.components.case_actions import case_actions
from functions.dashboard.components.charts import WaterfallLook, bar_chart, waterfall
from functions.dashboard.components.decision import (
    decision_banner,
    reason_sentences,
    recommendation,
)
from functions.dashboard.components.notice import notice_part
from functions.dashboard.components.simulation import (
    change_sentences,
    read_recourses,
    show_simulation,
)
from functions.dashboard.components.tables import plain_table
from functions.dashboard.display import day, money, number, percent, t, words
from functions.dashboard.frame import business_date, guarded, link
from models.lending.money import ZERO
from models.lending.ratios import fixed_obligations_percent

MOST_STEPS = 8
UNDECIDED = "Pending"


@dataclass(frozen=True, slots=True)
class Background:
    """The customer, what the customer's other loans here take a month, and who reviews the case."""

    customer: CustomerDetail
    others: Decimal
    review: ReviewItem | None

    def row(self, application: LoanApplicationReply) -> dict[str, Any] | None:
        """Return what the model is asked today; None without an employment."""
        if self.customer.employment is None:
            return None
        return row_from_application(self.customer, application, self.others)


def read_background(api: Api, application: LoanApplicationReply) -> Background:
    """Read what stands behind an application."""
    customer = api.lending(book.customer(application.customer_id))
    loans = api.lending(book.loans(customer_id=application.customer_id)).loans
    since = [loan for loan in loans if loan.application_id != application.application_id]
    return Background(customer, other_instalments(since), read_review(api, application))


def read_review(api: Api, application: LoanApplicationReply) -> ReviewItem | None:
    """Read the case in the queue, for whoever may decide it; None once somebody has."""
    if application.status != UNDECIDED or not api.user.may("decide"):
        return None
    try:
        return api.lending(book.review(application.application_id))
    except RefusedError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        return None


def show_case(api: Api, application: LoanApplicationReply) -> None:
    """Show an application."""
    behind = read_background(api, application)
    name = f"{behind.customer.full_name} · {application.customer_id}"
    link(api, "applicant", name, id=application.customer_id)
    decision_banner(application)
    if behind.review:
        recommendation(behind.review)
    row = behind.row(application) if api.explains and application.credit_score else None
    left, right = st.columns(2)
    with left:
        reason_sentences(application, has_codes=True)
        if row and application.status in {UNDECIDED, "Rejected"}:
            st.subheader(t("recourse.title"))
            with guarded():
                change_sentences(read_recourses(api, row).recourses[0])
        if application.status == "Rejected":
            notice_part(api, application, is_staff=True)
    with right:
        show_terms(api, application, behind.others)
    case_actions(api, application, behind.review)
    show_checks(api, application)
    if application.status in {"Approved", UNDECIDED}:
        show_schedule(application, business_date(api))
    if row:
        explain(api, application, row)
    elif application.contributors:
        show_contributors(application)


def show_terms(api: Api, application: LoanApplicationReply, others: Decimal) -> None:
    """Show what was applied for, what it takes of the income, and by whom it was decided."""
    st.subheader(t("case.terms"))
    factors = application.factors
    instalment, income = (
        Decimal(str(v)) for v in (application.equal_instalment, factors.monthly_income)
    )
    all_instalments = fixed_obligations_percent(instalment, others, income) if income else None
    # Of a person who must decide, the model is not the one who has.
    is_open = application.status == UNDECIDED or application.decided_by is None
    decided_by = t("decision.nobody") if is_open else application.decided_by
    model = f"{application.model} {application.model_version}" if application.model else "–"  # noqa: RUF001
    rows = [
        (t("columns.amount"), money(application.loan_amount)),
        (t("columns.months"), str(application.loan_tenure_months)),
        (t("columns.rate"), percent(application.interest_rate)),
        (t("columns.purpose"), application.loan_purpose),
        (t("case.income"), money(factors.monthly_income)),
        (t("decision.instalment"), money(instalment)),
        (t("case.others"), money(others)),
        (t("case.dti"), percent(factors.debt_to_income_ratio)),
        (t("case.foir"), percent(all_instalments)),
        (t("case.lti"), f"{factors.loan_to_income_ratio:.2f}"),
        (t("columns.applied_on"), day(application.business_date)),
        (t("case.expires"), day(application.expires_on)),
        (t("case.decided_by"), decided_by),
        (t("case.model"), model),
    ]
    table = [{t("case.what"): name, t("case.value"): value} for name, value in rows]
    plain_table(table, f"terms-{application.application_id[:12]}")
    if application.counter_to:
        link(api, "application", t("counter.answers"), id=application.counter_to)


def show_checks(api: Api, application: LoanApplicationReply) -> None:
    """Show what policy rules and external checks said, if there are any."""
    policy = [
        {
            t("case.check"): words(rule.check),
            t("case.outcome"): words(rule.outcome),
            t("case.detail"): rule.text,
        }
        for rule in application.policy
    ]
    answers = [
        {
            t("case.check"): words(check.name),
            t("case.outcome"): words(check.outcome),
            t("case.detail"): check.detail,
        }
        for check in api.lending(book.checks(application.application_id)).checks
    ]
    if policy or answers:
        st.subheader(t("case.checks"))
        plain_table([*policy, *answers], "checks")


def show_schedule(application: LoanApplicationReply, day: date) -> None:
    """Show the instalments if the loan were paid out on the business date."""
    with st.expander(t("case.schedule", day=day.isoformat())):
        rows = [
            {
                t("columns.number"): row.number,
                t("columns.due_on"): row.due_on.isoformat(),
                t("columns.principal"): money(row.principal),
                t("columns.interest"): money(row.interest),
                t("columns.payment"): money(row.payment),
            }
            for row in offered_schedule(application, day).instalments
        ]
        plain_table(rows, "offered-schedule")


def explain(api: Api, application: LoanApplicationReply, row: dict[str, Any]) -> None:
    """Show the waterfall to the score, and try other values.

    The row is what is known today. If the customer's circumstances have changed since, the model
    gives another score: then what was recorded at the decision is shown instead.
    """
    identity = RequestIdentity(idempotency_key=f"explain {application.application_id}")
    with guarded():
        request = endpoints.explain(applications_from_row(row), identity, picture=False)
        reply = api.scoring(request)
        same = reply.predictions[0].credit_score == application.credit_score
        if same and reply.predictions[0].model_version == application.model_version:
            explanation = reply.explanations[0]
            points = Decimal(str(explanation.base.credit_score))
            base = (t(f"charts.{explanation.base_of}"), points)
            look = WaterfallLook(
                total=t("charts.total"),
                values=t("charts.points"),
                write=lambda v: f"{v:.1f}",
                is_amount=False,
            )
            waterfall("score", steps_from_contributions(explanation.contributions), base, look)
            st.caption(t(f"charts.{explanation.base_of}_help"))
        else:
            st.info(t("case.changed"), icon=":material/history:")
            show_contributors(application)
        show_simulation(api, row, application.application_id)


def steps_from_contributions(contributions: list[Contribution]) -> list[tuple[str, Decimal]]:
    """Return the largest contributions in points, sorted, and the sum of the others last."""
    ranked = [
        (words(c.characteristic), Decimal(str(c.points)))
        for c in sorted(contributions, key=lambda c: -abs(c.points))
    ]
    steps = [(name, points) for name, points in ranked[:MOST_STEPS] if points]
    others = sum((points for _, points in ranked[MOST_STEPS:]), ZERO)
    return [*steps, (t("charts.others"), others)] if others else steps


def show_contributors(application: LoanApplicationReply) -> None:
    """Show what was recorded at the decision: effects in log-odds."""
    rows = [
        {"feature": words(c.feature), "log-odds": number(round(c.impact, 4))}
        for c in sorted(application.contributors, key=lambda c: -abs(c.impact))
    ]
    st.caption(t("case.log_odds"))
    numbers = [{**row, "log-odds": float(row["log-odds"].replace(",", ""))} for row in rows]
    bar_chart("contributors", numbers, "feature", "log-odds")
