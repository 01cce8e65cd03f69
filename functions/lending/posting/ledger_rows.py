"""Journal and allocations as rows: only appended, so that they amount to what was derived."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, insert, text

from functions.lending.posting.loan_records import LoanRecord
from functions.lending.storage import tables
from functions.lending.storage.transaction import Transaction
from models.lending.corrections import corrections
from models.lending.journal import JournalEntry, JournalLine
from models.lending.ledger import Allocation
from models.lending.loan_state import LoanState

ENTRIES = text("""
SELECT number, value_date, kind, reference, is_correction, account, debit, credit
    FROM journal_entries JOIN journal_lines USING (loan_id, number)
    WHERE loan_id = :loan ORDER BY number, position
""")
ALLOCATIONS = text("""
SELECT value_date, reference, number, component, amount
    FROM allocations WHERE loan_id = :loan ORDER BY position
""")


def read_journal(connection: Connection, loan_id: UUID) -> list[JournalEntry]:
    """Return what is booked on a loan, corrections included."""
    rows = connection.execute(ENTRIES, {"loan": loan_id}).all()
    entries = []
    for _, lines in groupby(rows, key=lambda row: row.number):
        of_entry = list(lines)
        first = of_entry[0]
        entries.append(
            JournalEntry(
                first.value_date,
                first.kind,
                first.reference,
                tuple(JournalLine(line.account, line.debit, line.credit) for line in of_entry),
                first.is_correction,
            )
        )
    return entries


def read_allocations(connection: Connection, loan_id: UUID) -> list[Allocation]:
    """Return what is allocated on a loan, corrections included."""
    rows = connection.execute(ALLOCATIONS, {"loan": loan_id})
    return [Allocation(*row) for row in rows]


def append_ledger(transaction: Transaction, record: LoanRecord, state: LoanState) -> dict[str, int]:
    """Append what differs; return how many rows each has now."""
    booked: Sequence[JournalEntry] = ()
    allocated: Sequence[Allocation] = ()
    if record.row.journal_entries:
        booked = read_journal(transaction.connection, record.loan_id)
    if record.row.allocations:
        allocated = read_allocations(transaction.connection, record.loan_id)
    entries = corrections(booked, state.journal)
    shares = corrections(allocated, state.allocations)
    append_entries(transaction, record, entries)
    append_allocations(transaction, record, shares)
    return {
        "journal_entries": record.row.journal_entries + len(entries),
        "allocations": record.row.allocations + len(shares),
    }


def append_entries(
    transaction: Transaction, record: LoanRecord, entries: Sequence[JournalEntry]
) -> None:
    """Append entries after those that the loan has."""
    if not entries:
        return
    scope = {"loan_id": record.loan_id, "branch_id": record.row.branch_id}
    stamp = {"business_date": transaction.business_date, "created_at": transaction.now}
    rows, lines = entry_rows(scope, record.row.journal_entries + 1, entries)
    stamped = [row | stamp for row in rows]
    transaction.connection.execute(insert(tables.journal_entries), stamped)
    transaction.connection.execute(insert(tables.journal_lines), lines)


def entry_rows(
    scope: Mapping[str, Any], first: int, entries: Sequence[JournalEntry]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return entries and their lines as rows, numbered from `first` on."""
    numbered = list(enumerate(entries, start=first))
    rows = [
        {
            **scope,
            "number": number,
            "value_date": entry.value_date,
            "kind": entry.kind,
            "reference": entry.reference,
            "is_correction": entry.is_correction,
        }
        for number, entry in numbered
    ]
    lines = [
        {**scope, "number": number, "position": position, **_line(line)}
        for number, entry in numbered
        for position, line in enumerate(entry.lines, start=1)
    ]
    return rows, lines


def _line(line: JournalLine) -> dict[str, Any]:
    return {"account": line.account, "debit": line.debit, "credit": line.credit}


def append_allocations(
    transaction: Transaction, record: LoanRecord, shares: Sequence[Allocation]
) -> None:
    """Append allocations after those that the loan has."""
    if not shares:
        return
    first = record.row.allocations + 1
    rows = [
        {
            "loan_id": record.loan_id,
            "branch_id": record.row.branch_id,
            "position": position,
            "value_date": share.value_date,
            "reference": share.reference,
            "number": share.number,
            "component": share.component,
            "amount": share.amount,
        }
        for position, share in enumerate(shares, start=first)
    ]
    transaction.connection.execute(insert(tables.allocations), rows)
