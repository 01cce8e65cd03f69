"""Early warning: loans to look at before they are lost, why, and what to do next."""

import streamlit as st

from functions.client import lending_endpoints as book
from functions.client.portfolio_responses import (
    FigureReply,
)
from functions.dashboard.api import Api
from functions.dashboard.components.charts import bar_chart
from functions.dashboard.components.figure_table import (
    figure_caption,
    figure_table,
    line_query,
)
from functions.dashboard.components.filters import branch_filter
from functions.dashboard.components.tiles import Tile, tile_row
from functions.dashboard.components.warned_loans import warned_loans
from functions.dashboard.display import money, number, t, words
from functions.dashboard.frame import page, refreshed


def tiles_from_next_npa(reply: FigureReply) -> list[Tile]:
    """Return a tile of loans and one of money for each number of days, with the loans behind."""
    tiles = []
    for line in reply.lines:
        days, query = line.key["days"], tuple(line_query(reply.figure, line).items())
        tiles += [
            Tile(
                name=f"next_npa_loans_{days}",
                value=number(line.number),
                target="figure_loans",
                query=query,
            ),
            Tile(name=f"next_npa_amount_{days}", value=money(line.amount)),
        ]
    return tiles


@refreshed
def next_npa(api: Api, branch: int | None) -> None:
    """Show what becomes non-performing if nothing is paid."""
    st.subheader(t("warning.next_npa"))
    reply = api.lending(book.figure("next-npa", branch=branch))
    figure_caption(reply)
    tile_row(api, tiles_from_next_npa(reply))


@refreshed
def warnings(api: Api, branch: int | None) -> None:
    """Show the reasons, the loans of each, and the next action."""
    st.subheader(t("warning.reasons"))
    reply = api.lending(book.figure("early-warning", branch=branch))
    figure_caption(reply)
    if not reply.lines:
        st.info(t("warning.none"), icon=":material/inbox:")
        return
    rows = [
        {t("warning.reason"): words(line.key["reason"]), t("columns.loans"): line.number}
        for line in reply.lines
    ]
    bar_chart("warnings", rows, t("warning.reason"), t("columns.loans"))
    for line in reply.lines:
        st.markdown(f"- **{words(line.key['reason'])}**: {line.meaning} *{line.next_action}*")
    figure_table(api, reply, "early-warning")


def main() -> None:
    """Show early warnings."""
    with page("early_warning") as api:
        with st.columns(4)[0]:
            branch = branch_filter()
        next_npa(api, branch)
        warnings(api, branch)
        warned_loans(api)


main()
