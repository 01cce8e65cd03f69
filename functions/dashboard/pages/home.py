"""Home: what waits for whoever is signed in, and how the book stands."""

import streamlit as st

from functions.client import lending_endpoints as book
from functions.dashboard.api import Api
from functions.dashboard.book_figures import limits_from_summary, tiles_from_summary
from functions.dashboard.components.tables import drill_table
from functions.dashboard.components.tiles import alert_strip, tile_row
from functions.dashboard.components.trends import trend_tiles
from functions.dashboard.display import t
from functions.dashboard.frame import guarded, link, page, refreshed
from functions.dashboard.lists import application_rows, loan_rows


@refreshed
def figures(api: Api) -> None:
    """Show the book's figures and what is beyond its bounds."""
    summary = api.lending(book.summary())
    alert_strip(limits_from_summary(summary))
    tile_row(api, tiles_from_summary(summary))


@refreshed
def queue(api: Api) -> None:
    """Show applications that wait for a person, and offers that wait for the customer."""
    st.subheader(t("home.pending"))
    pending = api.lending(book.applications(status="pending"))
    drill_table(api, application_rows(pending.applications), "pending", ("application", "id"))
    st.subheader(t("home.approved"))
    approved = api.lending(book.applications(status="approved"))
    drill_table(api, application_rows(approved.applications), "approved", ("application", "id"))


@refreshed
def late(api: Api) -> None:
    """Show late borrowers among the newest active loans."""
    st.subheader(t("home.late"))
    loans = api.lending(book.loans(status="active")).loans
    rows = loan_rows([loan for loan in loans if loan.days_past_due > 0])
    st.caption(t("home.late_of", loans=len(loans)))
    drill_table(api, rows, "late", ("loan", "id"))


def stand(api: Api) -> None:
    """Show how the book stands, and how it stood at the last month ends."""
    if api.user.may("portfolio"):
        figures(api)
    if api.user.may("book"):
        with guarded():
            trend_tiles(api)


def work(api: Api) -> None:
    """Show what waits."""
    if api.user.may("applications"):
        queue(api)
    if api.user.may("collect"):
        late(api)


def main() -> None:
    """Show what the user's roles are about: first the work of whoever does it."""
    with page("home") as api:
        link(api, "new_application", t("home.new"))
        is_worker = api.user.may("apply") and not api.user.may("decide")
        for part in (work, stand) if is_worker else (stand, work):
            part(api)


main()
