"""A year of one book that a reader can count, posted and closed month by month."""

from contextlib import closing as closed
from datetime import date

from functions.lending.analytics.month_ends import following
from functions.lending.closing import DailyClose
from functions.lending.storage.database import Database
from tests.support.lending import NOW, BookClient

JANUARY = date(2026, 1, 31)
YEAR = [JANUARY]
while len(YEAR) < 12:
    YEAR.append(following(YEAR[-1]))
INSTALMENT = "10661.85"  # of 120,000 at 12 % over 12 months


def close_on(book: BookClient, day: date) -> None:
    """Close a day, as if the days before it had been closed."""
    book.move_to(day)
    with closed(Database(book.url, 1)) as database:
        DailyClose(database=database, now=lambda: NOW).close_through(day)


def live_through(book: BookClient, loans: dict[str, str], month: date) -> None:
    """Post what happens in a month."""
    book.move_to(month.replace(day=5))
    for name in ("paying", "back_dated", "undone"):
        if month > JANUARY and (name, month.month) != ("back_dated", 4):
            body = {"amount": INSTALMENT, "external_reference": f"month-{month.month}"}
            book.ok("POST", f"/v1/loans/{loans[name]}:repay", body)
    if month.month == 5:
        undone = {"reference": "month-3", "reason": "Returned by the bank"}
        book.ok("POST", f"/v1/loans/{loans['undone']}:reverse", undone)
    if month.month == 6:
        body = {"amount": INSTALMENT, "value_date": "2026-04-05"}
        book.ok("POST", f"/v1/loans/{loans['back_dated']}:repay", body)
    if month.month == 7:
        loans["grown"] = book.disburse()
