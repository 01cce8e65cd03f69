"""From an accepted offer to a loan, within the customer's exposure limit."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row, case, func, insert, select

from functions.lending.actions.applications import mark_accepted, withdraw_answered
from functions.lending.actions.cases import Case, read_case
from functions.lending.actions.loan_replies import reply_from_loan
from functions.lending.actions.replies import LoanReply
from functions.lending.errors import NotInBookError, TransitionError
from functions.lending.posting.loan_records import lock_customer
from functions.lending.storage import tables
from functions.lending.storage.identifiers import new_id, public_id
from functions.lending.storage.transaction import Transaction
from models.lending.money import ZERO
from models.lending.rule_sets import rule_set_from_name


def accept(transaction: Transaction, application_id: UUID) -> LoanReply:
    """Turn an approved application into a granted loan.

    The customer is locked first, so that parallel offers cannot exceed the limit together.

    Raises
    ------
    TransitionError
        If there is no offer, or the customer would owe more than the product allows.
    """
    table = tables.applications
    query = select(table.c.customer_id).where(table.c.id == application_id)
    customer_id = transaction.connection.execute(query).scalar_one_or_none()
    if customer_id is None:
        what = "application"
        raise NotInBookError(what)
    lock_customer(transaction.connection, customer_id)
    case = read_case(transaction, application_id, is_locked=True)
    product = transaction.connection.execute(
        select(tables.products).where(tables.products.c.id == case.columns["product_id"])
    ).one()
    _require_room(transaction, case, product.exposure_limit)
    mark_accepted(transaction, case)
    withdraw_answered(transaction, case)
    loan_id = _insert_loan(transaction, case, product)
    transaction.audit("accept", public_id("loan", loan_id), case.columns["branch_id"])
    loan = transaction.connection.execute(select(tables.loans).filter_by(id=loan_id)).one()
    return reply_from_loan(loan)


def exposure(transaction: Transaction, customer_id: int) -> Decimal:
    """Return what a customer owes, and what was granted and is not disbursed yet."""
    loans = tables.loans
    amount = case(
        (loans.c.status == "granted", loans.c.amount), else_=loans.c.outstanding_principal
    )
    query = select(func.coalesce(func.sum(amount), ZERO)).where(loans.c.customer_id == customer_id)
    total: Decimal = transaction.connection.execute(query).scalar_one()
    return total


def _require_room(transaction: Transaction, case: Case, limit: Decimal) -> None:
    total = exposure(transaction, case.columns["customer_id"]) + case.columns["amount"]
    if total > limit:
        message = f"the customer would owe {total}, above the product's limit of {limit}"
        raise TransitionError(message)


def _insert_loan(transaction: Transaction, case: Case, product: Row[Any]) -> UUID:
    names = ("customer_id", "branch_id", "product_id", "amount", "months", "annual_rate", "purpose")
    loan_id = new_id()
    row = {
        **{name: case.columns[name] for name in names},
        "id": loan_id,
        "application_id": case.name,
        "created_at": transaction.now,
        "status": "granted",
        "as_of": transaction.business_date,
        "equal_instalment": case.instalment,
        "rule_set": rule_set_from_name(product.rule_set).label,
    }
    transaction.connection.execute(insert(tables.loans), row)
    return loan_id
