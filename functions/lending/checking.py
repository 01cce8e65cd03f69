"""The nightly check: every stored state against its facts, every cell against a recount.

It names what differs and changes nothing; its own run is recorded. A difference is a fault of the
code, or somebody changed the database by hand, and a person has to look at it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, select

from functions.lending.posting.ledger_rows import read_stored
from functions.lending.posting.loan_records import LoanRecord, read_records
from functions.lending.posting.postings import Borrower, derive
from functions.lending.posting.state_rows import instalment_values, loan_values, version_values
from functions.lending.storage import alert_tables, cells, tables
from functions.lending.storage.database import Database
from functions.lending.storage.identifiers import public_id
from functions.lending.storage.transaction import Transaction, open_business_date
from models.lending.borrower import ClassifiedLoan
from models.lending.corrections import corrections
from models.lending.errors import LendingError

BATCH = 200
MOST_NAMED = 1_000
GRANTED: Mapping[str, Any] = {"status": "granted", "journal_entries": 0, "allocations": 0}


@dataclass(slots=True, kw_only=True)
class Differences:
    """What differs; of many differences the first ones by name."""

    different: int = 0
    differences: list[str] = field(default_factory=list)

    def note(self, difference: str) -> None:
        """Take a difference down."""
        self.different += 1
        if len(self.differences) < MOST_NAMED:
            self.differences.append(difference)


@dataclass(slots=True)
class Checked(Differences):
    """What was looked at, and what differs."""

    business_date: date
    borrowers: int = 0
    loans: int = 0


class _CheckedBorrowers(NamedTuple):
    customers: Sequence[int]
    loans: int
    differences: list[str]


def check_book(database: Database) -> Checked:
    """Derive every loan again and recount every cell; locks nothing."""
    checked = Checked(database.snapshot(open_business_date))
    last = 0
    while True:
        batch = database.snapshot(partial(_check_customers, last))
        checked.borrowers += len(batch.customers)
        checked.loans += batch.loans
        for difference in batch.differences:
            checked.note(difference)
        if len(batch.customers) < BATCH:
            break
        last = batch.customers[-1]
    for difference in database.snapshot(_check_cells):
        checked.note(difference)
    return checked


def record_check(transaction: Transaction, checked: Checked) -> None:
    """Append what a check found, for the metrics and for whoever asks when it last ran."""
    row = {
        "business_date": checked.business_date,
        "borrowers": checked.borrowers,
        "loans": checked.loans,
        "different": checked.different,
        "created_at": transaction.now,
    }
    transaction.connection.execute(insert(alert_tables.book_checks), row)


def _check_cells(connection: Connection) -> list[str]:
    closed = open_business_date(connection) - timedelta(days=1)
    return list(cells.differences(connection, closed))


def _check_customers(last: int, connection: Connection) -> _CheckedBorrowers:
    loans = tables.loans
    query = (
        select(loans.c.customer_id)
        .where(loans.c.customer_id > last)
        .group_by(loans.c.customer_id)
        .order_by(loans.c.customer_id)
        .limit(BATCH)
    )
    customers = connection.execute(query).scalars().all()
    closed = open_business_date(connection) - timedelta(days=1)
    count = 0
    differences: list[str] = []
    for customer_id in customers:
        records = read_records(connection, customer_id)
        borrower = Borrower(customer_id=customer_id, records=records)
        count += len(records)
        differences += _check_borrower(connection, borrower, closed)
    return _CheckedBorrowers(customers, count, differences)


def _check_borrower(connection: Connection, borrower: Borrower, closed: date) -> Iterator[str]:
    """Yield what differs, as of the last close, or of a posting since: it derived all loans."""
    # A loan that was never paid out derives nothing, though it is as of the day of its grant.
    paid_out = [record for record in borrower.records.values() if record.disbursements]
    day = max([closed, *(record.row.as_of for record in paid_out)])
    try:
        derived = derive(borrower, day)
    except LendingError as error:
        yield f"customer {borrower.customer_id}: the facts contradict each other: {error}"
        return
    for loan_id, record in borrower.records.items():
        name = public_id("loan", loan_id)
        state = derived.get(loan_id)
        values = _expected(state) if state else GRANTED
        for column, value in values.items():
            stored = getattr(record.row, column)
            if stored != value:
                yield f"{name}: {column} is {stored}, its facts say {value}"
        if state:
            yield from (f"{name}: {part}" for part in _check_rows(connection, record, state))


def _expected(derived: ClassifiedLoan) -> Mapping[str, Any]:
    # A loan at rest was last written on an earlier day, and stands the same today.
    return {name: value for name, value in loan_values(derived).items() if name != "as_of"}


def _check_rows(
    connection: Connection, record: LoanRecord, derived: ClassifiedLoan
) -> Iterator[str]:
    state, stored = derived.state, read_stored(connection, record.loan_id)
    try:
        journal = stored.journal
    except LendingError as error:
        yield f"journal_entries: {error}"
        return
    allocations = stored.allocations
    if corrections(journal, state.journal) or len(journal) != record.row.journal_entries:
        yield "journal_entries do not amount to what its facts say"
    if corrections(allocations, state.allocations) or len(allocations) != record.row.allocations:
        yield "allocations do not amount to what its facts say"
    if not _are_stored(stored.instalments, map(instalment_values, state.instalments)):
        yield "instalments are not what its facts say"
    if not _are_stored(stored.versions, version_values(state)):
        yield "schedule_versions are not what its facts say"


def _are_stored(stored: Sequence[Any], derived: Iterable[Mapping[str, Any]]) -> bool:
    expected = list(derived)
    return len(stored) == len(expected) and all(
        all(getattr(row, name) == value for name, value in values.items())
        for row, values in zip(stored, expected, strict=True)
    )
