"""Loans as of a day as columns: the stored ones, and those that were posted to since."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, text

from functions.lending.posting.loan_records import LoanRecord, read_records
from functions.lending.posting.postings import Borrower, derive
from functions.lending.seed_loading import chunk_from_rows, copy_chunk
from functions.lending.storage.binary_copy import FixedColumn, Rows, integers, read_rows
from models.lending.borrower import ClassifiedLoan
from models.lending.loss_given_default import RecoveryRules
from models.lending.money import ZERO
from models.lending.provision_rules import ProvisionRules

CHUNK = 20_000
BOOK_COLUMNS = (
    *(FixedColumn("loan_id", "identifier"), FixedColumn("decision_id", "identifier")),
    FixedColumn("branch_id", "small"),
    *integers("class_index", "undue_principal", "overdue", "annual_rate", "effective_rate"),
    *integers("equal_instalment", "months_left", "days_past_due", "is_impaired"),
    *integers("months_impaired", "probability_of_default", "probability_at_origination"),
    *integers("outstanding", "liquid", "other_security", "first_security", "amount"),
)
RESTATED = text("""
CREATE TEMPORARY TABLE restated_loans (
    id uuid PRIMARY KEY, outstanding_principal numeric NOT NULL, due_principal numeric NOT NULL,
    due_interest numeric NOT NULL, equal_instalment numeric NOT NULL, oldest_due date,
    npa_since date, asset_class text NOT NULL, months bigint NOT NULL
) ON COMMIT DROP
""")
# The order of keys is that of time: the chunks of a book are read as its pages lie. Instalments are
# counted by the calendar, from the last one back to the day, instead of being read.
STORED = """
    SELECT id, application_id, customer_id, branch_id, amount, annual_rate, outstanding_principal,
        due_principal, due_interest, equal_instalment, oldest_due, npa_since, asset_class,
        (SELECT least(final.number, 12 * (extract(year FROM final.due_on) - %(year)s)
                + extract(month FROM final.due_on) - %(month)s
                + (least(terms.due_day, %(last_of_month)s) > %(day_of_month)s)::integer)
            FROM (SELECT number, due_on FROM instalments i WHERE i.loan_id = loans.id
                    ORDER BY number DESC LIMIT 1) AS final,
                (SELECT due_day FROM disbursements p WHERE p.loan_id = loans.id
                    ORDER BY value_date DESC, id DESC LIMIT 1) AS terms) AS months
    FROM loans WHERE status = 'active' AND as_of <= %(day)s AND id > %(last)s
    ORDER BY id LIMIT %(chunk)s"""
SINCE = """
    SELECT l.id, l.application_id, l.customer_id, l.branch_id, l.amount, l.annual_rate,
        r.outstanding_principal, r.due_principal, r.due_interest, r.equal_instalment, r.oldest_due,
        r.npa_since, r.asset_class, r.months
    FROM restated_loans r JOIN loans l ON l.id = r.id WHERE r.id > %(last)s
    ORDER BY r.id LIMIT %(chunk)s"""
# A probability of before the day: of the loan's own application, and the customer's latest one.
ROWS = """
SELECT b.id, coalesce(latest.id, '00000000-0000-0000-0000-000000000000'::uuid), b.branch_id,
    (coalesce(array_position(%(classes)s::text[], b.asset_class), 0) - 1)::bigint,
    ((b.outstanding_principal - b.due_principal) * 100)::bigint,
    ((b.due_principal + b.due_interest) * 100)::bigint,
    (coalesce(terms.annual_rate, b.annual_rate) * 1000000)::bigint,
    (b.annual_rate * 1000000)::bigint,
    (coalesce(b.equal_instalment, 0) * 100)::bigint,
    greatest(b.months, 1)::bigint,
    coalesce(%(day)s::date - b.oldest_due + 1, 0)::bigint,
    (b.npa_since IS NOT NULL)::integer::bigint,
    coalesce(12 * extract(year FROM age(%(day)s::date, b.npa_since))
        + extract(month FROM age(%(day)s::date, b.npa_since)), 0)::bigint,
    coalesce(latest.probability_of_default * 1e17, 0)::bigint,
    coalesce(first.probability_of_default * 1e17, 0)::bigint,
    (b.outstanding_principal * 100)::bigint,
    (coalesce(pledged.liquid, 0) * 100)::bigint,
    (coalesce(pledged.other, 0) * 100)::bigint,
    (coalesce(pledged.first, 0) * 100)::bigint,
    (b.amount * 100)::bigint
FROM ({book}) AS b
LEFT JOIN LATERAL (
    SELECT a.annual_rate FROM adjustments a
    WHERE a.loan_id = b.id AND a.kind = 'reschedule' AND a.value_date <= %(day)s
        AND NOT EXISTS (SELECT FROM adjustments r
            WHERE r.loan_id = a.loan_id AND r.kind = 'reversal' AND r.reverses = a.reference)
    ORDER BY a.value_date DESC, a.reference DESC LIMIT 1
) AS terms ON true
LEFT JOIN LATERAL (
    SELECT d.probability_of_default FROM decisions d
    WHERE d.application_id = b.application_id AND d.probability_of_default IS NOT NULL
    ORDER BY d.created_at LIMIT 1
) AS first ON true
LEFT JOIN LATERAL (
    SELECT d.id, d.probability_of_default
    FROM applications a JOIN decisions d ON d.application_id = a.id
    WHERE a.customer_id = b.customer_id AND a.business_date <= %(day)s
        AND d.probability_of_default IS NOT NULL
    ORDER BY a.business_date DESC, d.created_at DESC, d.id LIMIT 1
) AS latest ON true
LEFT JOIN LATERAL (
    SELECT sum(c.value) FILTER (WHERE lower(c.kind) = ANY(%(liquid)s)) AS liquid,
        sum(c.value) FILTER (WHERE NOT lower(c.kind) = ANY(%(liquid)s)) AS other,
        sum(c.value) FILTER (WHERE c.valued_on <= (
            SELECT min(value_date) FROM disbursements p WHERE p.loan_id = b.id)) AS first
    FROM collateral c WHERE c.loan_id = b.id AND c.valued_on <= %(day)s
) AS pledged ON true
ORDER BY b.id
"""


def read_book(
    connection: Connection, day: date, recovery: RecoveryRules, provisions: ProvisionRules
) -> Iterator[Rows]:
    """Yield the active loans at the end of a day, some thousands at a time."""
    values = {"day": day, "chunk": CHUNK, "classes": list(provisions.asset_classes)}
    values |= {"liquid": list(recovery.liquid_kinds)}
    values |= {"year": day.year, "month": day.month, "day_of_month": day.day}
    values |= {"last_of_month": monthrange(day.year, day.month)[1]}
    for book in (STORED, SINCE):
        last: Any = "00000000-0000-0000-0000-000000000000"
        while True:
            query = ROWS.replace("{book}", book)
            rows = read_rows(connection, query, values | {"last": last}, BOOK_COLUMNS)
            if len(rows):
                yield rows
            if len(rows) < CHUNK:
                break
            last = bytes(rows["loan_id"][-1]).hex()


def restate_loans(connection: Connection, day: date) -> int:
    """Derive anew what was posted to since a day, as of that day; return how many loans.

    A loan whose stored state is of the day or before stands as it is: every day up to it is closed.
    """
    connection.execute(RESTATED)
    query = text("SELECT DISTINCT customer_id FROM loans WHERE as_of > :day ORDER BY customer_id")
    customers = connection.execute(query, {"day": day}).scalars().all()
    count = 0
    for customer_id in customers:
        rows = list(_restate_customer(connection, customer_id, day))
        count += len(rows)
        if rows:
            copy_chunk(connection, "restated_loans", chunk_from_rows(rows))
    return count


def _restate_customer(
    connection: Connection, customer_id: int, day: date
) -> Iterator[dict[str, Any]]:
    records = read_records(connection, customer_id)
    derived = derive(Borrower(customer_id=customer_id, records=records), day)
    for loan_id, loan in derived.items():
        if records[loan_id].row.as_of > day and loan.state.status == "active":
            yield _restated_row(records[loan_id], loan)


def _restated_row(record: LoanRecord, loan: ClassifiedLoan) -> dict[str, Any]:
    state, balances = loan.state, loan.state.balances
    has_schedule = bool(state.versions and state.versions[-1].schedule.instalments)
    instalment: Decimal = state.versions[-1].schedule.equal_instalment if has_schedule else ZERO
    return {
        "id": record.loan_id,
        "outstanding_principal": balances.outstanding_principal,
        "due_principal": balances.due_principal,
        "due_interest": balances.due_interest,
        "equal_instalment": instalment,
        "oldest_due": state.oldest_due,
        "npa_since": loan.classification.npa_since,
        "asset_class": loan.classification.asset_class,
        "months": sum(row.status == "scheduled" for row in state.instalments),
    }
