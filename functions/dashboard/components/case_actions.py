"""What may be done with an application now: decide, ask again, accept, withdraw."""

import streamlit as st

from functions.client import lending_endpoints as book
from functions.client.errors import ClientError
from functions.client.lending_responses import LoanApplicationReply
from functions.dashboard.api import Api
from functions.dashboard.components.counter_offer import counter_offer
from functions.dashboard.display import day, t
from functions.dashboard.frame import (
    act_and_notice,
    form_key,
    notice_after,
    one_line,
    renew_key,
    show_error,
    show_notice,
)

CODES = ("income_verified", "relationship", "collateral", "policy_exception", "documents", "other")


def case_actions(api: Api, application: LoanApplicationReply) -> None:
    """Offer what the status and the user's roles allow."""
    form = f"case {application.application_id}"
    show_notice(form)
    if application.status == "Pending" and api.user.may("decide"):
        claim_buttons(api, application, form)
        review_form(api, application, form)
        counter_offer(api, application)
    if not api.user.may("apply"):
        return
    columns = st.columns(4)
    identifier, status = application.application_id, application.status
    if (
        status == "Pending"
        and application.credit_score is None
        and columns[0].button(t("case.ask_again"), key=f"{form} again")
    ):
        act_and_notice(lambda: api.lending(book.decide(identifier)), form, t("case.asked_again"))
    if status == "Approved" and columns[1].button(
        t("case.accept"), type="primary", key=f"{form} accept"
    ):
        accept(api, identifier, form)
    if status in {"Approved", "Pending"} and columns[2].button(
        t("case.withdraw"), key=f"{form} withdraw"
    ):
        act_and_notice(lambda: api.lending(book.withdraw(identifier)), form, t("case.withdrawn"))


def accept(api: Api, identifier: str, form: str) -> None:
    """Accept the offer and open the loan."""
    try:
        loan = api.lending(book.accept(identifier, form_key(form)))
    except ClientError as error:
        show_error(error)
        return
    renew_key(form)
    if api.user.may("book"):
        st.switch_page("pages/loan.py", query_params={"id": loan.loan_id})
    notice_after(form, t("case.accepted"))
    st.rerun()


def claim_buttons(api: Api, application: LoanApplicationReply, form: str) -> None:
    """Take the application out of the queue; or, once somebody has, put it back."""
    identifier = application.application_id
    review = api.lending(book.review(identifier))
    if review.claimed_by is None:
        if st.button(t("case.claim"), key=f"{form} claim"):
            act_and_notice(lambda: api.lending(book.claim(identifier)), form, t("case.claimed"))
        return
    when = day(review.claimed_at.date() if review.claimed_at else None)
    st.caption(t("case.claimed_by", person=review.claimed_by, when=when))
    if st.button(t("case.release"), key=f"{form} release"):
        act_and_notice(lambda: api.lending(book.release(identifier)), form, t("case.released"))


def review_form(api: Api, application: LoanApplicationReply, form: str) -> None:
    """Decide as a person, with a code and a sentence that are kept."""
    with st.form(f"{form} review"):
        st.markdown(f"**{t('case.review')}**")
        # None is chosen beforehand: it would be recorded as what the person found.
        code = st.radio(
            t("case.code"),
            CODES,
            index=None,
            horizontal=True,
            format_func=lambda c: t(f"codes.{c}"),
        )
        note = st.text_area(t("case.note"), max_chars=500)
        left, right, _ = st.columns([1, 1, 3])
        approves = left.form_submit_button(t("case.approve"), type="primary")
        rejects = right.form_submit_button(t("case.reject"))
    if not (approves or rejects):
        return
    if code is None:
        st.warning(t("case.choose_code"))
        return
    review = {"code": code, "note": one_line(note)}
    judgement: book.Judgement = "approve" if approves else "reject"
    call = book.judge(application.application_id, judgement, review, application.version)
    try:
        decided = api.lending(call)
    except ClientError as error:
        show_error(error)
        return
    # Against the model, or above an amount, two persons have to agree.
    key = "case.proposed" if decided.status == "Pending" else f"case.done_{judgement}"
    notice_after(form, t(key))
    st.rerun()
