"""Loans at the end of a past day, derived from the facts that were posted by another day."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from functions.lending.posting.loan_records import LoanRecord, read_records_as_posted
from functions.lending.posting.postings import Borrower, derive
from functions.lending.posting.state_rows import loan_values
from models.lending.borrower import ClassifiedLoan
from models.lending.facts import Disbursement, Reversal

Values = dict[str, Any]


def rows_as_posted(
    connection: Connection, customers: Sequence[int], as_of: date, posted_by: date
) -> list[Values]:
    """Return the loans of some customers at the end of a day, as far as was posted by another.

    A loan whose disbursement was not posted by then, or counts later, has none of it disbursed.
    """
    records = read_records_as_posted(connection, customers, posted_by)
    by_customer: dict[int, dict[UUID, LoanRecord]] = defaultdict(dict)
    for loan_id, record in records.items():
        by_customer[record.row.customer_id][loan_id] = record
    rows = []
    for customer_id, of_customer in by_customer.items():
        # Facts that count later were posted by nobody's mistake: they count later here, too.
        derived = derive(Borrower(customer_id=customer_id, records=of_customer), as_of)
        rows += [_row(of_customer[loan_id], state, as_of) for loan_id, state in derived.items()]
    return rows


def _row(record: LoanRecord, derived: ClassifiedLoan, as_of: date) -> Values:
    values = loan_values(derived)
    dues = ("due_principal", "due_interest", "due_fees", "due_penal_charges")
    return {
        "loan_id": record.loan_id,
        "status": values["status"],
        "disbursed": values["disbursed"],
        "outstanding": values["outstanding_principal"],
        "arrears": sum(values[name] for name in dues),
        "written_off": values["written_off_principal"],
        "days_past_due": values["days_past_due"],
        "asset_class": values["asset_class"],
        "npa_since": values["npa_since"] if values["status"] == "active" else None,
        "rule_set": values["rule_set"],
        "cohort": _disbursed_on(record),
        "revision": 0,
        "is_later": record.row.as_of > as_of,
    }


def _disbursed_on(record: LoanRecord) -> date | None:
    undone = {fact.reverses for fact in record.facts if isinstance(fact, Reversal)}
    days = [
        fact.value_date
        for fact in record.facts
        if isinstance(fact, Disbursement) and fact.reference not in undone
    ]
    return max(days, default=None)
