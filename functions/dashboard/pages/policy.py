"""Policy what-if: other cut-offs over the applications of the last days; nothing is recorded."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import streamlit as st

from functions.client import endpoints
from functions.client import lending_endpoints as book
from functions.client.errors import ClientError
from functions.client.portfolio_responses import (
    PolicyReply,
)
from functions.dashboard.api import Api
from functions.dashboard.application_row import MODEL
from functions.dashboard.components.charts import bar_chart
from functions.dashboard.components.tables import plain_table
from functions.dashboard.components.tiles import Better, FigureChange, change_tiles
from functions.dashboard.display import day, money, number, percent, t, words
from functions.dashboard.frame import page

# In per cent, where no version says what is in force.
ANY_CUTOFFS = (20.0, 40.0)
LEAST, MOST, STEP = 0.5, 99.5, 0.5
DAYS, MOST_DAYS = 90, 366
FIGURES = (
    *(("approved", number), ("pending", number), ("rejected", number), ("approval_rate", percent)),
    *(("approved_amount", money), ("expected_bad_rate", percent), ("expected_profit", money)),
)


def cutoffs_in_force(api: Api) -> tuple[float, float] | None:
    """Return the cut-offs of the version that decides, in per cent."""
    if not (api.has_scoring and api.user.may("models")):
        return None
    try:
        serving = [m for m in api.scoring(endpoints.models()).details if m.name == MODEL]
        if not serving or not serving[0].version:
            return None
        policy = api.scoring(endpoints.version(MODEL, serving[0].version)).policy
    except ClientError:  # the page works without: the slider begins elsewhere
        return None
    return 100 * policy.approve_below, 100 * policy.decline_from


def read_policy(api: Api) -> dict[str, Any]:
    """Read cut-offs, the loss of a default and the days from sliders, which the URL keeps."""
    in_force = cutoffs_in_force(api)
    if in_force:
        first, second = in_force
        st.caption(t("policy.in_force", approve=percent(first), decline=percent(second)))
    start = tuple(min(max(round(c / STEP) * STEP, LEAST), MOST) for c in in_force or ANY_CUTOFFS)
    low, high = st.slider(
        t("policy.cutoffs"),
        *(LEAST, MOST, (start[0], start[1]), STEP),
        format="%.1f %%",
        key="cutoffs",
        bind="query-params",
    )
    left, right = st.columns(2)
    lost = left.slider(
        t("policy.loss"), 0, 100, 45, format="%d %%", key="loss", bind="query-params"
    )
    days = right.slider(t("policy.days"), 1, MOST_DAYS, DAYS, key="days", bind="query-params")
    return {
        "approve_below": round(low / 100, 4),
        "decline_from": round(high / 100, 4),
        "loss_given_default": lost / 100,
        "days": days,
    }


def changes_from_policy(reply: PolicyReply) -> list[FigureChange]:
    """Return what the cut-offs change for the lender."""
    kinds: tuple[tuple[str, Callable[[Decimal], str], Better], ...] = (
        ("approval_rate", percent, "neither"),
        ("expected_bad_rate", percent, "down"),
        ("approved_amount", money, "neither"),
        ("expected_profit", money, "up"),
    )
    return [
        FigureChange(
            label=t(f"policy.{name}"),
            before=_exact(getattr(reply.present, name)),
            after=_exact(getattr(reply.moved, name)),
            write=write,
            better=better,
        )
        for name, write, better in kinds
    ]


def _exact(value: float | None) -> Decimal:
    return Decimal(str(value or 0))


def show_policy(reply: PolicyReply) -> None:
    """Show both policies side by side, and which applications would be answered otherwise."""
    if not reply.applications:
        st.info(t("policy.none", days=reply.days), icon=":material/inbox:")
        return
    change_tiles(changes_from_policy(reply))
    rows = [
        {
            t("case.what"): t(f"policy.{name}"),
            t("policy.present"): write(getattr(reply.present, name)),
            t("policy.moved"): write(getattr(reply.moved, name)),
        }
        for name, write in FIGURES
    ]
    plain_table(rows, "policies")
    st.subheader(t("policy.changes"))
    moves = [
        {
            t("policy.answer"): f"{words(change['from'])} → {words(change['to'])}",
            t("columns.number"): change["number"],
        }
        for change in reply.changes
    ]
    if moves:
        bar_chart("policy_changes", moves, t("policy.answer"), t("columns.number"))
    else:
        st.info(t("policy.no_changes"), icon=":material/check_circle:")


def main() -> None:
    """Show what other cut-offs would have done."""
    with page("policy") as api:
        policy = read_policy(api)
        reply = api.lending(book.move_cutoffs(policy))
        show_policy(reply)
        counted = t(
            "policy.counted",
            applications=number(reply.applications),
            days=reply.days,
            day=day(reply.as_of),
        )
        st.caption(f"{counted} {reply.definition}")


main()
