"""The close of business days: some borrowers in a transaction, then the next day opens.

A close that is stopped goes on where it was; one that was skipped is made up for day by day.
Where many borrowers have something due, several processes close some of them each.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from multiprocessing import get_context
from typing import Any

from sqlalchemy import Connection, Select, insert, select, update

from functions.lending.actions.book_alerts import record_alerts
from functions.lending.analytics import early_warnings
from functions.lending.analytics.month_ends import MonthEnds, month_end
from functions.lending.errors import TransitionError
from functions.lending.posting.postings import close_borrowers
from functions.lending.storage import cells, tables
from functions.lending.storage.database import WHOLE_BOOK, Database
from functions.lending.storage.round_trips import Statement
from functions.lending.storage.transaction import Job, Transaction, open_business_date
from models.lending.dates import days_between

PRINCIPAL = "daily close"
BATCH = 500  # borrowers; fewer are closed by this process alone
TOGETHER = 50  # borrowers in a transaction: some tenths of a second that a repayment may wait
# A commit that a crash loses is made again: the day is still open, and the loan as it was. What
# opens the next day waits for the disk, and with it for all commits before.
NO_WAIT = Statement("SET LOCAL synchronous_commit = off", {})
MOST_DAYS = 366


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedDay:
    """What the close of one day did."""

    business_date: date
    borrowers: int
    loans_changed: int
    offers_expired: int
    warnings: int = 0
    month_end_loans: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyClose:
    """The close of days of one book; `now` is when its rows are written, never what day it is."""

    database: Database
    now: Callable[[], datetime]
    processes: int = 1

    def close_through(self, day: date) -> list[ClosedDay]:
        """Close every open day up to and with this one; none if it was closed before.

        Raises
        ------
        TransitionError
            If more than a year would be closed at once.
        """
        first = self.database.read(WHOLE_BOOK, open_business_date)
        if first <= day and days_between(first, day) >= MOST_DAYS:
            message = f"{day} is more than {MOST_DAYS} days after the open day {first}: check it"
            raise TransitionError(message)
        closed = []
        while (open_day := self.database.read(WHOLE_BOOK, open_business_date)) <= day:
            closed.append(self._close(open_day))
        return closed

    def _close(self, day: date) -> ClosedDay:
        job = Job(database=self.database, principal=PRINCIPAL, now=self.now)
        borrowers = loans = 0
        # Not forked: this process has a connection. None is started before the first full batch.
        with ProcessPoolExecutor(self.processes, mp_context=get_context("spawn")) as pool:
            for customers in self._due_customers(day):
                borrowers += len(customers)
                loans += self._close_customers(customers, pool)
                if len(customers) == BATCH:  # so that figures stay quick to read meanwhile
                    # This day is open until the end: until then what falls due on it stands apart.
                    # A close changes no segment, and these have many cells.
                    job.run(partial(_fold, day - timedelta(days=1), cells.SMALL_CELLS))
        expired = job.run(partial(_open_next_day, day))
        job.run(partial(_fold, day, cells.ALL_CELLS))
        return ClosedDay(
            business_date=day,
            borrowers=borrowers,
            loans_changed=loans,
            offers_expired=expired,
            # In this order: a warning compares month ends.
            month_end_loans=self._record_month(day),
            warnings=job.run(partial(_refresh_warnings, day)),
        )

    def _close_customers(self, customers: Sequence[int], pool: ProcessPoolExecutor) -> int:
        """Close some borrowers; return how many loans changed."""
        if self.processes == 1 or len(customers) < BATCH:
            job = Job(database=self.database, principal=PRINCIPAL, now=self.now)
            return _close_in_sets(job, customers)
        parts = [customers[index :: self.processes] for index in range(self.processes)]
        return sum(pool.map(partial(_close_part, self.database.url, self.now()), parts))

    def _record_month(self, day: date) -> int:
        """Record the month that ends with this day, or the last one if its recording broke off."""
        months = MonthEnds(database=self.database, now=self.now)
        month = day if day == month_end(day) else day.replace(day=1) - timedelta(days=1)
        if month < day and not months.is_behind(month):
            return 0
        return sum(months.record_through(month).values())

    def _due_customers(self, day: date) -> Iterator[Sequence[int]]:
        """Yield the customers with a loan that the close of this day may change, by batches."""
        loans, last = tables.loans, 0
        while True:
            query = (
                select(loans.c.customer_id)
                .where(loans.c.next_event_on <= day, loans.c.customer_id > last)
                .where(loans.c.as_of <= day)
                .group_by(loans.c.customer_id)
                .order_by(loans.c.customer_id)
                .limit(BATCH)
            )
            batch = self.database.read(WHOLE_BOOK, partial(_scalars, query))
            if batch:
                yield batch
            if len(batch) < BATCH:
                return
            last = batch[-1]


def _scalars(query: Select[Any], connection: Connection) -> Sequence[int]:
    identifiers: Sequence[int] = connection.execute(query).scalars().all()
    return identifiers


def _close_part(url: str, now: datetime, customers: Sequence[int]) -> int:
    """Close some borrowers in a process of its own."""
    with closing(Database(url, 1)) as database:
        job = Job(database=database, principal=PRINCIPAL, now=lambda: now)
        return _close_in_sets(job, customers)


def _close_in_sets(job: Job, customers: Sequence[int]) -> int:
    sets = (customers[first : first + TOGETHER] for first in range(0, len(customers), TOGETHER))
    return sum(job.run(partial(_close_some, some)) for some in sets)


def _close_some(customers: Sequence[int], transaction: Transaction) -> int:
    changed = close_borrowers(transaction, customers)
    transaction.change(NO_WAIT)
    return changed


def _fold(day: date, folded: Sequence[cells.FigureCells], transaction: Transaction) -> None:
    cells.fold(transaction.connection, day, folded)


def _refresh_warnings(day: date, transaction: Transaction) -> int:
    return early_warnings.refresh(transaction.connection, day)


def _open_next_day(day: date, transaction: Transaction) -> int:
    """Let offers expire, record alerts, close the day and open the next; or another close did."""
    if transaction.business_date != day:
        return 0
    record_alerts(transaction)
    applications, dates = tables.applications, tables.business_dates
    expired = transaction.connection.execute(
        update(applications)
        .where(applications.c.status == "approved", applications.c.expires_on <= day)
        .values(status="expired", version=applications.c.version + 1)
    ).rowcount
    closing = update(dates).where(dates.c.business_date == day, dates.c.closed_at.is_(None))
    if transaction.connection.execute(closing.values(closed_at=transaction.now)).rowcount:
        following = {"business_date": day + timedelta(days=1), "opened_at": transaction.now}
        transaction.connection.execute(insert(dates), following)
    return expired
