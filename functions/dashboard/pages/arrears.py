"""Arrears and NPA: late loans by age and class, now or as of a recorded month end."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import streamlit as st

from functions.client import lending_endpoints as book
from functions.dashboard.api import Api
from functions.dashboard.components.charts import WaterfallLook, bar_chart, waterfall
from functions.dashboard.components.figure_table import figure_caption, figure_table
from functions.dashboard.components.filters import (
    branch_filter,
    choice_filter,
    month_filter,
    next_page,
)
from functions.dashboard.components.tables import drill_table
from functions.dashboard.components.tiles import Tile, tile_row
from functions.dashboard.display import money, number, percent, t, words
from functions.dashboard.frame import guarded, page, refreshed
from functions.dashboard.lists import Row, loan_rows

# From the best class to the worst.
CLASSES = (
    *("standard", "sma_0", "sma_1", "sma_2", "sub_standard"),
    *("doubtful_1", "doubtful_2", "doubtful_3", "loss"),
)
BASES = ("reported", "restated")
# What adds to the non-performing principal of a month, and what takes from it.
MOVEMENTS = (("slippages", 1), ("upgrades", -1), ("recoveries", -1), ("write_offs", -1))
LOANS = 20  # each is read, to show how it stands


def severity(row: Mapping[str, Any]) -> int:
    """Return where a class stands from best to worst; one that is not listed comes last."""
    names = [words(name) for name in CLASSES]
    return names.index(row["class"]) if row["class"] in names else len(names)


@refreshed
def now(api: Api, branch: int | None) -> None:
    """Show the book as it stands: classes, age of arrears, portfolio at risk."""
    reply = api.lending(book.asset_classes())
    risk = api.lending(book.summary()).risk_metrics
    tile_row(
        api,
        [
            Tile(name="npa_loans", value=number(reply.total_npa_loans)),
            Tile(name="npa_amount", value=money(reply.total_npa_amount)),
            Tile(name="npa_ratio", value=percent(risk.npa_ratio)),
            Tile(name="default_rate", value=percent(risk.default_rate)),
        ],
    )
    rows = [
        {"class": words(name), "loans": entry.count, "share": percent(entry.percentage)}
        for name, entry in reply.asset_classes.items()
    ]
    bar_chart("by_class", sorted(rows, key=severity), "class", "loans")
    for name in ("asset-classes", "ageing", "par"):
        show_figure(api, name, {"branch": branch})


def at_month_end(api: Api, month: str, branch: int | None) -> None:
    """Show a month end: how the non-performing principal moved, age of arrears, classes."""
    basis = choice_filter(t("figures.basis"), "basis", BASES, is_optional=False)
    chosen = {"month": month, "basis": basis, "branch": branch}
    movement(api, chosen)
    for name in ("month-ageing", "month-asset-classes"):
        show_figure(api, name, chosen)


def show_figure(api: Api, name: Any, chosen: dict[str, str | int | None]) -> None:  # noqa: ANN401 -- a figure's name
    """Show a figure under its name, each line with its loans."""
    st.subheader(words(name))
    with guarded():
        reply = api.lending(book.figure(name, **chosen))
        figure_caption(reply)
        if all("asset_class" in line.key for line in reply.lines):
            lines = sorted(reply.lines, key=lambda line: CLASSES.index(line.key["asset_class"]))
            reply = reply.model_copy(update={"lines": lines})
        figure_table(api, reply, name)


def movement(api: Api, chosen: dict[str, str | int | None]) -> None:
    """Show how the non-performing principal of the month before became that of the month."""
    st.subheader(words("npa-movement"))
    with guarded():
        reply = api.lending(book.figure("npa-movement", **chosen))
        figure_caption(reply)
        sums = {line.key["movement"]: Decimal(str(line.amount)) for line in reply.lines}
        if sums:
            steps = [(words(n), sign * sums[n]) for n, sign in MOVEMENTS if n in sums]
            base = (words("opening"), sums.get("opening", Decimal(0)))
            look = WaterfallLook(
                total=words("closing"), values=t("columns.amount"), write=money, is_up_worse=True
            )
            waterfall("npa_movement", steps, base, look)
        figure_table(api, reply, "npa-movement")


def loans_of_class(api: Api, branch: int | None) -> None:
    """Show active loans of one class, which stands in the URL."""
    st.subheader(t("arrears.of_class"))
    name = choice_filter(t("columns.asset_class"), "asset_class", CLASSES[1:], is_optional=True)
    if not name:
        st.info(t("arrears.choose_class"), icon=":material/filter_list:")
        return
    with guarded(), next_page("loans of a class", (name, branch)) as (cursor, offer_next):
        request = book.figure_loans(
            "asset-classes", asset_class=name, branch=branch, limit=LOANS, cursor=cursor
        )
        reply = api.lending(request)
        loans = [api.lending(book.loan(member.loan_id)) for member in reply.loans]
        rows: list[Row] = loan_rows(loans)
        drill_table(api, rows, "loans-of-class", ("loan", "id"))
        offer_next(reply.next_cursor)


def main() -> None:
    """Show arrears."""
    with page("arrears") as api:
        left, right = st.columns(2)
        with left:
            month = month_filter(api, label=t("arrears.as_of"), placeholder=t("arrears.now"))
        with right:
            branch = branch_filter()
        if month:
            at_month_end(api, month, branch)
            return
        now(api, branch)
        loans_of_class(api, branch)


main()
