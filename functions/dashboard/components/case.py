"""One application: what was decided, why, what would change it, and what can be done now."""

from datetime import date
from decimal import Decimal

import streamlit as st

from functions.client import endpoints
from functions.client import lending_endpoints as book
from functions.client.endpoints import RequestIdentity
from functions.client.lending_responses import LoanApplicationReply
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
from functions.dashboard.components.decision import decision_banner, reason_sentences
from functions.dashboard.components.notice import notice_part
from functions.dashboard.components.simulation import show_recourse
from functions.dashboard.components.tables import plain_table
from functions.dashboard.display import day, money, number, percent, t, words
from functions.dashboard.frame import business_date, guarded, link
from models.lending.money import ZERO

MOST_STEPS = 8


def show_case(api: Api, application: LoanApplicationReply) -> None:
    """Show an application."""
    decision_banner(application)
    left, right = st.columns(2)
    with left:
        reason_sentences(application, has_codes=True)
        if application.status == "Rejected":
            notice_part(api, application, is_staff=True)
    with right:
        show_terms(api, application)
    case_actions(api, application)
    show_checks(api, application)
    if application.status in {"Approved", "Pending"}:
        show_schedule(application, business_date(api))
    if api.explains and application.credit_score is not None:
        explain(api, application)
    elif application.contributors:
        show_contributors(application)


def show_terms(api: Api, application: LoanApplicationReply) -> None:
    """Show what was applied for, and by whom it was decided."""
    st.subheader(t("case.terms"))
    factors = application.factors
    decided_by = application.decided_by or t("decision.none")
    model = f"{application.model} {application.model_version}" if application.model else "–"  # noqa: RUF001
    rows = [
        (t("columns.amount"), money(application.loan_amount)),
        (t("columns.months"), str(application.loan_tenure_months)),
        (t("columns.rate"), percent(application.interest_rate)),
        (t("columns.purpose"), application.loan_purpose),
        (t("case.income"), money(factors.monthly_income)),
        (t("apply.dti"), percent(factors.debt_to_income_ratio)),
        (t("apply.lti"), f"{factors.loan_to_income_ratio:.2f}"),
        (t("columns.applied_on"), day(application.business_date)),
        (t("case.expires"), day(application.expires_on)),
        (t("case.decided_by"), decided_by),
        (t("case.model"), model),
    ]
    table = [{t("case.what"): name, t("case.value"): value} for name, value in rows]
    plain_table(table, f"terms-{application.application_id[:12]}")
    link(api, "applicant", t("case.applicant"), id=application.customer_id)
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


def explain(api: Api, application: LoanApplicationReply) -> None:
    """Show the waterfall to the score, and what would change the decision.

    The row is what is known today. If the customer's circumstances have changed since, the model
    gives another score: then what was recorded at the decision is shown instead.
    """
    customer = api.lending(book.customer(application.customer_id))
    loans = api.lending(book.loans(customer_id=application.customer_id)).loans
    if customer.employment is None:
        return
    since = [loan for loan in loans if loan.application_id != application.application_id]
    row = row_from_application(customer, application, other_instalments(since))
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
        else:
            st.info(t("case.changed"), icon=":material/history:")
            show_contributors(application)
        show_recourse(api, row, application.application_id)


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
