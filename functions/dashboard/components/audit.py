"""The audit: who did what to whom, by filters that stand in the URL."""

import json
from datetime import date

import streamlit as st

from functions.client import administration_endpoints as administration
from functions.client.administration_endpoints import AuditFilters
from functions.client.lending_responses import AuditEntry
from functions.dashboard.api import Api
from functions.dashboard.components.filters import next_page
from functions.dashboard.components.tables import wide_table
from functions.dashboard.display import t


def audit(api: Api) -> None:
    """Show one page of entries."""
    filters = _filters()
    with next_page("audit", (filters,)) as (cursor, offer_next):
        reply = api.lending(administration.audit(filters, cursor))
        wide_table([_row(entry) for entry in reply.entries], "audit")
        offer_next(reply.next_cursor)


def _filters() -> AuditFilters:
    texts = dict.fromkeys(("subject", "principal", "action"), "")
    for column, name in zip(st.columns(3), texts, strict=True):
        entered = column.text_input(t(f"audit.{name}"), key=name, bind="query-params")
        texts[name] = (entered or "").strip()
    left, right, _ = st.columns(3)
    return AuditFilters(
        subject=texts["subject"] or None,
        principal=texts["principal"] or None,
        action=texts["action"] or None,
        first_day=_day(left.date_input(t("audit.first_day"), None, format="YYYY-MM-DD")),
        last_day=_day(right.date_input(t("audit.last_day"), None, format="YYYY-MM-DD")),
    )


def _day(chosen: object) -> date | None:
    return chosen if isinstance(chosen, date) else None


def _row(entry: AuditEntry) -> dict[str, object]:
    return {
        t("audit.at"): f"{entry.at:%Y-%m-%d %H:%M:%S}",
        t("audit.who"): entry.principal,
        t("audit.what"): entry.action,
        t("audit.whom"): entry.subject,
        t("audit.branch"): entry.branch_id or "",
        t("audit.detail"): json.dumps(entry.detail) if entry.detail else "",
        t("audit.request"): entry.request_id,
    }
