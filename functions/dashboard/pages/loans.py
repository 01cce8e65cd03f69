"""Loans: the list, by status and customer."""

from functions.client import lending_endpoints as book
from functions.dashboard.api import Api
from functions.dashboard.components.filters import customer_filter, next_page, status_filter
from functions.dashboard.components.tables import drill_table
from functions.dashboard.frame import page, refreshed
from functions.dashboard.lists import loan_rows

STATUSES = ("granted", "active", "closed", "written_off", "settled")


@refreshed
def listing(api: Api) -> None:
    """Show one page of loans."""
    status, customer = status_filter(STATUSES), customer_filter()
    with next_page("loans", (status, customer)) as (cursor, offer_next):
        reply = api.lending(book.loans(status=status, customer_id=customer, cursor=cursor))
        drill_table(api, loan_rows(reply.loans), "loans", ("loan", "id"))
        offer_next(reply.next_cursor)


def main() -> None:
    """Show the list."""
    with page("loans") as api:
        listing(api)


main()
