"""Journal and allocations as rows: only appended, so that they amount to what was derived."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from functions.lending.storage import tables
from functions.lending.storage.round_trips import Statement, column_names, send
from functions.lending.storage.transaction import Transaction
from models.lending.corrections import corrections
from models.lending.journal import JournalEntry, JournalLine
from models.lending.ledger import Allocation
from models.lending.loan_state import LoanState

LoanScope = Mapping[str, Any]  # the columns that each row of a loan repeats
ENTRIES = """
SELECT number, value_date, kind, reference, is_correction, account, debit, credit
    FROM journal_entries JOIN journal_lines USING (loan_id, number)
    WHERE loan_id = %(loan)s ORDER BY number, position
"""
ALLOCATIONS = """
SELECT value_date, reference, number, component, amount
    FROM allocations WHERE loan_id = %(loan)s ORDER BY position
"""
INSTALMENTS, VERSIONS = (
    f"SELECT {column_names(table)} FROM {table.name} WHERE loan_id = %(loan)s ORDER BY number"  # noqa: S608 -- names of ours
    for table in (tables.instalments, tables.schedule_versions)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredState:
    """What is stored of one loan beside its row, as rows; corrections included."""

    entry_lines: Sequence[Any]
    allocation_rows: Sequence[Any]
    instalments: Sequence[Any]
    versions: Sequence[Any]

    @property
    def journal(self) -> list[JournalEntry]:
        """What is booked."""
        entries = []
        for _, lines in groupby(self.entry_lines, key=lambda row: row.number):
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

    @property
    def allocations(self) -> list[Allocation]:
        """What is allocated."""
        return [Allocation(*row) for row in self.allocation_rows]


def stored_statements(values: Mapping[str, Any]) -> list[Statement]:
    """Return what reads the stored state of the loan among the values."""
    texts = (ENTRIES, ALLOCATIONS, INSTALMENTS, VERSIONS)
    return [Statement(statement, values) for statement in texts]


def stored_from_rows(rows: Sequence[Sequence[Any]]) -> StoredState:
    """Return the stored state that these statements read."""
    lines, allocations, instalments, versions = rows
    return StoredState(
        entry_lines=lines, allocation_rows=allocations, instalments=instalments, versions=versions
    )


def read_stored(connection: Connection, loan_id: UUID) -> StoredState:
    """Read the stored state of one loan."""
    return stored_from_rows(send(connection, stored_statements({"loan": loan_id})))


class LedgerRows(NamedTuple):
    """Entries of journals, their lines and allocations as rows, of one loan or of many."""

    entries: list[dict[str, Any]]
    lines: list[dict[str, Any]]
    allocations: list[dict[str, Any]]


def append_ledger(
    transaction: Transaction, scope: LoanScope, stored: StoredState, state: LoanState
) -> dict[str, int]:
    """Append what differs; return how many rows each has now."""
    booked, allocated = stored.journal, stored.allocations
    entries = corrections(booked, state.journal)
    shares = corrections(allocated, state.allocations)
    rows, lines = entry_rows(scope, len(booked) + 1, entries)
    shared = allocation_rows(scope, len(allocated) + 1, shares)
    add_to_ledger(transaction, LedgerRows(rows, lines, shared))
    return {
        "journal_entries": len(booked) + len(entries),
        "allocations": len(allocated) + len(shares),
    }


def later_rows(scope: LoanScope, row: Any, state: LoanState) -> LedgerRows:  # noqa: ANN401 -- a row of loans
    """Return what is dated after the day that a loan's row is as of, numbered from there on.

    The state has no other journal entries: see `derive`.
    """
    shares = [share for share in state.allocations if share.value_date > row.as_of]
    return LedgerRows(
        *entry_rows(scope, row.journal_entries + 1, state.journal),
        allocation_rows(scope, row.allocations + 1, shares),
    )


def add_to_ledger(transaction: Transaction, rows: LedgerRows) -> None:
    """Insert rows, which are posted on the open business day."""
    stamp = {"business_date": transaction.business_date, "created_at": transaction.now}
    transaction.add(tables.journal_entries, *(row | stamp for row in rows.entries))
    transaction.add(tables.journal_lines, *rows.lines)
    transaction.add(tables.allocations, *rows.allocations)


def entry_rows(
    scope: LoanScope, first: int, entries: Sequence[JournalEntry]
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
        {**scope, "number": number, "position": position, **line._asdict()}
        for number, entry in numbered
        for position, line in enumerate(entry.lines, start=1)
    ]
    return rows, lines


def allocation_rows(
    scope: LoanScope, first: int, shares: Sequence[Allocation]
) -> list[dict[str, Any]]:
    """Return allocations as rows, numbered from `first` on."""
    return [
        {
            **scope,
            "position": position,
            "value_date": share.value_date,
            "reference": share.reference,
            "number": share.number,
            "component": share.component,
            "amount": share.amount,
        }
        for position, share in enumerate(shares, start=first)
    ]
