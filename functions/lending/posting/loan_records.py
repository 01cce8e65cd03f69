"""A borrower's loans as they are stored, read under a lock: customer first, then loans."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select

from functions.lending.errors import NotInBookError
from functions.lending.posting.fact_rows import FirstDue, read_facts
from functions.lending.storage import tables
from models.lending.allocation import ORDERS
from models.lending.facts import Fact, Reversal
from models.lending.money import Rounding
from models.lending.penal_charges import PenalPolicy
from models.lending.replay import Loan
from models.lending.rule_sets import RuleSet, rule_set_from_name
from models.lending.terms import LoanProduct, LoanTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanRecord:
    """One stored loan: its row, its product, its facts, and its due dates once it has any."""

    row: Row[Any]
    product: LoanProduct
    waiver_limit: Decimal
    rules: RuleSet
    facts: tuple[Fact, ...]
    disbursements: tuple[FirstDue, ...]

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
    query = select(tables.customers.c.id).where(tables.customers.c.id == customer_id)
    if connection.execute(query.with_for_update()).first() is None:
        what = "customer"
        raise NotInBookError(what)


def lock_customer_of_loan(connection: Connection, loan_id: UUID) -> int:
    """Lock the customer whose loan this is, and return its number."""
    customers, loans = tables.customers, tables.loans
    query = (
        select(customers.c.id)
        .join(loans, loans.c.customer_id == customers.c.id)
        .where(loans.c.id == loan_id)
        .with_for_update(of=customers)
    )
    customer_id: int | None = connection.execute(query).scalar_one_or_none()
    if customer_id is None:
        what = "loan"
        raise NotInBookError(what)
    return customer_id


def read_records(
    connection: Connection, customer_id: int, *, is_locked: bool = True
) -> dict[UUID, LoanRecord]:
    """Read all loans of a customer, and lock them if the customer is locked."""
    loans = tables.loans
    query = select(loans).where(loans.c.customer_id == customer_id).order_by(loans.c.id)
    rows = connection.execute(query.with_for_update() if is_locked else query).all()
    return records_from_rows(connection, rows)


def read_record(connection: Connection, loan_id: UUID) -> LoanRecord:
    """Read one loan without a lock."""
    row = connection.execute(select(tables.loans).where(tables.loans.c.id == loan_id)).first()
    if row is None:
        what = "loan"
        raise NotInBookError(what)
    return records_from_rows(connection, [row])[loan_id]


def records_from_rows(connection: Connection, rows: Sequence[Row[Any]]) -> dict[UUID, LoanRecord]:
    """Complete rows of loans by their products and facts."""
    if not rows:
        return {}
    identifiers = [row.id for row in rows]
    products = _read_products(connection, sorted({row.product_id for row in rows}))
    facts = read_facts(connection, identifiers)
    return {
        row.id: LoanRecord(
            row=row,
            product=product_from_row(products[row.product_id]),
            waiver_limit=products[row.product_id].waiver_limit,
            rules=rule_set_from_name(products[row.product_id].rule_set),
            facts=facts[row.id].facts,
            disbursements=facts[row.id].disbursements,
        )
        for row in rows
    }


def product_from_row(row: Row[Any]) -> LoanProduct:
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


def _read_products(connection: Connection, identifiers: Sequence[int]) -> Mapping[int, Row[Any]]:
    query = select(tables.products).where(tables.products.c.id.in_(identifiers))
    return {row.id: row for row in connection.execute(query)}
