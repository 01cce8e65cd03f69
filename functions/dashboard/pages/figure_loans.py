"""The loans that sum to a line of a figure, which the URL names as the API does."""

from typing import get_args

import streamlit as st

from functions.client import lending_endpoints as book
from functions.client.lending_endpoints import FigureName
from functions.client.portfolio_responses import (
    MemberReply,
)
from functions.dashboard.api import Api
from functions.dashboard.components.filters import next_page
from functions.dashboard.components.tables import drill_table
from functions.dashboard.display import day, money, t, words
from functions.dashboard.frame import page
from functions.dashboard.lists import Row, loan_rows

FIGURES: tuple[FigureName, ...] = get_args(FigureName)
# Keys of lines and what may be chosen; whatever else stands in the address is not asked for.
QUERY_NAMES = (
    *("days", "bucket", "measure", "asset_class", "month", "months", "value", "by", "reason"),
    *("movement", "from", "to", "cohort", "months_on_book", "basis", "ever", "product"),
    *("score_band", "model_version", "branch"),
)
LOANS = 20  # each is read, to show how it stands


def chosen_figure(name: str) -> FigureName | None:
    """Return the figure of this name."""
    return next((figure for figure in FIGURES if figure == name), None)


def member_rows(api: Api, members: list[MemberReply]) -> list[Row]:
    """Return a row for each loan: how it stands now, and what it adds to the line."""
    rows = loan_rows([api.lending(book.loan(member.loan_id)) for member in members])
    identifier = t("columns.loan")
    return [
        {identifier: row[identifier], t("figures.adds"): money(member.amount), **row}
        for row, member in zip(rows, members, strict=True)
    ]


def main() -> None:
    """Show one page of the loans."""
    with page("figure_loans") as api:
        figure = chosen_figure(st.query_params.get("figure", ""))
        if figure is None:
            st.info(t("frame.no_id"), icon=":material/link_off:")
            return
        query = {name: st.query_params[name] for name in QUERY_NAMES if name in st.query_params}
        filters = (figure, *sorted(query.items()))
        with next_page("loans of a figure", filters) as (cursor, offer_next):
            reply = api.lending(book.figure_loans(figure, **query, limit=LOANS, cursor=cursor))
            parts = [f"{words(name)}: {words(value)}" for name, value in reply.chosen.items()]
            st.markdown(f"**{words(reply.figure)}** · {' · '.join(parts)}")
            basis = t(f"figures.{reply.basis}_basis")
            st.caption(t("figures.loans_as_of", day=day(reply.as_of), basis=basis))
            drill_table(api, member_rows(api, reply.loans), "figure-loans", ("loan", "id"))
            offer_next(reply.next_cursor)


main()
