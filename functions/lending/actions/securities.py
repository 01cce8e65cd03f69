"""What secures a loan: collateral and guarantors."""

from typing import Any
from uuid import UUID

from sqlalchemy import Table, insert, select

from functions.lending.actions.loan_replies import find_loan
from functions.lending.actions.replies import (
    CollateralListReply,
    GuarantorsReply,
    ItemReply,
)
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


def read_collateral(transaction: Transaction, loan_id: UUID) -> CollateralListReply:
    """Return what secures a loan."""
    items: Any = _items(transaction, loan_id, tables.collateral)
    return {"loan_id": public_id("loan", loan_id), "collateral": items}


def read_guarantors(transaction: Transaction, loan_id: UUID) -> GuarantorsReply:
    """Return who answers for a loan; the reading is audited."""
    items: Any = _items(transaction, loan_id, tables.guarantors)
    return {"loan_id": public_id("loan", loan_id), "guarantors": items}


def _items(transaction: Transaction, loan_id: UUID, table: Table) -> list[dict[str, Any]]:
    loan = find_loan(transaction, loan_id)
    query = select(table).where(table.c.loan_id == loan_id).order_by(table.c.id)
    hidden = {"id", "loan_id", "branch_id"}
    transaction.audit(f"read {table.name}", public_id("loan", loan_id), loan.branch_id)
    return [
        {"id": public_id("item", row["id"])}
        | {name: value for name, value in row.items() if name not in hidden}
        for row in transaction.connection.execute(query).mappings()
    ]


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
