"""The loans of a report of expected loss, by the stage or class that the URL names."""

import streamlit as st

from functions.client import lending_endpoints as book
from functions.dashboard.components.filters import next_page
from functions.dashboard.components.tables import drill_table
from functions.dashboard.display import t, words
from functions.dashboard.frame import page
from functions.dashboard.loss_rows import risk_loan_rows

QUERY_NAMES = ("rule_set", "as_of", "stage", "asset_class")


def main() -> None:
    """Show one page of the loans."""
    with page("risk_loans") as api:
        query = {name: st.query_params[name] for name in QUERY_NAMES if name in st.query_params}
        with next_page("risk loans", tuple(sorted(query.items()))) as (cursor, offer_next):
            reply = api.lending(book.risk_loans(**query, after=cursor))
            parts = [
                f"{words(name)}: {words(query[name])}" for name in QUERY_NAMES[2:] if name in query
            ]
            made = t("loss.made", day=reply.as_of, at=reply.made_at, rules=reply.rule_set)
            st.caption(" · ".join([*parts, made]))
            drill_table(api, risk_loan_rows(reply.loans), "risk-loans", ("loan", "id"))
            offer_next(reply.next_after)


main()
