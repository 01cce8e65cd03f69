"""One person's data: what is kept how long and why, an export, and an erasure within the law.

The decision log has a key and commands of its own: what to run there is printed, never done here.
"""

from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import text

from functions.lending.errors import NotInBookError, TransitionError
from functions.lending.storage.transaction import Transaction
from models.lending.dates import add_months

MONTHS_AFTER_LOAN, MONTHS_AFTER_APPLICATION = 96, 25


class Retention(NamedTuple):
    """What is kept, for how long, and why."""

    data: str
    tables: tuple[str, ...]
    period: str
    reason: str


RETENTION = (
    Retention(
        "loans, postings, journal",
        (
            *("loans", "disbursements", "repayments", "charges", "adjustments", "allocations"),
            *("journal_entries", "journal_lines", "instalments", "schedule_versions"),
            *("npa_tracking", "confirmations", "loan_months"),
        ),
        "8 years after the loan ended; without the person's name after the erasure",
        "books of account: Companies Act 2013, s. 128(5)",
    ),
    Retention(
        "identity and contact",
        ("customers", "customer_versions", "kyc"),
        "8 years after the last loan ended",
        "at least 5 years after the relationship: Prevention of Money-Laundering Act 2002, s. 12;"
        " as long as the books refer to them",
    ),
    Retention(
        "applications and decisions",
        ("applications", "decisions", "employment", "external_checks", "reviews"),
        "25 months after the application, 8 years after a loan that came of it ended",
        "Regulation B, 12 CFR 1002.12(b); the books, once there is a loan",
    ),
    Retention(
        "collateral and guarantors",
        ("collateral", "guarantors", "loan_origins", "warning_followups"),
        "8 years after the loan ended",
        "they belong to the loan's books",
    ),
    Retention(
        "stored replies",
        ("idempotency_keys",),
        "30 days at least; older ones go with the next erasure",
        "a repeated request gets its first reply",
    ),
    Retention(
        "audit",
        ("audit", "outbox"),
        "as long as the book",
        "who did what is evidence; rows hold numbers and no personal data",
    ),
    Retention(
        "decision log of the scoring service",
        (),
        "as its own settings say",
        "its chain is evidence of every decision; `functions.scoring audit` exports and erases",
    ),
)
OF_CUSTOMER = (
    *("customer_versions", "employment", "kyc", "applications", "decisions", "loans"),
    *("loan_months", "loan_origins", "early_warnings", "external_checks", "reviews"),
    "warning_followups",
)
OF_LOANS = (
    *("disbursements", "repayments", "charges", "adjustments", "collateral", "guarantors"),
    *("instalments", "schedule_versions", "npa_tracking"),
)
# A hash says nothing to the person, and helps whoever steals the export.
HIDDEN = frozenset({"number_hash", "fingerprint"})
ERASE_NOTES = "UPDATE warning_followups SET snooze_note = NULL WHERE customer_id = :customer"
LAST_DAYS = text("""
SELECT (SELECT count(*) FROM loans WHERE customer_id = :customer
        AND status IN ('granted', 'active')) AS open_loans,
    (SELECT count(*) FROM applications WHERE customer_id = :customer
        AND status IN ('pending', 'approved')) AS open_applications,
    (SELECT max(coalesce(closed_on, as_of)) FROM loans WHERE customer_id = :customer) AS ended_on,
    (SELECT max(business_date) FROM applications WHERE customer_id = :customer) AS applied_on
""")


def export_customer(customer_id: int, transaction: Transaction) -> dict[str, Any]:
    """Return everything that the book holds of a person, by table; the export is on record."""
    values: dict[str, Any] = {"customer": customer_id}
    data = {"customers": _rows(transaction, "customers", "id = :customer", values)}
    if not data["customers"]:
        what = "customer"
        raise NotInBookError(what)
    for name in OF_CUSTOMER:
        data[name] = _rows(transaction, name, "customer_id = :customer", values)
    of_loans = "loan_id IN (SELECT id FROM loans WHERE customer_id = :customer)"
    for name in OF_LOANS:
        data[name] = _rows(transaction, name, of_loans, values)
    values = {"subject": f"customer {customer_id}"}
    data["audit"] = _rows(transaction, "audit", "subject = :subject", values)
    transaction.audit("export", f"customer {customer_id}")
    return {"customer_id": customer_id, "data": data, "decision_log": _log_command(customer_id)}


def erase_customer(customer_id: int, transaction: Transaction) -> dict[str, Any]:
    """Take a person out of the book; amounts and dates stay, since other figures sum them.

    Raises
    ------
    TransitionError
        If a law still makes the lender keep the data: the message says which, and until when.
    """
    values = {"customer": customer_id}
    if not _rows(transaction, "customers", "id = :customer", values):
        what = "customer"
        raise NotInBookError(what)
    _require_end(transaction, customer_id)
    transaction.connection.execute(text("SELECT erase_customer(:customer)"), values)
    transaction.connection.execute(text(ERASE_NOTES), values)
    transaction.audit("erase", f"customer {customer_id}")
    return {"customer_id": customer_id, "erased": True, "decision_log": _log_command(customer_id)}


def _require_end(transaction: Transaction, customer_id: int) -> None:
    row = transaction.connection.execute(LAST_DAYS, {"customer": customer_id}).one()
    if row.open_loans or row.open_applications:
        message = (
            f"customer {customer_id} has {row.open_loans} loans and {row.open_applications}"
            " applications that are open: end them first"
        )
        raise TransitionError(message)
    day = transaction.business_date
    for since, months, reason in (
        (row.ended_on, MONTHS_AFTER_LOAN, "books of account are kept for 8 years after a loan"),
        (row.applied_on, MONTHS_AFTER_APPLICATION, "applications are kept for 25 months"),
    ):
        until: date | None = add_months(since, months) if since else None
        if until and day < until:
            message = f"customer {customer_id} cannot be erased before {until}: {reason}"
            raise TransitionError(message)


def _rows(
    transaction: Transaction, table: str, condition: str, values: dict[str, Any]
) -> list[dict[str, Any]]:
    statement = f"SELECT * FROM {table} WHERE {condition}"  # noqa: S608 -- names of ours
    rows = transaction.connection.execute(text(statement), values).mappings()
    return [{name: row[name] for name in row if name not in HIDDEN} for row in rows]


def _log_command(customer_id: int) -> list[str]:
    applicant = f"--applicant 'customer {customer_id}'"
    command = "python -m functions.scoring audit"
    return [
        f"{command} export DECISIONS {applicant}",
        f"{command} erase DECISIONS {applicant} --output OUTPUT",
    ]
