"""The one path by which money enters the book, and by which a day is closed."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from functions.lending.errors import TransitionError
from functions.lending.posting.fact_rows import FirstDue, insert_fact
from functions.lending.posting.loan_records import (
    LoanRecord,
    lock_records,
    lock_records_of_loan,
)
from functions.lending.posting.state_rows import advance_states, is_unchanged, write_state
from functions.lending.storage.transaction import Transaction
from models.lending.borrower import ClassifiedLoan, EarlierState, derive_loans
from models.lending.facts import Dated, Fact

Derived = Mapping[UUID, ClassifiedLoan]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFact:
    """A fact to post, columns beside it, and of a disbursement its due dates."""

    fact: Fact
    extra: Mapping[str, Any] = field(default_factory=dict)
    first_due: FirstDue | None = None


class Posted(NamedTuple):
    """A loan after a posting: as it was derived, and the columns of its row."""

    derived: ClassifiedLoan
    row: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Borrower:
    """All loans of one customer, locked."""

    customer_id: int
    records: Mapping[UUID, LoanRecord]


def lock_borrower_of_loan(transaction: Transaction, loan_id: UUID) -> Borrower:
    """Lock customer and loans, in this order: nobody else changes them until the commit."""
    records = lock_records_of_loan(transaction.connection, loan_id)
    return Borrower(customer_id=records[loan_id].row.customer_id, records=records)


def post(transaction: Transaction, borrower: Borrower, loan_id: UUID, new: NewFact) -> Posted:
    """Post one fact: derive all loans of the borrower with it, insert it, write what differs.

    Raises
    ------
    TransitionError
        If the fact counts on a day that has not begun.
    LendingError
        If it does not fit the other facts. Nothing was written.
    """
    record = borrower.records[loan_id]
    day = transaction.business_date
    if isinstance(new.fact, Dated) and new.fact.value_date > day:
        message = f"value_date must not be after the business date {day}: post it on its day"
        raise TransitionError(message)
    derived = derive(borrower, day, {loan_id: new})
    insert_fact(transaction, loan_id, record.row.branch_id, new.fact, new.extra)
    changed = write_states(transaction, borrower, derived, loan_id)
    return Posted(derived[loan_id], {**record.columns, **changed.get(loan_id, {})})


def close_borrowers(transaction: Transaction, customers: Sequence[int]) -> int:
    """Derive some customers' loans at the end of the business day; return how many changed."""
    by_customer: dict[int, dict[UUID, LoanRecord]] = defaultdict(dict)
    for loan_id, record in lock_records(transaction.connection, customers).items():
        by_customer[record.row.customer_id][loan_id] = record
    loans = [
        (records[loan_id], state)
        for customer_id, records in by_customer.items()
        for loan_id, state in derive(
            Borrower(customer_id=customer_id, records=records),
            transaction.business_date,
            is_journal_whole=False,
        ).items()
    ]
    return advance_states(transaction, loans)


def derive(
    borrower: Borrower,
    day: date,
    new: Mapping[UUID, NewFact] | None = None,
    *,
    is_journal_whole: bool = True,
) -> dict[UUID, ClassifiedLoan]:
    """Derive every disbursed loan of a borrower at the end of a day.

    Without the whole journal, it is what is dated after the day that each row is as of.
    """
    loans, earlier, rules = {}, {}, None
    for loan_id, record in borrower.records.items():
        added = (new or {}).get(loan_id)
        facts = (*record.facts, added.fact) if added else record.facts
        loan = record.loan(facts, added.first_due if added else None)
        if loan:
            loans[str(loan_id)] = loan
            written = None if is_journal_whole else record.row.as_of
            earlier[str(loan_id)] = EarlierState(record.row.npa_since, written)
            rules = rules or record.rules
    if rules is None:
        if new:
            message = "the loan is not disbursed: disburse it first"
            raise TransitionError(message)
        return {}
    derived = derive_loans(loans, day, rules, earlier)
    return {UUID(loan_id): state for loan_id, state in derived.items()}


def write_states(
    transaction: Transaction, borrower: Borrower, derived: Derived, posted: UUID | None = None
) -> dict[UUID, Mapping[str, Any]]:
    """Write each loan that differs from what is stored; return the columns that changed."""
    changes = {
        loan_id: write_state(transaction, borrower.records[loan_id], state)
        for loan_id, state in derived.items()
        if loan_id == posted or not is_unchanged(borrower.records[loan_id], state)
    }
    return {loan_id: changed for loan_id, changed in changes.items() if changed}
