"""One loan, by `?id=` in the URL: figures, schedule, transactions, security, actions."""

import streamlit as st

from functions.client import lending_endpoints as book
from functions.client.lending_responses import LoanReply, ScheduleReply
from functions.dashboard.api import Api
from functions.dashboard.components.action_form import action_forms
from functions.dashboard.components.charts import line_chart
from functions.dashboard.components.loan_history import classes, journal, postings
from functions.dashboard.components.tables import plain_table
from functions.dashboard.display import day, money, percent, t, words
from functions.dashboard.frame import business_date, link, page
from functions.dashboard.lists import instalment_rows


def header(api: Api, loan: LoanReply) -> None:
    """Show status, class and what is owed."""
    figures = (
        ("status", words(loan.status)),
        ("asset_class", words(loan.asset_class)),
        ("dpd", str(loan.days_past_due)),
        ("instalment", money(loan.equal_instalment)),
        ("outstanding", money(loan.outstanding_principal)),
        ("due_principal", money(loan.due_principal)),
        ("due_interest", money(loan.due_interest)),
        ("due_fees", money(loan.due_fees)),
        ("due_penal", money(loan.due_penal_charges)),
        ("credit", money(loan.credit)),
        ("disbursed", money(loan.disbursed)),
        ("oldest_due", day(loan.oldest_due)),
    )
    for start in range(0, len(figures), 4):
        part = figures[start : start + 4]
        for column, (name, value) in zip(st.columns(4), part, strict=True):
            column.metric(t(f"columns.{name}"), value, border=True)
    terms = t(
        "loan.terms",
        amount=money(loan.amount),
        months=loan.months,
        rate=percent(loan.interest_rate),
        purpose=loan.purpose,
        rules=loan.rule_set,
    )
    st.caption(terms)
    left, right, _ = st.columns(3)
    with left:
        link(api, "applicant", t("case.applicant"), id=loan.customer_id)
    with right:
        link(api, "application", t("loan.application"), id=loan.application_id)


def schedule(reply: ScheduleReply) -> None:
    """Show the instalments, and the versions of the schedule."""
    rows = instalment_rows(reply.instalments)
    balance = [
        {"due": day(i.due_on), "principal": float(i.principal), "interest": float(i.interest)}
        for i in reply.instalments
    ]
    line_chart("schedule", balance, "due", ("principal", "interest"))
    plain_table(rows, "schedule", empty=t("loan.no_schedule"))
    versions = [
        {
            t("columns.number"): v.number,
            t("columns.value_date"): day(v.effective_on),
            t("columns.kind"): words(v.reason),
            t("columns.instalment"): money(v.equal_instalment),
            t("columns.months"): v.months,
            t("columns.interest"): money(v.total_interest),
        }
        for v in reply.versions
    ]
    st.markdown(f"**{t('loan.versions')}**")
    plain_table(versions, "schedule-versions", empty=t("loan.no_schedule"))


def security(api: Api, identifier: str) -> None:
    """Show collateral and guarantors."""
    st.markdown(f"**{t('loan.collateral')}**")
    items = [
        {
            t("columns.kind"): words(c.kind),
            t("loan.description"): c.description,
            t("case.value"): money(c.value),
            t("columns.value_date"): day(c.valued_on),
        }
        for c in api.lending(book.collateral(identifier)).collateral
    ]
    plain_table(items, "loan-collateral", empty=t("loan.no_collateral"))
    st.markdown(f"**{t('loan.guarantors')}**")
    people = [
        {
            t("register.name"): g.full_name,
            t("loan.relationship"): g.relationship,
            t("case.value"): money(g.guaranteed),
        }
        for g in api.lending(book.guarantors(identifier)).guarantors
    ]
    plain_table(people, "loan-guarantors", empty=t("loan.no_guarantors"))


def main() -> None:
    """Show the loan that the URL names."""
    with page("loan") as api:
        identifier = st.query_params.get("id")
        if not identifier:
            st.info(t("frame.no_id"), icon=":material/link_off:")
            return
        loan = api.lending(book.loan(identifier))
        st.caption(f"`{identifier}`")
        header(api, loan)
        names = ("actions", "schedule", "transactions", "journal", "classes", "security")
        tabs = st.tabs([t(f"loan.{name}") for name in names])
        with tabs[0]:
            action_forms(api, loan, business_date(api))
        with tabs[1]:
            schedule(api.lending(book.schedule(identifier)))
        with tabs[2]:
            postings(api, identifier)
        with tabs[3]:
            journal(api, identifier)
        with tabs[4]:
            classes(api, identifier)
        with tabs[5]:
            security(api, identifier)


main()
