"""Facts as rows: all facts of some loans, and a new one."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Table

from functions.lending.storage import tables
from functions.lending.storage.identifiers import new_id
from functions.lending.storage.transaction import Transaction
from models.lending.facts import (
    Disbursement,
    Fact,
    Fee,
    Prepayment,
    Repayment,
    Reschedule,
    Reversal,
    Waiver,
    WriteOff,
)

# {loans} stands for the loans whose facts are read, {posted} for a condition on their posting.
FACTS = """
SELECT id, loan_id, 'disbursement' AS kind, reference, value_date, amount, NULL AS choice,
    NULL::smallint AS months, NULL::numeric AS annual_rate, first_due_on, due_day
    FROM disbursements WHERE loan_id IN ({loans}) {posted}
UNION ALL SELECT id, loan_id,
    CASE WHEN prepayment_option IS NULL THEN 'repayment' ELSE 'prepayment' END,
    reference, value_date, amount, prepayment_option, NULL, NULL, NULL, NULL
    FROM repayments WHERE loan_id IN ({loans}) {posted}
UNION ALL SELECT id, loan_id, 'fee', reference, value_date, amount, NULL, NULL, NULL, NULL, NULL
    FROM charges WHERE loan_id IN ({loans}) {posted}
UNION ALL SELECT id, loan_id, kind, reference, value_date, amount,
    coalesce(component, write_off_kind, reverses), months, annual_rate, NULL, NULL
    FROM adjustments WHERE loan_id IN ({loans}) {posted}
ORDER BY id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstDue:
    """When the instalments of a disbursement fall due."""

    reference: str
    first_due_on: date
    due_day: int


@dataclass(frozen=True, slots=True)
class LoanFacts:
    """All facts of a loan, and the due dates of its disbursements in the order of posting."""

    facts: tuple[Fact, ...]
    disbursements: tuple[FirstDue, ...]


NO_FACTS = LoanFacts((), ())


def facts_from_rows(rows: Iterable[Any]) -> dict[UUID, LoanFacts]:
    """Return the facts of each loan that has any."""
    by_loan: dict[UUID, list[Any]] = defaultdict(list)
    for row in rows:
        by_loan[row.loan_id].append(row)
    return {
        loan: LoanFacts(
            tuple(map(fact_from_row, of_loan)),
            tuple(
                FirstDue(
                    reference=row.reference, first_due_on=row.first_due_on, due_day=row.due_day
                )
                for row in of_loan
                if row.kind == "disbursement"
            ),
        )
        for loan, of_loan in by_loan.items()
    }


def fact_from_row(row: Any) -> Fact:  # noqa: ANN401, PLR0911 -- one line a kind
    """Return the fact that a row holds."""
    dated = {"reference": row.reference, "value_date": row.value_date}
    match row.kind:
        case "disbursement":
            return Disbursement(**dated, amount=row.amount)
        case "repayment":
            return Repayment(**dated, amount=row.amount)
        case "prepayment":
            return Prepayment(**dated, amount=row.amount, option=row.choice)
        case "fee":
            return Fee(**dated, amount=row.amount)
        case "waiver":
            return Waiver(**dated, amount=row.amount, component=row.choice)
        case "write_off":
            return WriteOff(**dated, kind=row.choice)
        case "reschedule":
            return Reschedule(**dated, months=row.months, annual_rate_percent=row.annual_rate)
    return Reversal(reference=row.reference, reverses=row.choice)


def insert_fact(
    transaction: Transaction, loan: UUID, branch: int, fact: Fact, extra: Mapping[str, Any]
) -> None:
    """Insert a fact; `extra` are columns that the arithmetic does not need."""
    table, values = _row_from_fact(fact)
    values |= {"id": new_id(), "loan_id": loan, "branch_id": branch, "reference": fact.reference}
    values |= {"value_date": getattr(fact, "value_date", transaction.business_date)}
    values |= {"posted_by": transaction.principal, "business_date": transaction.business_date}
    values |= {"created_at": transaction.now, **extra}
    transaction.add(table, values)


def _row_from_fact(fact: Fact) -> tuple[Table, dict[str, Any]]:  # noqa: PLR0911 -- one line a kind
    match fact:
        case Disbursement():
            return tables.disbursements, {"amount": fact.amount}
        case Prepayment():
            return tables.repayments, {"amount": fact.amount, "prepayment_option": fact.option}
        case Repayment():
            return tables.repayments, {"amount": fact.amount}
        case Fee():
            return tables.charges, {"amount": fact.amount, "note": ""}
        case Waiver():
            waived = {"amount": fact.amount, "component": fact.component}
            return tables.adjustments, {"kind": "waiver", "reason": "", **waived}
        case WriteOff():
            written = {"kind": "write_off", "write_off_kind": fact.kind}
            return tables.adjustments, {"reason": "", **written}
        case Reschedule():
            terms = {"months": fact.months, "annual_rate": fact.annual_rate_percent}
            return tables.adjustments, {"kind": "reschedule", "reason": "", **terms}
    return tables.adjustments, {"kind": "reversal", "reason": "", "reverses": fact.reverses}
