"""Webhooks: who receives events, their secrets, and what has not arrived."""

from collections.abc import Callable

import streamlit as st

from functions.client import administration_endpoints as administration
from functions.client.errors import ClientError
from functions.client.lending_responses import WebhookEndpoint, WebhookSecretReply
from functions.dashboard.api import Api
from functions.dashboard.components.tables import plain_table
from functions.dashboard.display import NOTHING, moment, number, t, words
from functions.dashboard.frame import notice_after, show_error, show_notice

FORM, SECRET = "webhooks", "secret of a webhook"


def webhooks(api: Api) -> None:
    """Show all webhooks, and let one be registered, changed and looked into."""
    show_notice(FORM)
    _show_secret()
    listed = api.lending(administration.webhooks()).webhooks
    plain_table([_row(webhook) for webhook in listed], "webhooks", empty=t("webhooks.none"))
    _register(api)
    if not listed:
        return
    by_id = {webhook.webhook_id: webhook for webhook in listed}
    chosen = st.selectbox(
        t("webhooks.choose"),
        list(by_id),
        format_func=lambda name: f"{by_id[name].url} ({name[-6:]})",
        key="webhook",
    )
    _change(api, by_id[chosen])
    _messages(api, by_id[chosen])


def _row(webhook: WebhookEndpoint) -> dict[str, object]:
    return {
        t("webhooks.address"): webhook.url,
        t("webhooks.state"): _state(webhook),
        t("webhooks.delivered"): number(webhook.delivered),
        t("webhooks.waiting"): number(webhook.waiting),
        t("webhooks.given_up"): number(webhook.given_up),
        t("webhooks.webhook"): webhook.webhook_id,
    }


def _state(webhook: WebhookEndpoint) -> str:
    if webhook.disabled_at:
        return t("webhooks.disabled", reason=webhook.disabled_reason or "")
    return t("webhooks.rotating") if webhook.is_rotating else t("webhooks.sending")


def _show_secret() -> None:
    """Show a secret that was just made until its reader has stored it."""
    made: WebhookSecretReply | None = st.session_state.get(SECRET)
    if made is None:
        return
    st.warning(t("webhooks.secret", webhook=made.webhook_id), icon=":material/key:")
    st.code(made.secret, language=None)
    if st.button(t("webhooks.stored")):
        del st.session_state[SECRET]
        st.rerun()


def _register(api: Api) -> None:
    with st.form("webhook", clear_on_submit=True):
        url = st.text_input(t("webhooks.url"), help=t("webhooks.url_help"))
        if not st.form_submit_button(t("webhooks.register"), icon=":material/add:"):
            return
    _try(lambda: _keep(api.lending(administration.register_webhook(url.strip()))))


def _keep(made: WebhookSecretReply) -> None:
    st.session_state[SECRET] = made


def _try(act: Callable[[], None]) -> None:
    """Do something and draw the page anew, or say why it cannot be done."""
    try:
        act()
    except ClientError as error:
        show_error(error)
        return
    st.rerun()


def _change(api: Api, webhook: WebhookEndpoint) -> None:
    if webhook.disabled_at:
        return
    name = webhook.webhook_id
    left, middle, right = st.columns(3, vertical_alignment="bottom")
    if webhook.is_rotating:
        if left.button(t("webhooks.finish"), key=f"finish {name}"):
            _try(lambda: _run(api, name, "finish"))
    elif left.button(t("webhooks.rotate"), icon=":material/key:", key=f"rotate {name}"):
        _try(lambda: _keep(api.lending(administration.rotate_secret(name))))
    is_sure = middle.checkbox(t("webhooks.sure"), key=f"sure {name}")
    if right.button(t("webhooks.disable"), disabled=not is_sure, key=f"disable {name}"):
        _try(lambda: _run(api, name, "disable"))


def _run(api: Api, name: str, verb: str) -> None:
    if verb == "finish":
        api.lending(administration.finish_rotation(name))
        notice_after(FORM, t("webhooks.rotated_end"))
    else:
        api.lending(administration.disable_webhook(name))
        notice_after(FORM, t("webhooks.disabled_end"))


def _messages(api: Api, webhook: WebhookEndpoint) -> None:
    st.subheader(t("webhooks.messages"))
    undelivered = st.toggle(t("webhooks.undelivered"), key="undelivered")
    call = administration.webhook_messages(webhook.webhook_id, undelivered=undelivered)
    messages = api.lending(call).messages
    rows = [
        {
            t("webhooks.message"): message.message_id,
            t("webhooks.kind"): words(message.type.replace(".", "_")),
            t("webhooks.at"): moment(message.created_at),
            t("webhooks.attempts"): message.attempts,
            t("webhooks.due"): moment(message.due_at),
            t("webhooks.outcome"): message.last_outcome or NOTHING,
        }
        for message in messages
    ]
    plain_table(rows, "messages")
    if not messages:
        return
    column, button = st.columns([4, 1], vertical_alignment="bottom")
    chosen = column.selectbox(t("webhooks.message"), [m.message_id for m in messages])
    if button.button(t("webhooks.replay"), key="replay"):
        _try(lambda: _replay(api, chosen))


def _replay(api: Api, message_id: str) -> None:
    sent = api.lending(administration.replay_message(message_id))
    notice_after(FORM, t("webhooks.replayed", webhooks=sent.webhooks))
