"""Filters that stand in the page's URL, and lists that continue."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import streamlit as st

from functions.dashboard.display import t


def status_filter(statuses: Sequence[str]) -> str | None:
    """Choose one status or all, in the API's words; `?status=` in the URL."""
    return st.selectbox(
        t("filters.status"),
        statuses,
        index=None,
        placeholder=t("filters.all"),
        key="status",
        bind="query-params",
    )


def customer_filter() -> int | None:
    """Choose one customer by number, or all; `?customer=` in the URL."""
    text = st.text_input(t("filters.customer"), key="customer", bind="query-params") or ""
    if not text.strip():
        return None
    if not (text.strip().isascii() and text.strip().isdigit()):
        st.warning(t("filters.customer_rule"))
        return None
    return int(text)


@contextmanager
def next_page(
    name: str, filters: tuple[object, ...]
) -> Iterator[tuple[str | None, Callable[[str | None], None]]]:
    """Give the cursor of the page that is open, and a function that offers the next one.

    Other filters begin with the first page.
    """
    state = f"cursors of {name}"
    if st.session_state.get(f"filters of {name}") != filters:
        st.session_state[f"filters of {name}"] = filters
        st.session_state[state] = []
    cursors: list[str] = st.session_state[state]

    def offer_next(cursor: str | None) -> None:
        back, forward, _ = st.columns([1, 1, 4])
        if cursors and back.button(t("filters.previous"), key=f"previous {name}"):
            cursors.pop()
            st.rerun()
        if cursor and forward.button(t("filters.next"), key=f"next {name}"):
            cursors.append(cursor)
            st.rerun()

    yield (cursors[-1] if cursors else None), offer_next
