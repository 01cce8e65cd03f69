"""Early warnings one by one: who follows each up, and which are snoozed, until when and why."""

from datetime import date, timedelta

import streamlit as st

from functions.client import lending_endpoints as book
from functions.client.portfolio_responses import WarnedLoanReply, WarningReply
from functions.dashboard.api import Api
from functions.dashboard.components.filters import next_page
from functions.dashboard.components.tables import drill_table
from functions.dashboard.display import day, money, t, words
from functions.dashboard.frame import act_and_notice, guarded, one_line, show_notice

FORM = "follow-up of a warning"
MOST_DAYS = 90  # for which a warning may be snoozed
LOANS = 50
Pair = tuple[WarnedLoanReply, WarningReply]


def warning_rows(loans: list[WarnedLoanReply]) -> list[dict[str, object]]:
    """Return one row a warning, the newest loan first."""
    return [
        {
            t("columns.loan"): loan.loan_id,
            t("columns.customer"): loan.customer_id,
            t("columns.outstanding"): money(loan.outstanding),
            t("warning.reason"): words(warning.reason),
            t("warning.since"): day(warning.since),
            t("warning.owner"): warning.owner,
            t("warning.snoozed_until"): warning.snoozed_until and day(warning.snoozed_until),
            t("warning.note"): warning.snooze_note,
        }
        for loan in loans
        for warning in loan.warnings
    ]


def warned_loans(api: Api) -> None:
    """Show warnings of those snoozed or not, and offer what may be done about one."""
    st.subheader(t("warning.loans"))
    shows_all = st.toggle(t("warning.also"), key="snoozed", bind="query-params")
    snoozed = "all" if shows_all else "no"
    with guarded(), next_page("warned loans", (snoozed,)) as (cursor, offer_next):
        reply = api.lending(book.early_warnings(snoozed=snoozed, limit=LOANS, cursor=cursor))
        drill_table(api, warning_rows(reply.loans), "warned-loans", ("loan", "id"))
        offer_next(reply.next_cursor)
        show_notice(FORM)
        pairs = [(loan, warning) for loan in reply.loans for warning in loan.warnings]
        if pairs and (api.user.may("adjust") or api.user.may("originate")):
            _follow_up(api, pairs, reply.business_date)


def _follow_up(api: Api, pairs: list[Pair], today: date) -> None:
    loan, warning = pairs[
        st.selectbox(
            t("warning.choose"),
            range(len(pairs)),
            format_func=lambda i: f"{words(pairs[i][1].reason)}: {pairs[i][0].loan_id}",
            key="warning to follow up",
        )
    ]
    name = f"{loan.loan_id} {warning.reason}"
    st.markdown(f"{warning.meaning} *{warning.next_action}*")
    if api.user.may("adjust"):
        _assign(api, loan, warning, name)
    if api.user.may("originate"):
        _snooze(api, loan, warning, (name, today))


def _assign(api: Api, loan: WarnedLoanReply, warning: WarningReply, name: str) -> None:
    with st.form(f"owner {name}", border=False):
        left, right = st.columns([3, 1], vertical_alignment="bottom")
        owner = one_line(
            left.text_input(
                t("warning.owner"),
                warning.owner or "",
                max_chars=120,
                help=t("warning.owner_help"),
                key=f"owner of {name}",
            )
        )
        if right.form_submit_button(t("warning.assign"), icon=":material/person_add:"):
            call = book.assign_warning(loan.loan_id, warning.reason, owner or None)
            act_and_notice(
                lambda: api.lending(call),
                FORM,
                t("warning.assigned" if owner else "warning.given_back"),
            )


def _snooze(
    api: Api, loan: WarnedLoanReply, warning: WarningReply, place: tuple[str, date]
) -> None:
    name, today = place
    if warning.snoozed_until:
        if st.button(t("warning.wake"), icon=":material/alarm:", key=f"wake {name}"):
            call = book.wake_warning(loan.loan_id, warning.reason)
            act_and_notice(lambda: api.lending(call), FORM, t("warning.woken"))
        return
    with st.form(f"snooze {name}", border=False):
        left, middle, right = st.columns([1, 2, 1], vertical_alignment="bottom")
        until = left.date_input(
            t("warning.until"),
            today + timedelta(days=7),
            min_value=today + timedelta(days=1),
            max_value=today + timedelta(days=MOST_DAYS),
            format="YYYY-MM-DD",
            key=f"until of {name}",
        )
        note = one_line(middle.text_input(t("warning.note"), max_chars=500, key=f"note of {name}"))
        if not right.form_submit_button(t("warning.snooze"), icon=":material/snooze:"):
            return
    if not note or not isinstance(until, date):
        st.warning(t("warning.needs_note"))
        return
    call = book.snooze_warning(loan.loan_id, warning.reason, until, note)
    act_and_notice(lambda: api.lending(call), FORM, t("warning.slept", day=day(until)))
