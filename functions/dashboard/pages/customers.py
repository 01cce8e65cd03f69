"""Customers: the list, and a number to open one by."""

import streamlit as st

from functions.client import lending_endpoints as book
from functions.dashboard.components.tables import drill_table
from functions.dashboard.display import t
from functions.dashboard.frame import page
from functions.dashboard.lists import customer_rows

PAGE_ROWS = 50


def main() -> None:
    """Show one page of customers."""
    with page("customers") as api:
        with st.form("open"):
            number = st.number_input(t("customers.number"), min_value=1, value=None, step=1)
            if st.form_submit_button(t("tables.open")) and number:
                st.switch_page("pages/applicant.py", query_params={"id": str(number)})
        start = st.session_state.get("customers from", 0)
        reply = api.lending(book.customers(limit=PAGE_ROWS, offset=start))
        st.caption(t("customers.range", first=start + 1, total=reply.total))
        drill_table(api, customer_rows(reply.customers), "customers", ("applicant", "id"))
        back, forward, _ = st.columns([1, 1, 4])
        if start and back.button(t("filters.previous")):
            st.session_state["customers from"] = max(0, start - PAGE_ROWS)
            st.rerun()
        if start + PAGE_ROWS < reply.total and forward.button(t("filters.next")):
            st.session_state["customers from"] = start + PAGE_ROWS
            st.rerun()


main()
