"""Review queue: applications that wait for a person, and actions that wait for a second one."""

from typing import Any

import streamlit as st

from functions.client import lending_endpoints as book
from functions.client.lending_responses import ReviewItem, SecondPersonRequest
from functions.dashboard.api import Api
from functions.dashboard.components.decision import approval_cutoff
from functions.dashboard.components.filters import next_page
from functions.dashboard.components.overrides import override_tiles
from functions.dashboard.components.tables import RowTargets, drill_rows, plain_table
from functions.dashboard.display import day, local, moment, money, share, t, words
from functions.dashboard.frame import (
    form_key,
    notice_after,
    page,
    refreshed,
    renew_key,
    show_notice,
)

ORDERS: tuple[book.ReviewOrder, ...] = ("age", "distance")
FORM = "second person"


def review_rows(reviews: list[ReviewItem]) -> list[dict[str, Any]]:
    """Return one row an application."""
    return [
        {
            t("columns.application"): r.application_id,
            t("columns.customer"): r.customer_id,
            t("reviews.waiting"): moment(r.waiting_since),
            t("columns.amount"): money(r.loan_amount),
            t("columns.probability"): share(r.risk_probability, 2),
            t("reviews.cutoff"): share(approval_cutoff(r), 2),
            t("reviews.model"): t(f"decision.would_{r.model_outcome}")
            if r.model_outcome
            else t("decision.none"),
            t("decision.reasons"): "; ".join(str(x.get("text", "")) for x in r.reasons),
            t("reviews.claimed_by"): r.claimed_by,
            t("reviews.proposed_by"): r.proposed_by,
            t("reviews.requested_by"): r.requested_by,
        }
        for r in reviews
    ]


@refreshed
def queue(api: Api) -> None:
    """Show one page of the queue."""
    order = st.selectbox(
        t("reviews.order"),
        ORDERS,
        format_func=lambda name: t(f"reviews.{name}"),
        key="order",
    )
    with next_page("reviews", (order,)) as (cursor, offer_next):
        reply = api.lending(book.reviews(order=order or "age", cursor=cursor))
        labels = [
            f"{money(r.loan_amount)} · {t('columns.customer')} {r.customer_id} · {r.application_id}"
            for r in reply.reviews
        ]
        queries = [{"id": r.application_id} for r in reply.reviews]
        targets = RowTargets(page="application", queries=queries, labels=labels)
        drill_rows(api, review_rows(reply.reviews), "reviews", targets)
        offer_next(reply.next_cursor)


@refreshed
def override_part(api: Api) -> None:
    """Show how often persons decide against the model."""
    override_tiles(api)


def second_person(api: Api) -> None:
    """Show what waits for a second person, who is never the first."""
    st.subheader(t("reviews.second"))
    show_notice(FORM)
    requests = api.lending(book.second_person_requests()).requests
    if not requests:
        st.info(t("reviews.none"), icon=":material/inbox:")
    for request in requests:
        show_request(api, request)


def show_request(api: Api, request: SecondPersonRequest) -> None:
    """Show one request, to confirm or to refuse."""
    name = request.request_id
    heading = t(
        "reviews.requested",
        action=words(request.action),
        loan=request.loan_id,
        person=request.requested_by,
        day=day(local(request.requested_at).date()),
    )
    with st.container(border=True):
        st.markdown(heading)
        rows = [
            {t("case.what"): words(member), t("case.value"): str(value)}
            for member, value in request.body.items()
        ]
        plain_table(rows, f"request-{name}")
        key = form_key(name)
        left, right, _ = st.columns([1, 1, 3])
        if left.button(t("reviews.confirm"), type="primary", key=f"confirm {name}"):
            api.lending(book.confirm(name, key))
            renew_key(name)
            notice_after(FORM, t("reviews.confirmed"))
            st.rerun()
        if right.button(t("reviews.refuse"), key=f"refuse {name}"):
            api.lending(book.refuse(name))
            notice_after(FORM, t("reviews.refused"))
            st.rerun()


def main() -> None:
    """Show the queue."""
    with page("reviews") as api:
        queue(api)
        if api.user.may("adjust"):
            second_person(api)
        override_part(api)


main()
