"""A customer's own view: applications, what was decided in plain words, what would change it."""

import streamlit as st

from functions.client import lending_endpoints as book
from functions.client.lending_responses import LoanApplicationReply
from functions.dashboard.api import Api
from functions.dashboard.application_row import PURPOSES
from functions.dashboard.components.case_actions import case_actions
from functions.dashboard.components.decision import reason_sentences
from functions.dashboard.components.notice import notice_part
from functions.dashboard.components.own_recourse import own_recourse
from functions.dashboard.components.terms import months_field, rate_field
from functions.dashboard.display import day, money, t
from functions.dashboard.frame import form_key, notice_after, one_line, page, renew_key, show_notice

FORM = "own application"


def show_own(api: Api, application: LoanApplicationReply) -> None:
    """Show one application without the lender's figures."""
    heading = t(
        "mine.heading",
        purpose=application.loan_purpose,
        amount=money(application.loan_amount),
        day=day(application.business_date),
        status=application.status,
    )
    with st.expander(heading, expanded=application.status in {"Approved", "Pending", "Rejected"}):
        st.write(
            t(
                f"mine.{application.status.lower()}",
                instalment=money(application.equal_instalment),
                months=application.loan_tenure_months,
                until=day(application.expires_on),
            )
        )
        if application.status == "Rejected":
            reason_sentences(application, has_codes=False)
            st.write(t("mine.human"))
            ask_for_review(api, application.application_id)
            notice_part(api, application, is_staff=False)
            own_recourse(api, application)
        case_actions(api, application)


def ask_for_review(api: Api, identifier: str) -> None:
    """Ask that a person looks at the decision."""
    with st.form(f"review {identifier}"):
        note = st.text_area(t("mine.note"), max_chars=500)
        if not st.form_submit_button(t("mine.ask")):
            return
    api.lending(book.request_review(identifier, one_line(note)))
    notice_after(FORM, t("mine.review_asked"))
    st.rerun()


def apply_form(api: Api, customer: int) -> None:
    """Take an own application."""
    key = form_key(FORM)
    with st.form(FORM):
        left, right = st.columns(2)
        body: dict[str, object] = {
            "customer_id": customer,
            "loan_amount": f"{left.number_input(t('apply.amount'), 1000.0, value=100000.0):.2f}",
            "loan_tenure_months": months_field(24, column=right),
            "interest_rate": rate_field(9.5, column=left),
            "loan_purpose": right.selectbox(t("apply.purpose"), PURPOSES),
        }
        if not st.form_submit_button(t("apply.submit"), type="primary"):
            return
    decided = api.lending(book.apply(body, key))
    renew_key(FORM)
    notice_after(FORM, t("mine.sent", status=decided.status))
    st.rerun()


def main() -> None:
    """Show the applications of whoever is signed in."""
    with page("my_applications") as api:
        show_notice(FORM)
        applications = api.lending(book.applications()).applications
        if not applications:
            st.info(t("mine.none"), icon=":material/inbox:")
        for application in applications:
            show_own(api, application)
        if api.user.customer_id:
            st.subheader(t("mine.apply"))
            apply_form(api, api.user.customer_id)


main()
