"""Loans, schedules and transactions as callers see them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text

from functions.lending.actions.replies import (
    AllocationReply,
    ClassChangeReply,
    ClassHistoryReply,
    InstalmentReply,
    JournalLineReply,
    JournalReply,
    LoanReply,
    PostedReply,
    QuoteReply,
    ScheduleReply,
    TransactionsReply,
)
from functions.lending.errors import NotInBookError, TransitionError
from functions.lending.posting.loan_records import read_record
from functions.lending.posting.postings import Posted
from functions.lending.storage import tables
from functions.lending.storage.identifiers import public_id
from functions.lending.storage.transaction import Transaction
from models.lending.facts import Fact
from models.lending.foreclosure import foreclosure_quote

COLUMNS = (
    *("customer_id", "branch_id", "status", "amount", "months", "purpose", "equal_instalment"),
    *("disbursed", "repaid_principal", "written_off_principal", "outstanding_principal"),
    *("due_principal", "due_interest", "due_fees", "due_penal_charges", "credit", "oldest_due"),
    *("days_past_due", "asset_class", "npa_since", "rule_set", "closed_on", "as_of", "version"),
)
INSTALMENT = (
    *("number", "due_on", "status", "interest", "principal", "unpaid_interest"),
    *("unpaid_principal", "unpaid_charges", "paid", "met_on"),
)
VERSION = (
    *("number", "effective_on", "reason", "reference", "equal_instalment", "months"),
    "total_interest",
)
TRANSACTIONS = text("""
WITH posted AS (
    SELECT id, reference, 'disbursement' AS kind, value_date, amount, posted_by, business_date,
        created_at, NULL AS reverses FROM disbursements WHERE loan_id = :loan
    UNION ALL SELECT id, reference, CASE WHEN prepayment_option IS NULL THEN 'repayment'
        ELSE 'prepayment' END, value_date, amount, posted_by, business_date, created_at, NULL
        FROM repayments WHERE loan_id = :loan
    UNION ALL SELECT id, reference, 'fee', value_date, amount, posted_by, business_date,
        created_at, NULL FROM charges WHERE loan_id = :loan
    UNION ALL SELECT id, reference, kind, value_date, amount, posted_by, business_date,
        created_at, reverses FROM adjustments WHERE loan_id = :loan
)
SELECT reference, kind, value_date, amount, posted_by, business_date, created_at,
    EXISTS (SELECT FROM posted r WHERE r.reverses = posted.reference) AS is_reversed
FROM posted ORDER BY created_at, id
""")
# An allocation that was taken back has a mirror: together they are 0.
ALLOCATED = text("""
SELECT reference, number, component, sum(amount) AS amount FROM allocations WHERE loan_id = :loan
    GROUP BY reference, number, component HAVING sum(amount) <> 0 ORDER BY number, component
""")
ENTRIES = text("""
SELECT e.number, e.value_date, e.business_date, e.kind, e.reference, e.is_correction,
    jsonb_agg(jsonb_build_object('account', l.account, 'debit', CAST(l.debit AS text),
        'credit', CAST(l.credit AS text)) ORDER BY l.position) AS lines
FROM (SELECT * FROM journal_entries WHERE loan_id = :loan AND number < :before
        ORDER BY number DESC LIMIT :limit) AS e
    JOIN journal_lines l ON l.loan_id = e.loan_id AND l.number = e.number
GROUP BY e.number, e.value_date, e.business_date, e.kind, e.reference, e.is_correction
ORDER BY e.number DESC
""")
CHANGE = tuple(ClassChangeReply.__annotations__)


def reply_from_loan(row: Row[Any]) -> LoanReply:
    """Return a stored loan as callers see it."""
    return reply_from_columns(dict(row._mapping))  # noqa: SLF001 -- SQLAlchemy's public name for it


def reply_from_columns(row: Mapping[str, Any]) -> LoanReply:
    """Return a loan as callers see it, from the columns of its row."""
    members: Any = {name: row[name] for name in COLUMNS}
    members |= {"loan_id": public_id("loan", row["id"]), "interest_rate": row["annual_rate"]}
    reply: LoanReply = members | {"application_id": public_id("app", row["application_id"])}
    return reply


def find_loan(transaction: Transaction, loan_id: UUID) -> Row[Any]:
    """Return a loan's row.

    Raises
    ------
    NotInBookError
        If there is none, or the caller may not see it.
    """
    query = select(tables.loans).where(tables.loans.c.id == loan_id)
    row = transaction.connection.execute(query).first()
    if row is None:
        what = "loan"
        raise NotInBookError(what)
    return row


def read_loan(transaction: Transaction, loan_id: UUID) -> LoanReply:
    """Return one loan; the reading is audited."""
    row = find_loan(transaction, loan_id)
    transaction.audit("read", public_id("loan", loan_id), row.branch_id)
    return reply_from_loan(row)


def posted_reply(transaction: Transaction, fact: Fact, posted: Posted) -> PostedReply:
    """Return a posting with what it settled, and the loan after it."""
    return {
        "reference": fact.reference,
        "value_date": getattr(fact, "value_date", transaction.business_date),
        "business_date": transaction.business_date,
        "allocations": [
            {"number": a.number, "component": a.component, "amount": a.amount}
            for a in posted.derived.state.allocations
            if a.reference == fact.reference
        ],
        "loan": reply_from_columns(posted.row),
    }


def read_schedule(transaction: Transaction, loan_id: UUID) -> ScheduleReply:
    """Return all instalments of a loan and the versions of its schedule."""
    loan = find_loan(transaction, loan_id)
    instalments = _numbered(transaction, tables.instalments, loan_id)
    versions = _numbered(transaction, tables.schedule_versions, loan_id)
    return {
        "loan_id": public_id("loan", loan_id),
        "business_date": transaction.business_date,
        "equal_instalment": loan.equal_instalment,
        "instalments": [_instalment(row) for row in instalments],
        "versions": [{name: getattr(row, name) for name in VERSION} for row in versions],  # type: ignore[misc]
    }


def read_transactions(transaction: Transaction, loan_id: UUID) -> TransactionsReply:
    """Return everything that was posted on a loan, each payment with what it settled."""
    find_loan(transaction, loan_id)
    allocated: dict[str, list[AllocationReply]] = defaultdict(list)
    for reference, *part in transaction.connection.execute(ALLOCATED, {"loan": loan_id}):
        number, component, amount = part
        allocated[reference].append({"number": number, "component": component, "amount": amount})
    rows = transaction.connection.execute(TRANSACTIONS, {"loan": loan_id}).mappings()
    return {
        "loan_id": public_id("loan", loan_id),
        "transactions": [
            {**row, "allocations": allocated[row["reference"]]}  # type: ignore[typeddict-item]
            for row in rows
        ],
    }


def read_journal(transaction: Transaction, loan_id: UUID, before: int, limit: int) -> JournalReply:
    """Return the entries of a loan's journal before a number, the newest first."""
    find_loan(transaction, loan_id)
    values = {"loan": loan_id, "before": before, "limit": limit}
    rows = transaction.connection.execute(ENTRIES, values).mappings().all()
    first = rows[-1]["number"] if rows else 1
    return {
        "loan_id": public_id("loan", loan_id),
        "entries": [{**row, "lines": list(map(_line, row["lines"]))} for row in rows],  # type: ignore[typeddict-item]
        "next_before": first if first > 1 else None,
    }


def _line(line: Mapping[str, str]) -> JournalLineReply:
    return {
        "account": line["account"],
        "debit": Decimal(line["debit"]),
        "credit": Decimal(line["credit"]),
    }


def read_class_history(transaction: Transaction, loan_id: UUID) -> ClassHistoryReply:
    """Return every change of a loan's asset class."""
    find_loan(transaction, loan_id)
    changes = tables.npa_tracking
    query = select(changes).where(changes.c.loan_id == loan_id).order_by(changes.c.business_date)
    rows = transaction.connection.execute(query).all()
    return {
        "loan_id": public_id("loan", loan_id),
        "changes": [{name: getattr(row, name) for name in CHANGE} for row in rows],  # type: ignore[misc]
    }


def quote_foreclosure(transaction: Transaction, loan_id: UUID) -> QuoteReply:
    """Quote what closes a loan on the business date.

    Raises
    ------
    TransitionError
        If the loan is not active: there is nothing to close.
    """
    record = read_record(transaction.connection, loan_id)
    loan = record.loan(record.facts)
    if record.row.status != "active" or loan is None:
        message = f"the loan is {record.row.status}: only an active loan has a quote"
        raise TransitionError(message)
    quote = foreclosure_quote(loan, transaction.business_date)
    return {
        "loan_id": public_id("loan", loan_id),
        "as_of": quote.as_of,
        "due_principal": quote.due_principal,
        "due_interest": quote.due_interest,
        "due_charges": quote.due_charges,
        "undue_principal": quote.undue_principal,
        "days": quote.days,
        "broken_interest": quote.broken_interest,
        "prepayment_charge": quote.prepayment_charge,
        "credit": quote.credit,
        "total": quote.total,
    }


def _numbered(transaction: Transaction, table: Any, loan_id: UUID) -> Sequence[Row[Any]]:  # noqa: ANN401 -- a table
    query = select(table).where(table.c.loan_id == loan_id).order_by(table.c.number)
    rows: Sequence[Row[Any]] = transaction.connection.execute(query).all()
    return rows


def _instalment(row: Row[Any]) -> InstalmentReply:
    members: Any = {name: getattr(row, name) for name in INSTALMENT}
    reply: InstalmentReply = members | {"payment": row.interest + row.principal}
    return reply
