"""Applicants: what is stored about somebody who applies, read at once."""

from decimal import Decimal
from typing import Any, NamedTuple

from functions.lending.errors import NotInBookError
from functions.lending.storage.round_trips import Statement, send
from functions.lending.storage.transaction import Transaction

CUSTOMER = "SELECT id, branch_id, date_of_birth FROM customers WHERE id = %(customer)s"
EMPLOYMENT = """
SELECT employment_type, years_of_experience, monthly_income FROM employment
    WHERE customer_id = %(customer)s ORDER BY version DESC LIMIT 1
"""
NEWEST_PRODUCT = "SELECT id FROM products ORDER BY code, version DESC LIMIT 1"
# Of the loans that are not repaid.
INSTALMENTS = """
SELECT coalesce(sum(equal_instalment), 0) AS amount FROM loans
    WHERE customer_id = %(customer)s AND status IN ('granted', 'active')
"""


class Applicant(NamedTuple):
    """A customer with the newest employment, if there is any, and what is paid each month."""

    customer: Any
    employment: Any | None
    other_instalments: Decimal
    product_id: int  # of new loans


def read_applicant(transaction: Transaction, customer_id: int) -> Applicant:
    """Read an applicant.

    Raises
    ------
    NotInBookError
        If there is no such customer, or the caller may not see it; or nothing to apply for.
    """
    return applicant_from_rows(*send(transaction.connection, applicant_statements(customer_id)))


def applicant_statements(customer_id: int) -> list[Statement]:
    """Return what reads an applicant."""
    texts = (CUSTOMER, EMPLOYMENT, INSTALMENTS, NEWEST_PRODUCT)
    return [Statement(text, {"customer": customer_id}) for text in texts]


def applicant_from_rows(
    customer: list[Any], employment: list[Any], instalments: list[Any], product: list[Any]
) -> Applicant:
    """Return the applicant that these statements read."""
    for what, rows in (("customer", customer), ("product", product)):
        if not rows:
            raise NotInBookError(what)
    employed = employment[0] if employment else None
    return Applicant(customer[0], employed, instalments[0].amount, product[0].id)
