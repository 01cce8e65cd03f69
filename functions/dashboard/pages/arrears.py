"""Arrears and NPA: loans by asset class, and late loans."""

import streamlit as st

from functions.client import lending_endpoints as book
from functions.dashboard.api import Api
from functions.dashboard.components.charts import bar_chart
from functions.dashboard.components.filters import next_page
from functions.dashboard.components.tables import drill_table
from functions.dashboard.components.tiles import Tile, tile_row
from functions.dashboard.display import money, number, percent, t, words
from functions.dashboard.frame import page, refreshed
from functions.dashboard.lists import loan_rows

# From the best class to the worst.
CLASSES = (
    *("standard", "sma_0", "sma_1", "sma_2", "sub_standard"),
    *("doubtful_1", "doubtful_2", "doubtful_3", "loss"),
)


def severity(asset_class: str) -> int:
    """Return where a class stands from best to worst; one that is not listed comes last."""
    return CLASSES.index(asset_class) if asset_class in CLASSES else len(CLASSES)


@refreshed
def classes(api: Api) -> None:
    """Show how many loans are of each class."""
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
        for name, entry in sorted(reply.asset_classes.items(), key=lambda item: severity(item[0]))
    ]
    bar_chart("by_class", rows, "class", "loans")


@refreshed
def late_loans(api: Api) -> None:
    """Show the late loans of one page of active loans, the most days first."""
    st.subheader(t("arrears.late"))
    least = st.slider(t("arrears.least"), 1, 180, 1, key="days", bind="query-params")
    with next_page("late loans", (least,)) as (cursor, offer_next):
        reply = api.lending(book.loans(status="active", cursor=cursor))
        late = [loan for loan in reply.loans if loan.days_past_due >= least]
        st.caption(t("arrears.of_page", late=len(late), loans=len(reply.loans)))
        late.sort(key=lambda loan: -loan.days_past_due)
        drill_table(api, loan_rows(late), "late-loans", ("loan", "id"))
        offer_next(reply.next_cursor)


def main() -> None:
    """Show arrears."""
    with page("arrears") as api:
        classes(api)
        late_loans(api)


main()
