"""A borrower's loans as they are stored, read under a lock: customer first, then loans."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from functions.lending.errors import NotInBookError
from functions.lending.posting.fact_rows import FACTS, NO_FACTS, FirstDue, facts_from_rows
from functions.lending.posting.ledger_rows import (
    StoredState,
    stored_from_rows,
    stored_statements,
)
from functions.lending.storage import tables
from functions.lending.storage.round_trips import Statement, column_names, send
from models.lending.allocation import ORDERS
from models.lending.facts import Fact, Reversal
from models.lending.money import Rounding
from models.lending.penal_charges import PenalPolicy
from models.lending.replay import Loan
from models.lending.rule_sets import RuleSet, rule_set_from_name
from models.lending.terms import LoanProduct, LoanTerms

LOCK_CUSTOMER = "SELECT id FROM customers WHERE id = %(customer)s FOR UPDATE"
LOCK_CUSTOMERS = "SELECT id FROM customers WHERE id = ANY(%(customers)s) ORDER BY id FOR UPDATE"
LOCK_CUSTOMER_OF_LOAN = """
SELECT c.id FROM customers c JOIN loans l ON l.customer_id = c.id
    WHERE l.id = %(loan)s FOR UPDATE OF c
"""
LOANS, PRODUCTS = column_names(tables.loans), column_names(tables.products)
LOCK = "FOR UPDATE"
POSTED_BY = "AND business_date <= %(posted_by)s"
OF_CUSTOMERS = "customer_id = ANY(%(customers)s)"
OF_LOAN = "id = %(loan)s"
OF_CUSTOMER = "customer_id = %(customer)s"
OF_BORROWER = "customer_id = (SELECT customer_id FROM loans WHERE id = %(loan)s)"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanRecord:
    """One stored loan: its row, its product, its facts, and its due dates once it has any.

    `stored` is there if it was read with the rest.
    """

    row: Any
    product: LoanProduct
    waiver_limit: Decimal
    rules: RuleSet
    facts: tuple[Fact, ...]
    disbursements: tuple[FirstDue, ...]
    stored: StoredState | None = None

    @property
    def scope(self) -> dict[str, Any]:
        """The columns that each of its rows repeats."""
        return {"loan_id": self.row.id, "branch_id": self.row.branch_id}

    @property
    def columns(self) -> dict[str, Any]:
        """Its row by the names of columns."""
        columns: dict[str, Any] = self.row._asdict()
        return columns

    @property
    def loan_id(self) -> UUID:
        """Its key."""
        identifier: UUID = self.row.id
        return identifier

    def loan(self, facts: tuple[Fact, ...], extra: FirstDue | None = None) -> Loan | None:
        """Return it for the arithmetic, with these facts; None before its disbursement."""
        reversed_names = {fact.reverses for fact in facts if isinstance(fact, Reversal)}
        every = [*self.disbursements, *([extra] if extra else [])]
        # The last one that still holds; a loan whose disbursements were all taken back has none.
        standing = [d for d in every if d.reference not in reversed_names] or every
        if not standing:
            return None
        terms = LoanTerms(
            annual_rate_percent=self.row.annual_rate,
            months=self.row.months,
            first_due_on=standing[-1].first_due_on,
            due_day=standing[-1].due_day,
            product=self.product,
        )
        return Loan(terms, facts)


def lock_customer(connection: Connection, customer_id: int) -> None:
    """Wait for everything that changes this customer's loans: the first lock, always."""
    [row] = send(connection, [Statement(LOCK_CUSTOMER, {"customer": customer_id})])
    if not row:
        what = "customer"
        raise NotInBookError(what)


def lock_records(connection: Connection, customers: Sequence[int]) -> dict[UUID, LoanRecord]:
    """Lock some customers, then their loans, and read them; in the order of their keys."""
    values = {"customers": list(customers)}
    statements = [Statement(LOCK_CUSTOMERS, values), *_statements(OF_CUSTOMERS, values, LOCK)]
    return _records(*send(connection, statements)[1:])


def lock_records_of_loan(connection: Connection, loan_id: UUID) -> dict[UUID, LoanRecord]:
    """Lock the customer whose loan this is, then all its loans; read this one entirely."""
    values = {"loan": loan_id}
    statements = [Statement(LOCK_CUSTOMER_OF_LOAN, values)]
    statements += _statements(OF_BORROWER, values, LOCK)
    statements += stored_statements(values)
    customer, loans, products, facts, *stored = send(connection, statements)
    if not customer:
        what = "loan"
        raise NotInBookError(what)
    records = _records(loans, products, facts)
    return records | {loan_id: replace(records[loan_id], stored=stored_from_rows(stored))}


def read_records(connection: Connection, customer_id: int) -> dict[UUID, LoanRecord]:
    """Read all loans of a customer without a lock."""
    return _records(*send(connection, _statements(OF_CUSTOMER, {"customer": customer_id})))


def read_record(connection: Connection, loan_id: UUID) -> LoanRecord:
    """Read one loan without a lock."""
    records = _records(*send(connection, _statements(OF_LOAN, {"loan": loan_id})))
    if loan_id not in records:
        what = "loan"
        raise NotInBookError(what)
    return records[loan_id]


def read_records_as_posted(
    connection: Connection, customers: Sequence[int], posted_by: date
) -> dict[UUID, LoanRecord]:
    """Read all loans of some customers, with the facts that were posted up to a day."""
    values = {"customers": list(customers), "posted_by": posted_by}
    return _records(*send(connection, _statements(OF_CUSTOMERS, values, posted=POSTED_BY)))


def _statements(
    loans: str, values: Mapping[str, Any], lock: str = "", posted: str = ""
) -> list[Statement]:
    """Return what reads loans, their products and their facts."""
    texts = (
        f"SELECT {LOANS} FROM loans WHERE {loans} ORDER BY id {lock}",  # noqa: S608 -- constants
        f"SELECT {PRODUCTS} FROM products WHERE id IN (SELECT product_id FROM loans WHERE {loans})",  # noqa: S608 -- constants
        FACTS.format(loans=f"SELECT id FROM loans WHERE {loans}", posted=posted),  # noqa: S608 -- constants
    )
    return [Statement(text, values) for text in texts]


def _records(
    loans: Iterable[Any], products: Iterable[Any], facts: Iterable[Any]
) -> dict[UUID, LoanRecord]:
    rows = {row.id: row for row in products}
    rules = {identifier: product_from_row(row) for identifier, row in rows.items()}
    by_loan = facts_from_rows(facts)
    return {
        row.id: LoanRecord(
            row=row,
            product=rules[row.product_id],
            waiver_limit=rows[row.product_id].waiver_limit,
            rules=rule_set_from_name(rows[row.product_id].rule_set),
            facts=by_loan.get(row.id, NO_FACTS).facts,
            disbursements=by_loan.get(row.id, NO_FACTS).disbursements,
        )
        for row in loans
    }


def product_from_row(row: Any) -> LoanProduct:  # noqa: ANN401 -- a row of products
    """Return the rules of a product."""
    return LoanProduct(
        instalment_rounding=Rounding(unit=row.instalment_unit, mode=row.instalment_mode),
        interest_rounding=Rounding(unit=row.interest_unit, mode=row.interest_mode),
        allocation=ORDERS[row.allocation],
        npa_allocation=ORDERS[row.npa_allocation],
        penal=PenalPolicy(
            annual_rate_percent=row.penal_rate,
            flat_amount=row.penal_flat,
            grace_days=row.penal_grace_days,
        ),
        prepayment_charge_percent=row.prepayment_charge,
    )
