"""What may be done with an application now: decide, ask again, accept, withdraw."""

import streamlit as st

from functions.client import lending_endpoints as book
from functions.client.errors import ClientError
from functions.client.lending_responses import LoanApplicationReply, ReviewItem
from functions.dashboard.api import Api
from functions.dashboard.components.counter_offer import counter_offer
from functions.dashboard.display import moment, t
from functions.dashboard.frame import (
    act_and_notice,
    form_key,
    notice_after,
    one_line,
    renew_key,
    show_error,
    show_notice,
)

CODES: dict[book.Judgement, tuple[str, ...]] = {
    "approve": (
        *("income_verified", "relationship", "collateral", "policy_exception", "documents"),
        "other",
    ),
    "reject": (
        *("affordability", "other_debts", "credit_history", "unverified_income"),
        *("unverified_identity", "incomplete", "other"),
    ),
}


def case_actions(
    api: Api, application: LoanApplicationReply, review: ReviewItem | None = None
) -> None:
    """Offer what the status and the user's roles allow."""
    form = f"case {application.application_id}"
    show_notice(form)
    if review:
        claim_buttons(api, review, form)
        review_form(api, application, form)
        counter_offer(api, application)
    if not api.user.may("apply"):
        return
    buttons = st.container(horizontal=True)
    identifier, status = application.application_id, application.status
    if (
        status == "Pending"
        and application.credit_score is None
        and buttons.button(t("case.ask_again"), key=f"{form} again")
    ):
        act_and_notice(lambda: api.lending(book.decide(identifier)), form, t("case.asked_again"))
    if status == "Approved" and buttons.button(
        t("case.accept"), type="primary", key=f"{form} accept"
    ):
        accept(api, identifier, form)
    label = t("case.withdraw_for" if api.user.may("book") else "case.withdraw")
    if status in {"Approved", "Pending"} and buttons.button(
        label, key=f"{form} withdraw", help=t("case.withdraw_help")
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


def claim_buttons(api: Api, review: ReviewItem, form: str) -> None:
    """Take the application out of the queue; or, once somebody has, put it back."""
    identifier = review.application_id
    if review.claimed_by is None:
        st.caption(t("case.claim_help"))
        if st.button(t("case.claim"), key=f"{form} claim"):
            act_and_notice(lambda: api.lending(book.claim(identifier)), form, t("case.claimed"))
        return
    when = moment(review.claimed_at)
    st.caption(t("case.claimed_by", person=review.claimed_by, when=when))
    if st.button(t("case.release"), key=f"{form} release"):
        act_and_notice(lambda: api.lending(book.release(identifier)), form, t("case.released"))


def review_form(api: Api, application: LoanApplicationReply, form: str) -> None:
    """Decide as a person, with a code and a sentence that are kept."""
    # Nothing is chosen beforehand: it would be recorded as what the person found.
    judgement = st.radio(
        f"**{t('case.review')}**",
        tuple(CODES),
        index=None,
        horizontal=True,
        format_func=lambda name: t(f"case.{name}"),
        key=f"{form} judgement",
    )
    if judgement is None:
        return
    with st.form(f"{form} {judgement}"):
        code = st.radio(
            t("case.code"),
            CODES[judgement],
            index=None,
            horizontal=True,
            format_func=lambda c: t(f"codes.{c}"),
        )
        note = st.text_area(t("case.note"), max_chars=500)
        is_sent = st.form_submit_button(t(f"case.record_{judgement}"), type="primary")
    if not is_sent:
        return
    if code is None:
        st.warning(t("case.choose_code"))
        return
    reasoned = {"code": code, "note": one_line(note)}
    call = book.judge(application.application_id, judgement, reasoned, application.version)
    try:
        decided = api.lending(call)
    except ClientError as error:
        show_error(error)
        return
    # Against the model, or above an amount, two persons have to agree.
    key = "case.proposed" if decided.status == "Pending" else f"case.done_{judgement}"
    notice_after(form, t(key))
    st.rerun()
