"""From an accepted offer to a loan, within the customer's exposure limit."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row, case, func, insert, select

from functions.lending.actions.applications import (
    instalment_from_terms,
    lock_application,
    mark_accepted,
)
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
    application = lock_application(transaction, application_id)
    product = transaction.connection.execute(
        select(tables.products).where(tables.products.c.id == application.product_id)
    ).one()
    _require_room(transaction, application, product.exposure_limit)
    mark_accepted(transaction, application)
    loan_id = _insert_loan(transaction, application, product)
    transaction.audit("accept", public_id("loan", loan_id), application.branch_id)
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


def _require_room(transaction: Transaction, application: Row[Any], limit: Decimal) -> None:
    total = exposure(transaction, application.customer_id) + application.amount
    if total > limit:
        message = f"the customer would owe {total}, above the product's limit of {limit}"
        raise TransitionError(message)


def _insert_loan(transaction: Transaction, application: Row[Any], product: Row[Any]) -> UUID:
    loan_id = new_id()
    amount, rate, months = application.amount, application.annual_rate, application.months
    row = {
        "id": loan_id,
        "application_id": application.id,
        "customer_id": application.customer_id,
        "branch_id": application.branch_id,
        "product_id": product.id,
        "amount": amount,
        "months": months,
        "annual_rate": rate,
        "purpose": application.purpose,
        "created_at": transaction.now,
        "status": "granted",
        "as_of": transaction.business_date,
        "equal_instalment": instalment_from_terms(amount, rate, months),
        "rule_set": rule_set_from_name(product.rule_set).label,
    }
    transaction.connection.execute(insert(tables.loans), row)
    return loan_id
