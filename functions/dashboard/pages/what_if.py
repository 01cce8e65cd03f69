"""What-if: one customer's application over a grid of two fields; nothing is recorded."""

from typing import Any

import streamlit as st

from functions.client import endpoints
from functions.client import lending_endpoints as book
from functions.client.endpoints import RequestIdentity
from functions.client.responses import WhatIf
from functions.dashboard.api import Api
from functions.dashboard.application_row import (
    PURPOSES,
    applications_from_row,
    other_instalments,
    row_from_terms,
)
from functions.dashboard.components.charts import heat_map
from functions.dashboard.components.tables import plain_table
from functions.dashboard.components.terms import months_field, rate_field
from functions.dashboard.display import number, t, words
from functions.dashboard.frame import business_date, page

# Fields of the grid, and the multiples or values that are tried.
MULTIPLES = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
SCALED = ("loan_amount", "monthly_income", "other_instalments")
LISTED: dict[str, tuple[Any, ...]] = {
    "loan_tenure_months": (12, 24, 36, 48, 60, 84, 120),
    "interest_rate": (7.0, 8.5, 10.0, 12.0, 14.0, 16.0, 18.0),
    "loan_purpose": PURPOSES,
}
FIELDS = (*SCALED, *LISTED)


def starting_row(api: Api) -> dict[str, Any] | None:
    """Return the row of the customer that the URL names, with terms from the form."""
    text = st.text_input(t("apply.customer"), key="customer", bind="query-params") or ""
    if not text.strip().isdigit():
        st.info(t("what_if.choose"), icon=":material/person_search:")
        return None
    customer = api.lending(book.customer(int(text)))
    if customer.employment is None:
        st.warning(t("apply.no_employment"))
        return None
    st.markdown(f"**{customer.full_name}**")
    left, middle, right = st.columns(3)
    terms = {
        "loan_amount": left.number_input(t("apply.amount"), 1000.0, value=500000.0, step=10000.0),
        "loan_tenure_months": months_field(60, column=middle),
        "interest_rate": rate_field(9.5, column=right),
        "loan_purpose": left.selectbox(t("apply.purpose"), PURPOSES),
    }
    loans = api.lending(book.loans(customer_id=customer.customer_id)).loans
    return row_from_terms(
        customer, other_instalments(loans), business_date=business_date(api), **terms
    )


def tried_values(field: str, row: dict[str, Any]) -> list[Any]:
    """Return what is tried of a field."""
    if field in LISTED:
        return list(LISTED[field])
    return [round(float(row[field] or 10000.0) * multiple, 2) for multiple in MULTIPLES]


def show_grid(reply: WhatIf, fields: tuple[str, str], written: list[list[str]]) -> None:
    """Show the probability in every cell, and the decisions as a table."""
    first, second = fields
    width = len(written[1])
    cells = reply.whatif.probability_of_default
    st.caption(t("what_if.axes", rows=words(first), columns=words(second)))
    grid = [cells[start : start + width] for start in range(0, len(cells), width)]
    heat_map("probability", (written[0], written[1]), grid)
    decisions = reply.whatif.decision
    rows = [
        {
            words(first): written[0][line],
            **{
                value: words(decisions[line * width + column])
                for column, value in enumerate(written[1])
            },
        }
        for line in range(len(written[0]))
    ]
    st.subheader(t("what_if.decisions"))
    plain_table(rows, "what-if-decisions")


def main() -> None:
    """Show the grid."""
    with page("what_if") as api:
        row = starting_row(api)
        if row is None:
            return
        left, right = st.columns(2)
        first = left.selectbox(t("what_if.first"), FIELDS, format_func=words, key="first")
        others = [field for field in FIELDS if field != first]
        second = right.selectbox(
            t("what_if.second"), others, index=len(SCALED) - 1, format_func=words, key="second"
        )
        grid = {field: tried_values(field, row) for field in (first, second)}
        request = applications_from_row(row)
        reply = api.scoring(endpoints.whatif(request, RequestIdentity(), grid))
        written = [[v if isinstance(v, str) else number(v) for v in grid[f]] for f in grid]
        show_grid(reply, (first, second), written)
        st.caption(t("simulation.not_recorded"))


main()
