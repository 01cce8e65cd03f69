"""Rows of tables, from what the loan book replies."""

from collections.abc import Sequence
from typing import Any

from functions.client.lending_responses import (
    CustomerEntry,
    InstalmentReply,
    LoanApplicationReply,
    LoanReply,
    TransactionReply,
)
from functions.dashboard.display import day, money, number, percent, share, t, words

Row = dict[str, Any]


def application_rows(applications: Sequence[LoanApplicationReply]) -> list[Row]:
    """Return one row an application."""
    return [
        {
            t("columns.application"): a.application_id,
            t("columns.customer"): a.customer_id,
            t("columns.status"): a.status,
            t("columns.amount"): money(a.loan_amount),
            t("columns.months"): a.loan_tenure_months,
            t("columns.rate"): percent(a.interest_rate),
            t("columns.purpose"): a.loan_purpose,
            t("columns.probability"): share(a.risk_probability, 2),
            t("columns.score"): a.credit_score,
            t("columns.applied_on"): day(a.business_date),
        }
        for a in applications
    ]


def loan_rows(loans: Sequence[LoanReply]) -> list[Row]:
    """Return one row a loan."""
    return [
        {
            t("columns.loan"): loan.loan_id,
            t("columns.customer"): loan.customer_id,
            t("columns.status"): words(loan.status),
            t("columns.asset_class"): words(loan.asset_class),
            t("columns.dpd"): loan.days_past_due,
            t("columns.outstanding"): money(loan.outstanding_principal),
            t("columns.due_principal"): money(loan.due_principal),
            t("columns.due_interest"): money(loan.due_interest),
            t("columns.oldest_due"): day(loan.oldest_due),
            t("columns.instalment"): money(loan.equal_instalment),
        }
        for loan in loans
    ]


def customer_rows(customers: Sequence[CustomerEntry]) -> list[Row]:
    """Return one row a customer."""
    return [
        {
            t("columns.customer"): c.customer_id,
            t("columns.name"): c.full_name,
            t("columns.city"): c.city,
            t("columns.state"): c.state,
            t("columns.branch"): c.branch_id,
        }
        for c in customers
    ]


def instalment_rows(instalments: Sequence[InstalmentReply]) -> list[Row]:
    """Return one row an instalment."""
    return [
        {
            t("columns.number"): i.number,
            t("columns.due_on"): day(i.due_on),
            t("columns.status"): words(i.status),
            t("columns.principal"): money(i.principal),
            t("columns.interest"): money(i.interest),
            t("columns.payment"): money(i.payment),
            t("columns.paid"): money(i.paid),
            t("columns.unpaid_principal"): money(i.unpaid_principal),
            t("columns.unpaid_interest"): money(i.unpaid_interest),
            t("columns.unpaid_charges"): money(i.unpaid_charges),
        }
        for i in instalments
    ]


def transaction_rows(transactions: Sequence[TransactionReply]) -> list[Row]:
    """Return one row a posting."""
    return [
        {
            t("columns.reference"): x.reference,
            t("columns.kind"): words(x.kind),
            t("columns.value_date"): day(x.value_date),
            t("columns.amount"): money(x.amount),
            t("columns.reversed"): t("columns.yes") if x.is_reversed else "",
            t("columns.posted_by"): x.posted_by,
            t("columns.business_date"): day(x.business_date),
        }
        for x in transactions
    ]


def class_rows(classes: dict[str, Any]) -> list[Row]:
    """Return one row an asset class: how many active loans, and their share."""
    return [
        {
            t("columns.asset_class"): words(name),
            t("columns.loans"): number(entry["count"]),
            t("columns.share"): percent(entry["percentage"]),
        }
        for name, entry in classes.items()
    ]
