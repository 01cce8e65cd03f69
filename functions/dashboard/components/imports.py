"""Imports: a CSV file of applications, checked line by line, imported as a whole or in part."""

import streamlit as st

from functions.client import administration_endpoints as administration
from functions.client.errors import ClientError
from functions.client.lending_responses import ImportReport
from functions.dashboard.api import Api
from functions.dashboard.components.tables import plain_table
from functions.dashboard.display import number, t
from functions.dashboard.frame import show_error

REPORT = "report of an import"


def imports(api: Api) -> None:
    """Take a file, and show what its lines came to."""
    st.caption(t("imports.format"))
    file = st.file_uploader(t("imports.file"), type="csv", key="import file")
    if file is None:
        st.session_state.pop(REPORT, None)
        return
    partial = st.checkbox(t("imports.partial"))
    left, right, _ = st.columns([1, 1, 3])
    is_dry = left.button(t("imports.check"), icon=":material/fact_check:")
    is_run = right.button(t("imports.run"), type="primary", icon=":material/upload:")
    if is_dry or is_run:
        content = file.getvalue()
        call = administration.import_applications(content, dry_run=is_dry, partial=partial)
        try:
            st.session_state[REPORT] = api.lending(call)
        except ClientError as error:  # the file stays: the same one again repeats no line
            st.session_state.pop(REPORT, None)
            show_error(error)
    report: ImportReport | None = st.session_state.get(REPORT)
    if report:
        _show(report)


def _show(report: ImportReport) -> None:
    columns = st.columns(3)
    columns[0].metric(t("imports.lines"), number(report.lines), border=True)
    columns[1].metric(t("imports.imported"), number(report.imported), border=True)
    columns[2].metric(t("imports.faulty"), number(report.faulty), border=True)
    st.caption(t("imports.resumed"))
    parts = [fault.partition(": ") for fault in report.faults]
    rows = [
        {t("imports.line"): line.removeprefix("line "), t("imports.fault"): rule}
        for line, _, rule in parts
    ]
    plain_table(rows, "faults", empty=t("imports.sound"))
