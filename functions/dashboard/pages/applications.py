"""Applications: the list, by status and customer; the queue of those that wait for a person."""

from functions.client import lending_endpoints as book
from functions.dashboard.api import Api
from functions.dashboard.components.filters import customer_filter, next_page, status_filter
from functions.dashboard.components.tables import drill_table
from functions.dashboard.frame import page, refreshed
from functions.dashboard.lists import application_rows

STATUSES = ("pending", "approved", "rejected", "accepted", "expired", "withdrawn")


@refreshed
def listing(api: Api) -> None:
    """Show one page of applications."""
    status, customer = status_filter(STATUSES), customer_filter()
    with next_page("applications", (status, customer)) as (cursor, offer_next):
        reply = api.lending(book.applications(status=status, customer_id=customer, cursor=cursor))
        rows = application_rows(reply.applications)
        drill_table(api, rows, "applications", ("application", "id"))
        offer_next(reply.next_cursor)


def main() -> None:
    """Show the list."""
    with page("applications") as api:
        listing(api)


main()
