"""Customers: registered, looked up, changed in versions; KYC without the number of the document."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_unless_present

from functions.lending.actions.replies import (
    CustomerDetail,
    CustomerEntry,
    CustomersReply,
    EmploymentReply,
    KycReply,
)
from functions.lending.errors import NotInBookError, TransitionError, VersionError
from functions.lending.requests import ContactChange, Employment, IdentityProof, Registration
from functions.lending.storage import tables
from functions.lending.storage.identifiers import new_customer_id
from functions.lending.storage.transaction import Transaction
from models.lending.dates import add_months

ADULT_MONTHS = 18 * 12
CONTACT = ("full_name", "email", "phone", "city", "state")
REPLIED = (*CONTACT, "date_of_birth", "branch_id", "version", "created_at")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Part of a list."""

    limit: int
    offset: int = 0


def register(transaction: Transaction, request: Registration, kyc_key: bytes) -> CustomerDetail:
    """Add a customer, with employment and KYC if they are sent."""
    if add_months(request.date_of_birth, ADULT_MONTHS) > transaction.business_date:
        message = "date_of_birth: a customer must be 18 years old on the business date"
        raise TransitionError(message)
    branch = select(tables.branches.c.id).where(tables.branches.c.id == request.branch_id)
    if transaction.connection.execute(branch).first() is None:
        what = "branch"
        raise NotInBookError(what)
    row = {name: getattr(request, name) for name in (*CONTACT, "date_of_birth", "branch_id")}
    row |= {"version": 1, "created_at": transaction.now}
    customer_id = _insert_under_new_number(transaction, row)
    if request.employment:
        add_employment(transaction, customer_id, request.branch_id, request.employment)
    if request.kyc:
        add_kyc(transaction, customer_id, request.kyc, kyc_key)
    transaction.audit("register", f"customer {customer_id}", request.branch_id)
    return read_customer(transaction, customer_id)


def _insert_under_new_number(transaction: Transaction, row: dict[str, Any]) -> int:
    """Add a customer under a random number; one that another customer has is drawn again."""
    table = tables.customers
    statement = insert_unless_present(table).on_conflict_do_nothing(index_elements=[table.c.id])
    number: int | None = None
    while number is None:
        drawn = statement.values(**row, id=new_customer_id()).returning(table.c.id)
        number = transaction.connection.execute(drawn).scalar_one_or_none()
    return number


def add_employment(
    transaction: Transaction, customer_id: int, branch_id: int, employment: Employment
) -> None:
    """Add a version of the employment; the newest one counts."""
    row = employment.model_dump()
    row |= {"customer_id": customer_id, "branch_id": branch_id, "created_at": transaction.now}
    row |= {"version": _next_version(transaction, tables.employment, customer_id)}
    transaction.connection.execute(insert(tables.employment), row)


def add_kyc(
    transaction: Transaction, customer_id: int, proof: IdentityProof, kyc_key: bytes
) -> None:
    """Add a verification; the newest one counts. Whoever sends it has verified it."""
    branch_id = find_customer(transaction, customer_id).branch_id
    digest = hmac.digest(kyc_key, proof.identity_number.encode(), hashlib.sha256)
    row = {
        "customer_id": customer_id,
        "branch_id": branch_id,
        "version": _next_version(transaction, tables.kyc, customer_id),
        "identity_type": proof.identity_type,
        "number_hash": digest,
        "last_four": proof.identity_number[-4:],
        "verified_by": transaction.principal,
        "verified_at": transaction.now,
        "expires_on": proof.expires_on,
    }
    transaction.connection.execute(insert(tables.kyc), row)
    transaction.audit("verify", f"customer {customer_id}", branch_id)


def has_valid_kyc(transaction: Transaction, customer_id: int) -> bool:
    """Whether the newest verification holds on the business date."""
    row = _newest(transaction, tables.kyc, customer_id)
    return row is not None and row.expires_on >= transaction.business_date


def list_customers(transaction: Transaction, page: PageRequest) -> CustomersReply:
    """Return a page of the customers that the caller may see."""
    table = tables.customers
    total = transaction.connection.execute(select(func.count()).select_from(table)).scalar_one()
    query = select(table).order_by(table.c.id).limit(page.limit).offset(page.offset)
    rows = transaction.connection.execute(query).all()
    transaction.audit("read", "customers", detail={"limit": page.limit, "offset": page.offset})
    return {
        "customers": [_customer(row) for row in rows],
        "total": total,
        "limit": page.limit,
        "offset": page.offset,
    }


def find_customer(transaction: Transaction, customer_id: int) -> Row[Any]:
    """Return a customer's row.

    Raises
    ------
    NotInBookError
        If there is none, or the caller may not see it.
    """
    query = select(tables.customers).where(tables.customers.c.id == customer_id)
    row = transaction.connection.execute(query).first()
    if row is None:
        what = "customer"
        raise NotInBookError(what)
    return row


def read_customer(transaction: Transaction, customer_id: int) -> CustomerDetail:
    """Return a customer with employment and KYC; the reading is audited."""
    row = find_customer(transaction, customer_id)
    employment = newest_employment(transaction, customer_id)
    kyc = _newest(transaction, tables.kyc, customer_id)
    transaction.audit("read", f"customer {customer_id}", row.branch_id)
    return {
        **_customer(row),
        "employment": _employment(employment) if employment else None,
        "kyc": _kyc(kyc) if kyc else None,
    }


def change_contact(
    transaction: Transaction, customer_id: int, change: ContactChange, expected: int
) -> CustomerDetail:
    """Change what was sent; the version that is replaced stays on record."""
    table = tables.customers
    query = select(table).where(table.c.id == customer_id).with_for_update()
    row = transaction.connection.execute(query).first()
    if row is None:
        what = "customer"
        raise NotInBookError(what)
    if row.version != expected:
        raise VersionError(row.version)
    changes = change.model_dump(exclude_none=True)
    if changes:
        _keep_version(transaction, row)
        statement = update(table).where(table.c.id == customer_id)
        transaction.connection.execute(statement.values(**changes, version=row.version + 1))
        detail = {"fields": sorted(changes)}
        transaction.audit("change", f"customer {customer_id}", row.branch_id, detail)
    return read_customer(transaction, customer_id)


def change_employment(
    transaction: Transaction, customer_id: int, employment: Employment
) -> CustomerDetail:
    """Record a new employment of a customer."""
    branch_id = find_customer(transaction, customer_id).branch_id
    add_employment(transaction, customer_id, branch_id, employment)
    transaction.audit("employ", f"customer {customer_id}", branch_id)
    return read_customer(transaction, customer_id)


def verify(
    transaction: Transaction, customer_id: int, proof: IdentityProof, kyc_key: bytes
) -> CustomerDetail:
    """Record that a customer's identity was verified."""
    add_kyc(transaction, customer_id, proof, kyc_key)
    return read_customer(transaction, customer_id)


def newest_employment(transaction: Transaction, customer_id: int) -> Row[Any] | None:
    """Return the employment that counts."""
    return _newest(transaction, tables.employment, customer_id)


def age_on(date_of_birth: date, day: date) -> int:
    """Return whole years of age; a birthday of 29 February falls on 28 February."""
    years = day.year - date_of_birth.year
    return years if add_months(date_of_birth, 12 * years) <= day else years - 1


def _keep_version(transaction: Transaction, row: Row[Any]) -> None:
    replaced = {
        "customer_id": row.id,
        "branch_id": row.branch_id,
        "version": row.version,
        "contact": {name: getattr(row, name) for name in CONTACT},
        "replaced_by": transaction.principal,
        "replaced_at": transaction.now,
    }
    transaction.connection.execute(insert(tables.customer_versions), replaced)


def _next_version(transaction: Transaction, table: Any, customer_id: int) -> int:  # noqa: ANN401 -- a table
    row = _newest(transaction, table, customer_id)
    return row.version + 1 if row else 1


def _newest(transaction: Transaction, table: Any, customer_id: int) -> Row[Any] | None:  # noqa: ANN401 -- a table
    query = select(table).where(table.c.customer_id == customer_id)
    newest = query.order_by(table.c.version.desc()).limit(1)
    row: Row[Any] | None = transaction.connection.execute(newest).first()
    return row


def _customer(row: Row[Any]) -> CustomerEntry:
    members: Any = {"customer_id": row.id} | {name: getattr(row, name) for name in REPLIED}
    reply: CustomerEntry = members
    return reply


def _employment(row: Row[Any]) -> EmploymentReply:
    return {
        "employer_name": row.employer_name,
        "employment_type": row.employment_type,
        "monthly_income": float(row.monthly_income),
        "years_of_experience": float(row.years_of_experience),
    }


def _kyc(row: Row[Any]) -> KycReply:
    return {
        "identity_type": row.identity_type,
        "last_four": row.last_four,
        "verified_by": row.verified_by,
        "verified_at": row.verified_at,
        "expires_on": row.expires_on,
    }
