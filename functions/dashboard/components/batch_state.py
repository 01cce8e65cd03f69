"""A batch: how far it is, what was wrong with which row, and what came out."""

from collections.abc import Callable

import streamlit as st

from functions.client import batch_endpoints as batches
from functions.client.batch_endpoints import BatchFault
from functions.client.batch_responses import BatchState
from functions.client.errors import ClientError
from functions.dashboard.api import Api
from functions.dashboard.components.csv_file import csv_from_rows
from functions.dashboard.components.tables import Row, plain_table
from functions.dashboard.display import moment, number, t, words
from functions.dashboard.frame import guarded

POLL_SECONDS = 1.0
OPEN = ("queued", "running")
MOST_FAULTS = 100  # that the page shows
LEVELS = {"failed": "error", "cancelled": "warning", "checked": "info", "succeeded": "success"}


def show_batch(api: Api, batch_id: str) -> None:
    """Show a batch by its id, again every second until it has ended."""
    ended = f"ended {batch_id}"
    if st.session_state.get(ended):
        _show(api, api.batches(batches.batch(batch_id)))
        return

    @st.fragment(run_every=POLL_SECONDS)
    def follow() -> None:
        with guarded():
            batch = api.batches(batches.batch(batch_id))
            if batch.status not in OPEN:
                st.session_state[ended] = True
                st.rerun()
            _show(api, batch)

    follow()


def _show(api: Api, batch: BatchState) -> None:
    st.subheader(t("batches.batch", model=batch.model))
    st.caption(f"`{batch.id}` · {moment(batch.created_at)}")
    if batch.status in OPEN:
        _progress(api, batch)
        return
    box = getattr(st, LEVELS[batch.status])
    box(t(f"batches.{batch.status}", detail=batch.detail or ""))
    columns = st.columns(3)
    columns[0].metric(t("batches.rows"), number(batch.rows), border=True)
    columns[1].metric(t("batches.scored"), number(batch.scored), border=True)
    columns[2].metric(t("batches.faulty"), number(batch.faulty), border=True)
    if batch.status == "cancelled":
        st.button(
            t("batches.resume"),
            type="primary",
            icon=":material/resume:",
            key=f"resume {batch.id}",
            on_click=_resume,
            args=(api, batch.id),
        )
    if batch.decisions:
        rows = [
            {t("batches.decision"): words(name), t("batches.rows"): number(rows)}
            for name, rows in batch.decisions.items()
        ]
        plain_table(rows, "decisions")
    if batch.status == "succeeded":
        _offer_results(api, batch)
    if batch.faulty:
        _faults(api, batch)


def _progress(api: Api, batch: BatchState) -> None:
    done, rows = batch.rows_done or 0, batch.rows
    text = t("batches.waiting") if rows is None else t("batches.progress", **_counts(done, rows))
    st.progress(done / rows if rows else 0.0, text=text)
    st.button(
        t("batches.cancel"),
        icon=":material/cancel:",
        key=f"cancel {batch.id}",
        on_click=_cancel,
        args=(api, batch.id),
    )


def _cancel(api: Api, batch_id: str) -> None:
    """Cancel, before the page is drawn again: by then the batch may have ended."""
    try:
        api.batches(batches.cancel(batch_id))
    except ClientError as error:
        st.toast(str(error))


def _resume(api: Api, batch_id: str) -> None:
    """Resume, and follow the batch again."""
    try:
        api.batches(batches.resume(batch_id))
    except ClientError as error:
        st.toast(str(error))
    else:
        st.session_state.pop(f"ended {batch_id}", None)


def _counts(done: int, rows: int) -> dict[str, object]:
    return {"done": number(done), "rows": number(rows)}


def _offer_results(api: Api, batch: BatchState) -> None:
    """Offer the results; they are fetched when somebody wants them."""
    st.download_button(
        t("batches.results"),
        _reader(lambda: api.batches(batches.results(batch.id)).content),
        file_name=f"{batch.id}.csv",
        mime="text/csv",
        on_click="ignore",
        icon=":material/download:",
        type="primary",
        key=f"results {batch.id}",
    )


def _reader(fetch: Callable[[], bytes]) -> Callable[[], bytes]:
    """Fetch a file outside the page, where an error has no other place than the file."""

    def read() -> bytes:
        try:
            return fetch()
        except ClientError as error:
            return f"{error}\n".encode()

    return read


def _faults(api: Api, batch: BatchState) -> None:
    st.subheader(t("batches.faults"))
    faults = api.batches(batches.faults(batch.id)).faults
    if len(faults) > MOST_FAULTS:
        st.caption(t("batches.first_faults", shown=MOST_FAULTS, faults=number(len(faults))))
        st.download_button(
            t("batches.all_faults"),
            csv_from_rows([_fault_row(fault) for fault in faults]),
            file_name=f"faults-{batch.id}.csv",
            mime="text/csv",
            on_click="ignore",
            key=f"all faults {batch.id}",
        )
    plain_table([_fault_row(fault) for fault in faults[:MOST_FAULTS]], "faults")


def _fault_row(fault: BatchFault) -> Row:
    return {
        t("batches.row"): fault.row,
        t("batches.line"): fault.line or "",
        t("batches.field"): fault.field,
        t("batches.rule"): fault.rule,
        t("batches.cell"): fault.cell or "",
    }
