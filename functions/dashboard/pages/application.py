"""One application, by `?id=` in the URL."""

import streamlit as st

from functions.client import lending_endpoints as book
from functions.dashboard.components.case import show_case
from functions.dashboard.display import t
from functions.dashboard.frame import page


def main() -> None:
    """Show the application that the URL names."""
    with page("application") as api:
        identifier = st.query_params.get("id")
        if not identifier:
            st.info(t("frame.no_id"), icon=":material/link_off:")
            return
        st.caption(f"`{identifier}`")
        show_case(api, api.lending(book.application(identifier)))


main()
