"""Portfolio: the book's sums, and how it is distributed."""

import streamlit as st

from functions.client import lending_endpoints as book
from functions.dashboard.api import Api
from functions.dashboard.book_figures import tiles_from_summary
from functions.dashboard.components.charts import bar_chart, line_chart
from functions.dashboard.components.figure_table import figure_caption, figure_table
from functions.dashboard.components.filters import branch_filter, choice_filter
from functions.dashboard.components.tables import plain_table
from functions.dashboard.components.tiles import Tile, tile_row
from functions.dashboard.display import money, number, percent, t, words
from functions.dashboard.frame import guarded, page, refreshed

SEGMENTS = (
    *("purpose", "state", "city", "employer", "employment_type", "income_band", "score_band"),
    *("model_version", "borrower"),
)
DECIMALS = 4


@refreshed
def figures(api: Api) -> None:
    """Show the sums, and what was collected of what fell due."""
    tile_row(api, tiles_from_summary(api.lending(book.summary())))
    st.subheader(t("portfolio.collection"))
    paid = api.lending(book.repayments())
    tile_row(
        api,
        [
            Tile(name="efficiency", value=percent(paid.collection_efficiency)),
            Tile(name="due", value=number(paid.instalments_due)),
            Tile(name="met", value=number(paid.instalments_paid)),
            Tile(name="overdue", value=number(paid.instalments_overdue), target="arrears"),
            Tile(name="payments", value=number(paid.total_repayments)),
            Tile(name="collected", value=money(paid.total_amount)),
            Tile(name="average_payment", value=money(paid.average_amount)),
            Tile(name="punctual", value=percent(paid.on_time_rate)),
        ],
    )


def distribution(api: Api) -> None:
    """Show loans by purpose and by tenure."""
    reply = api.lending(book.distribution())
    purposes, tenures = st.columns(2)
    with purposes:
        bar_chart("by_purpose", _readable(reply.by_purpose), "purpose", "count")
    with tenures:
        bar_chart("by_tenure", _readable(reply.by_tenure), "months", "count")


def _readable(entries: list[dict[str, object]]) -> list[dict[str, object]]:
    """Write the sums of money in each entry."""
    return [
        {
            name: money(value) if isinstance(value, float) else value  # the API's counts are whole
            for name, value in entry.items()
        }
        for entry in entries
    ]


def collateral(api: Api) -> None:
    """Show what secures the book."""
    st.subheader(t("portfolio.collateral"))
    reply = api.lending(book.collateral_sums())
    tile_row(
        api,
        [
            Tile(name="secured", value=number(reply.secured_loans)),
            Tile(name="collateral_value", value=money(reply.total_value)),
            Tile(name="loan_to_value", value=percent(reply.loan_to_value_ratio)),
        ],
    )
    rows = [
        {words(name): value for name, value in entry.items()}
        for entry in _readable(reply.collateral_types)
    ]
    plain_table(rows, "collateral", empty=t("portfolio.no_collateral"))


def concentration(api: Api, branch: int | None) -> None:
    """Show the largest exposures by segment or borrower, and how concentrated they are."""
    st.subheader(t("portfolio.concentration"))
    left, right = st.columns([1, 3])
    with left:
        by = choice_filter(t("portfolio.by"), "by", SEGMENTS, is_optional=False)
    reply = api.lending(book.figure("concentration", by=by, branch=branch))
    with right:
        figure_caption(reply)
    if reply.index is not None:
        st.metric(t("portfolio.index"), number(reply.index), help=t("portfolio.index_help"))
    figure_table(api, reply, "concentration")


def collection(api: Api, branch: int | None) -> None:
    """Show what was met of what fell due in each of the last months."""
    st.subheader(words("collection-efficiency"))
    reply = api.lending(book.figure("collection-efficiency", branch=branch))
    figure_caption(reply)
    month, met = words("month"), t("portfolio.met")
    measured = [(n.key["month"], n.share_of_amount) for n in reply.lines]
    rows = [{month: name, met: None if s is None else float(s)} for name, s in measured]
    table = [{month: name, met: percent(s, DECIMALS)} for name, s in measured]
    line_chart("collection", rows, month, (met,), table)
    figure_table(api, reply, "collection")


def main() -> None:
    """Show the book."""
    with page("portfolio") as api:
        figures(api)
        distribution(api)
        collateral(api)
        if api.user.may("book"):
            with st.columns(4)[0]:
                branch = branch_filter()
            for part in (collection, concentration):
                with guarded():
                    part(api, branch)


main()
