"""An action on a loan in two steps: what will be posted, and only then the posting."""

from datetime import date
from decimal import Decimal
from typing import Any

import streamlit as st

from functions.client import lending_endpoints as book
from functions.client.errors import ClientError
from functions.client.lending_endpoints import ActionReply
from functions.client.lending_responses import LoanReply
from functions.dashboard.api import Api
from functions.dashboard.components.tables import plain_table
from functions.dashboard.components.terms import months_field, rate_field
from functions.dashboard.display import day, money, t, words
from functions.dashboard.frame import form_key, notice_after, renew_key, show_error, show_notice
from functions.dashboard.loan_actions import ActionField, OfferedAction, offered_actions
from models.lending.money import ZERO

DUE = ("due_penal_charges", "due_fees", "due_interest", "due_principal")


def action_forms(api: Api, loan: LoanReply, today: date) -> None:
    """Offer what the user may do with the loan."""
    show_notice(loan.loan_id)
    actions = offered_actions(api.user, loan)
    if not actions:
        st.info(t("actions.none"), icon=":material/lock:")
        return
    names = [action.name for action in actions]
    chosen = st.segmented_control(
        t("actions.choose"),
        names,
        default=names[0],
        required=True,
        format_func=words,
        key=f"action of {loan.loan_id} {loan.version}",
    )
    action = next(a for a in actions if a.name == chosen)
    form = f"{action.name} {loan.loan_id}"
    form_key(form)  # one intention from the moment at which the form opens
    st.caption(t(f"actions.{action.name}"))
    if action.name == "close":
        show_quote(api, loan)
    body = st.session_state.get(f"preview of {form}")
    if body is None:
        _enter(action, loan, today, form)
    else:
        _confirm(api, action, loan, form)


def show_quote(api: Api, loan: LoanReply) -> None:
    """Show what closes the loan on the business date."""
    quote = api.lending(book.quote(loan.loan_id))
    names = (
        *("due_principal", "due_interest", "due_charges", "undue_principal"),
        *("broken_interest", "prepayment_charge", "credit", "total"),
    )
    rows = [{t("case.what"): words(n), t("case.value"): money(getattr(quote, n))} for n in names]
    plain_table(rows, f"quote-{day(quote.as_of)}")


def _enter(action: OfferedAction, loan: LoanReply, today: date, form: str) -> None:
    with st.form(form):
        body = {field.name: _widget(field, loan, today, form) for field in action.fields}
        if not st.form_submit_button(t("actions.preview"), icon=":material/visibility:"):
            return
    missing = [f.name for f in action.fields if not f.is_optional and not body[f.name]]
    if missing:
        st.warning(t("actions.missing", fields=", ".join(words(name) for name in missing)))
        return
    st.session_state[f"preview of {form}"] = {n: v for n, v in body.items() if v}
    st.rerun()


def _widget(field: ActionField, loan: LoanReply, today: date, form: str) -> Any:  # noqa: ANN401 -- JSON
    label, key = words(field.name), f"{form} {field.name}"
    match field.kind:
        case "amount":
            start = float(_due(loan) or loan.equal_instalment)
            return f"{st.number_input(label, 0.01, 1e13, start, format='%.2f', key=key):.2f}"
        case "whole":
            return months_field(12, request="RescheduleBody", label=label, key=key)
        case "rate":
            rate = float(loan.interest_rate)
            return rate_field(rate, request="RescheduleBody", label=label, key=key)
        case "choice":
            return st.selectbox(label, field.choices, format_func=words, key=key)
        case "day":
            chosen = st.date_input(label, today, format="YYYY-MM-DD", key=key)
            return chosen.isoformat() if isinstance(chosen, date) else None
        case "text":
            return st.text_input(label, key=key).strip() or None


def _due(loan: LoanReply) -> Decimal:
    """Return what is due now: what a payment meets first."""
    return sum((Decimal(str(getattr(loan, name))) for name in DUE), ZERO)


def _confirm(api: Api, action: OfferedAction, loan: LoanReply, form: str) -> None:
    body: dict[str, Any] = st.session_state[f"preview of {form}"]
    rows = [{t("case.what"): words(n), t("case.value"): str(v)} for n, v in body.items()]
    plain_table(rows, form[:20])
    if action.name == "repay":
        _preview_payment(loan, Decimal(body["amount"]))
    left, right, _ = st.columns([1, 1, 3])
    if left.button(t("actions.post"), type="primary", key=f"post {form}"):
        try:
            reply = api.lending(book.act(loan.loan_id, action.name, body, form_key(form)))
        except ClientError as error:  # the key stays: sending again is the same intention
            show_error(error)
        else:
            renew_key(form)
            del st.session_state[f"preview of {form}"]
            notice_after(loan.loan_id, _outcome(action, reply))
            st.rerun()
    if right.button(t("actions.back"), key=f"back {form}"):
        del st.session_state[f"preview of {form}"]
        st.rerun()


def _preview_payment(loan: LoanReply, amount: Decimal) -> None:
    """Show what is due, which the payment meets first, and what then becomes credit."""
    rows = [
        {t("case.what"): words(name), t("case.value"): money(getattr(loan, name))} for name in DUE
    ]
    plain_table(rows, "due-now")
    due = _due(loan)
    key = "actions.pays_all" if amount >= due else "actions.pays_part"
    st.info(t(key, amount=money(amount), due=money(due), rest=money(abs(amount - due))))


def _outcome(action: OfferedAction, reply: ActionReply) -> str:
    if reply.loan is None:
        return t("actions.awaiting", person=reply.requested_by or "")
    parts = ", ".join(
        f"{words(a.component)} {money(a.amount)} ({a.number})" for a in reply.allocations
    )
    done = t("actions.done", action=words(action.name), reference=reply.reference or "")
    return f"{done} {t('actions.allocated', parts=parts)}" if parts else done
