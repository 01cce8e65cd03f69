"""What happened to a loan: its postings, its journal, and its classes over time."""

from collections.abc import Sequence
from decimal import Decimal

import streamlit as st

from functions.client import lending_endpoints as book
from functions.client.lending_responses import AllocationReply, ClassChangeReply
from functions.dashboard.api import Api
from functions.dashboard.components.charts import line_chart
from functions.dashboard.components.filters import next_page
from functions.dashboard.components.tables import Row, plain_table
from functions.dashboard.display import day, money, number, t, words
from functions.dashboard.lists import transaction_rows
from models.lending.money import ZERO


def postings(api: Api, identifier: str) -> None:
    """Show everything that was posted, each payment with what it settled."""
    posted = api.lending(book.transactions(identifier)).transactions
    rows = [
        row | settled(posting.allocations)
        for row, posting in zip(transaction_rows(posted), posted, strict=True)
    ]
    plain_table(rows, "transactions", empty=t("loan.no_transactions"))


def settled(allocations: Sequence[AllocationReply]) -> dict[str, str]:
    """Return what a payment settled: of which instalments, and how much of each kind."""
    sums = dict.fromkeys(("principal", "interest", "charges"), ZERO)
    for part in allocations:
        name = part.component if part.component in sums else "charges"
        sums[name] += Decimal(str(part.amount))
    # Number 0 holds what belongs to no instalment.
    numbers = sorted({part.number for part in allocations} - {0})
    return {t("loan.settled_of"): ", ".join(map(str, numbers))} | {
        t(f"loan.settled_{name}"): money(amount) if amount else "" for name, amount in sums.items()
    }


def journal(api: Api, identifier: str) -> None:
    """Show a page of the journal, the newest entry first."""
    st.caption(t("loan.journal_help"))
    with next_page(f"journal {identifier}", ()) as (cursor, offer_next):
        reply = api.lending(book.journal(identifier, before=int(cursor) if cursor else None))
        rows: list[Row] = [
            {
                t("columns.number"): str(entry.number) if position == 0 else "",
                t("columns.value_date"): day(entry.value_date) if position == 0 else "",
                t("columns.kind"): kind(entry.kind, is_correction=entry.is_correction),
                t("columns.account"): words(line.account),
                t("columns.debit"): amount(line.debit),
                t("columns.credit_side"): amount(line.credit),
                t("columns.reference"): entry.reference if position == 0 else "",
            }
            for entry in reply.entries
            for position, line in enumerate(entry.lines)
        ]
        plain_table(rows, "journal", empty=t("loan.no_transactions"))
        offer_next(None if reply.next_before is None else str(reply.next_before))


def kind(name: str, *, is_correction: bool) -> str:
    """Write what an entry is about, and whether it takes an earlier one back."""
    return t("loan.correction", kind=words(name)) if is_correction else words(name)


def amount(value: float | str) -> str:
    """Write one side of a line; the other side of it is empty."""
    return money(value) if Decimal(str(value)) else ""


def classes(api: Api, identifier: str) -> None:
    """Show when the loan changed its class, and how late it was then."""
    changes, late = api.lending(book.class_history(identifier)).changes, t("columns.dpd")
    if len(changes) > 1:
        days = [
            {"day": day(change.business_date), late: change.days_past_due} for change in changes
        ]
        line_chart("classes", days, "day", (late,), table=class_rows(changes))
    else:
        plain_table(class_rows(changes), "classes", empty=t("loan.no_classes"))


def class_rows(changes: Sequence[ClassChangeReply]) -> list[Row]:
    """Return one row a change."""
    return [
        {
            t("columns.business_date"): day(change.business_date),
            t("loan.from_class"): words(change.previous_class),
            t("columns.asset_class"): words(change.asset_class),
            t("columns.dpd"): number(change.days_past_due),
            t("columns.outstanding"): money(change.outstanding_principal),
            t("loan.npa_since"): day(change.npa_since),
            t("loan.rules"): change.rule_set,
        }
        for change in changes
    ]
