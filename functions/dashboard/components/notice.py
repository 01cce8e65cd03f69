"""The notice of a declined application, to read, to print and to save."""

import streamlit as st

from functions.client import lending_endpoints as book
from functions.client.lending_responses import (
    LoanApplicationReply,
)
from functions.client.portfolio_responses import (
    NoticeReply,
)
from functions.dashboard.api import Api
from functions.dashboard.display import day, t
from functions.dashboard.frame import guarded
from functions.dashboard.runtime import services


def notice_part(api: Api, application: LoanApplicationReply, *, is_staff: bool) -> None:
    """Write the notice when it is asked for: the loan book records each reading."""
    name = f"notice of {application.application_id}"
    if not st.session_state.get(name) and not st.button(
        t("notice.write"), icon=":material/description:", key=f"write {name}"
    ):
        return
    st.session_state[name] = True
    with guarded():
        text, approval = read_notice(api, application)
        with st.container(border=True):
            st.text(text)
        if approval and is_staff:
            st.caption(approval)
        st.download_button(
            t("notice.save"),
            text.encode(),
            file_name=f"notice-{application.application_id}.txt",
            key=name + " file",
            on_click="ignore",
            icon=":material/download:",
        )


def read_notice(api: Api, application: LoanApplicationReply) -> tuple[str, str]:
    """Return the notice, and what its template says about its approval.

    Without a template in the settings it is the decision and the reasons alone.
    """
    template = services().settings.display.notice_template
    if not template:
        return plain_notice(application), ""
    notice = api.lending(book.notice(application.application_id, template))
    return text_from_notice(notice), notice.approval


def text_from_notice(notice: NoticeReply) -> str:
    """Write the paragraphs of a notice."""
    reasons = "\n".join(f"- {reason}" for reason in notice.reasons)
    parts = [notice.heading, *notice.before, reasons, *notice.after]
    return "\n\n".join(part for part in parts if part) + "\n"


def plain_notice(application: LoanApplicationReply) -> str:
    """Write the decision and its reasons."""
    lines = [
        t("mine.notice_title", application=application.application_id),
        t("mine.notice_date", day=day(application.business_date), status=application.status),
        "",
        t("decision.reasons"),
        *(f"- {reason.get('text', '')}" for reason in application.reasons),
        "",
        t("mine.human"),
    ]
    return "\n".join(lines) + "\n"
