"""Batch scoring: a file is checked or scored, watched, stopped, and its results fetched."""

import streamlit as st

from functions.dashboard.components.batch_state import show_batch
from functions.dashboard.components.batch_upload import upload_form
from functions.dashboard.components.models import choose_model
from functions.dashboard.display import t
from functions.dashboard.frame import guarded, page


def main() -> None:
    """Show the batch that the URL names, and below it the form for the next one."""
    with page("batches") as api:
        batch_id = st.query_params.get("batch")
        if batch_id:
            with guarded():
                show_batch(api, batch_id)
            if st.button(t("batches.close"), icon=":material/close:"):
                del st.query_params["batch"]
                st.rerun()
        upload_form(api, choose_model(api))


main()
