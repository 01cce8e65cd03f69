"""The derived state of a loan as rows: its columns, its instalments, its schedule versions."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Table

from functions.lending.posting.ledger_rows import (
    LedgerRows,
    add_to_ledger,
    append_ledger,
    later_rows,
    read_stored,
)
from functions.lending.posting.loan_records import LoanRecord
from functions.lending.storage import tables
from functions.lending.storage.round_trips import Statement, update_row
from functions.lending.storage.transaction import Transaction
from models.lending.borrower import ClassifiedLoan
from models.lending.loan_state import InstalmentState, LoanState
from models.lending.money import ZERO

Values = dict[str, Any]
# A second change on one day: what counts is the class before that day, and the last one.
TRACK = """
INSERT INTO npa_tracking (loan_id, branch_id, business_date, previous_class, asset_class,
        npa_since, days_past_due, outstanding_principal, rule_set)
    VALUES (%(loan_id)s, %(branch_id)s, %(business_date)s, %(previous_class)s, %(asset_class)s,
        %(npa_since)s, %(days_past_due)s, %(outstanding_principal)s, %(rule_set)s)
    ON CONFLICT (loan_id, business_date) DO UPDATE SET asset_class = excluded.asset_class,
        npa_since = excluded.npa_since, days_past_due = excluded.days_past_due,
        outstanding_principal = excluded.outstanding_principal, rule_set = excluded.rule_set
"""
ENDED = frozenset({"closed", "written_off", "settled"})
# What a close changes without anybody having done anything: no reason to refuse an `If-Match`.
PASSING = frozenset({"as_of", "next_event_on", "turns_npa_on"})


def write_state(transaction: Transaction, record: LoanRecord, derived: ClassifiedLoan) -> Values:
    """Write what differs between a loan as it is stored and as it was derived.

    Returns the changed columns of the loan; nothing if it stood as derived.
    """
    before = record.columns
    stored = record.stored or read_stored(transaction.connection, record.loan_id)
    values = loan_values(derived)
    values |= append_ledger(transaction, record.scope, stored, derived.state)
    changed = _changed_columns(before, values)
    if not changed:
        return {}
    instalments = [instalment_values(row) for row in derived.state.instalments]
    versions = version_values(derived.state)
    _replace(transaction, record, tables.instalments, stored.instalments, instalments)
    _replace(transaction, record, tables.schedule_versions, stored.versions, versions)
    transaction.change(update_row(tables.loans, "id", record.loan_id, changed))
    if "asset_class" in changed:
        _track_class(transaction, record, values)
    return changed


def advance_states(
    transaction: Transaction, loans: Iterable[tuple[LoanRecord, ClassifiedLoan]]
) -> int:
    """Write what the days since the stored one have added to loans; return how many changed.

    Their facts are those of the stored state. It stands, because nothing that happens later can
    change how a day ended: so nothing that is stored is read. What has a later date is appended,
    and of the instalments those are written that had not been met.
    """
    rows, instalments = LedgerRows([], [], []), []
    changes = []
    for record, derived in loans:
        before, values = record.columns, loan_values(derived)
        added = later_rows(record.scope, record.row, derived.state)
        values["journal_entries"] = before["journal_entries"] + len(added.entries)
        values["allocations"] = before["allocations"] + len(added.allocations)
        changed = _changed_columns(before, values)
        if not changed:
            continue
        stored = {name: before[name] for name in ("id", "version", "equal_instalment")}
        changes.append(stored | values | changed)
        for every, more in zip(rows, added, strict=True):
            every.extend(more)
        instalments += [
            record.scope | instalment_values(row)
            for row in derived.state.instalments
            if row.status != "scheduled" and (row.met_on is None or row.met_on > before["as_of"])
        ]
        if "asset_class" in changed:
            _track_class(transaction, record, values)
    add_to_ledger(transaction, rows)
    transaction.update(tables.instalments, ("loan_id", "number"), instalments)
    transaction.update(tables.loans, ("id",), changes)
    return len(changes)


def _changed_columns(before: Mapping[str, Any], values: Mapping[str, Any]) -> Values:
    changed = {name: value for name, value in values.items() if before[name] != value}
    if set(changed) - PASSING:
        changed["version"] = before["version"] + 1
    return changed


def is_unchanged(record: LoanRecord, derived: ClassifiedLoan) -> bool:
    """Whether a loan without a new fact certainly stands as it is stored.

    Its journal can change only with the borrower's non-performing periods, whose entries of
    income recognition make a journal longer. Without such periods and with as many entries as
    were derived, nothing was ever corrected, and nothing is to be.
    """
    row, state = record.row, derived.state
    return (
        not derived.npa_periods
        and row.journal_entries == len(state.journal)
        and row.allocations == len(state.allocations)
        and all(getattr(row, name) == value for name, value in loan_values(derived).items())
    )


def loan_values(derived: ClassifiedLoan) -> Values:
    """Return the derived columns of a loan."""
    state, balances = derived.state, derived.state.balances
    classification = derived.classification
    values = {
        "status": state.status,
        "as_of": state.as_of,
        "disbursed": balances.disbursed,
        "repaid_principal": balances.repaid_principal,
        "written_off_principal": balances.written_off_principal,
        "outstanding_principal": balances.outstanding_principal,
        "due_principal": balances.due_principal,
        "due_interest": balances.due_interest,
        "due_fees": balances.due_fees,
        "due_penal_charges": balances.due_penal_charges,
        "credit": balances.credit,
        "received": balances.received,
        "oldest_due": state.oldest_due,
        "days_past_due": state.days_past_due,
        "asset_class": classification.asset_class,
        "npa_since": classification.npa_since,
        "turns_npa_on": derived.turns_npa_on,
        "rule_set": classification.rule_set,
        "next_event_on": next_event(derived),
        "closed_on": state.closed_on,
    }
    if state.versions and state.versions[-1].schedule.instalments:
        values["equal_instalment"] = state.versions[-1].schedule.equal_instalment
    return values


def next_event(derived: ClassifiedLoan) -> date | None:
    """Return the first day whose close may change the loan; None if no close can."""
    state = derived.state
    if state.status in ENDED or state.status == "granted":
        return None
    if state.balances.arrears or derived.classification.is_npa:
        return state.as_of + timedelta(days=1)
    return next((row.due_on for row in state.instalments if row.status == "scheduled"), None)


def instalment_values(row: InstalmentState) -> Values:
    """Return an instalment as a row."""
    paid, given_up, unpaid = row.paid, row.given_up, row.unpaid
    if row.status == "scheduled":  # most rows of most loans: nothing is paid or given up yet
        return {
            "number": row.number,
            "due_on": row.due_on,
            "status": row.status,
            "interest": unpaid["interest"],
            "principal": unpaid["principal"],
            "unpaid_interest": unpaid["interest"],
            "unpaid_principal": unpaid["principal"],
            "unpaid_charges": ZERO,
            "paid": ZERO,
            "given_up": ZERO,
            "met_on": None,
        }
    return {
        "number": row.number,
        "due_on": row.due_on,
        "status": row.status,
        "interest": _sum(m.get("interest", ZERO) for m in (unpaid, paid, given_up)),
        "principal": _sum(m.get("principal", ZERO) for m in (unpaid, paid, given_up)),
        "unpaid_interest": unpaid["interest"],
        "unpaid_principal": unpaid["principal"],
        "unpaid_charges": unpaid["fee"] + unpaid["penal"],
        "paid": _sum(paid.values()),
        "given_up": _sum(given_up.values()),
        "met_on": row.met_on,
    }


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, ZERO)


def version_values(state: LoanState) -> list[Values]:
    """Return the versions of a schedule as rows."""
    return [
        {
            "number": number,
            "effective_on": version.effective_on,
            "reason": version.reason,
            "reference": version.reference,
            "equal_instalment": version.schedule.equal_instalment,
            "months": len(version.schedule.instalments),
            "total_interest": version.schedule.total_interest,
        }
        for number, version in enumerate(state.versions, start=1)
    ]


def _replace(
    transaction: Transaction,
    record: LoanRecord,
    table: Table,
    rows: Iterable[Any],
    derived: Iterable[Values],
) -> None:
    """Make a loan's numbered rows those that were derived, touching only what differs."""
    stored = {row.number: row for row in rows}
    wanted = {row["number"]: row for row in derived}
    stale = [
        number
        for number, row in stored.items()
        if number not in wanted or any(getattr(row, n) != v for n, v in wanted[number].items())
    ]
    if stale:
        statement = f"DELETE FROM {table.name} WHERE loan_id = %(loan)s AND number = ANY(%(stale)s)"  # noqa: S608 -- a name of ours
        transaction.change(Statement(statement, {"loan": record.loan_id, "stale": stale}))
    new = [record.scope | row for n, row in wanted.items() if n not in stored or n in stale]
    transaction.add(table, *new)


def _track_class(transaction: Transaction, record: LoanRecord, values: Values) -> None:
    scope = record.scope | {"business_date": transaction.business_date}
    transaction.change(
        Statement(TRACK, scope | values | {"previous_class": record.row.asset_class})
    )
