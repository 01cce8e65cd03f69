"""What secures a loan: collateral and guarantors."""

from uuid import UUID

from sqlalchemy import Table, insert

from functions.lending.actions.loan_replies import find_loan
from functions.lending.actions.replies import ItemReply
from functions.lending.requests import CollateralBody, GuarantorBody
from functions.lending.storage import tables
from functions.lending.storage.identifiers import new_id, public_id
from functions.lending.storage.transaction import Transaction


def add_collateral(transaction: Transaction, loan_id: UUID, body: CollateralBody) -> ItemReply:
    """Record something of value that secures a loan."""
    return _add(transaction, loan_id, tables.collateral, body)


def add_guarantor(transaction: Transaction, loan_id: UUID, body: GuarantorBody) -> ItemReply:
    """Record somebody who answers for a loan."""
    return _add(transaction, loan_id, tables.guarantors, body)


def _add(
    transaction: Transaction,
    loan_id: UUID,
    table: Table,
    body: CollateralBody | GuarantorBody,
) -> ItemReply:
    loan = find_loan(transaction, loan_id)
    identifier = new_id()
    row = body.model_dump()
    row |= {"id": identifier, "loan_id": loan_id, "branch_id": loan.branch_id}
    transaction.connection.execute(insert(table), row | {"created_at": transaction.now})
    transaction.audit(f"add {table.name}", public_id("loan", loan_id), loan.branch_id)
    return {"id": public_id("item", identifier)}
