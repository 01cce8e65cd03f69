"""A counter-offer: terms that the model would approve, of which one is offered."""

import streamlit as st

from functions.client import lending_endpoints as book
from functions.client.errors import ClientError
from functions.client.lending_responses import CounterTerms, LoanApplicationReply
from functions.dashboard.api import Api
from functions.dashboard.components.tables import plain_table
from functions.dashboard.display import money, share, t, words
from functions.dashboard.frame import notice_after, one_line, show_error, show_notice


def counter_offer(api: Api, application: LoanApplicationReply) -> None:
    """Show other terms for an application that waits, once somebody asks for them."""
    form = f"counter {application.application_id}"
    with st.expander(t("counter.title")):
        show_notice(form)
        if not st.toggle(t("counter.ask"), key=f"{form} terms"):
            return
        try:
            terms = api.lending(book.counter_terms(application.application_id)).terms
        except ClientError as error:
            show_error(error)
            return
        if not terms:
            st.info(t("counter.none"), icon=":material/inbox:")
            return
        rows = [
            {
                t("columns.amount"): money(term.loan_amount),
                t("columns.months"): term.loan_tenure_months,
                t("columns.payment"): money(term.equal_instalment),
                t("columns.probability"): share(term.risk_probability, 2),
            }
            for term in terms
        ]
        plain_table(rows, form)
        _offer(api, application, terms, form)


def _offer(
    api: Api, application: LoanApplicationReply, terms: list[CounterTerms], form: str
) -> None:
    with st.form(f"{form} offer"):
        chosen = st.selectbox(
            t("counter.terms"),
            range(len(terms)),
            format_func=lambda i: t(
                "counter.choice",
                amount=money(terms[i].loan_amount),
                months=terms[i].loan_tenure_months,
            ),
        )
        note = st.text_input(t("case.note"), max_chars=500)
        if not st.form_submit_button(t("counter.offer")):
            return
    offer = {
        "loan_amount": terms[chosen].loan_amount,
        "loan_tenure_months": terms[chosen].loan_tenure_months,
        "code": "other_terms",
        "note": one_line(note),
    }
    call = book.counter_offer(application.application_id, application.version, offer)
    try:
        made = api.lending(call)
    except ClientError as error:
        show_error(error)
        return
    notice_after(form, t("counter.made", offer=made.application_id, status=words(made.status)))
    st.rerun()
