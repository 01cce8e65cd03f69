"""Filters that stand in the page's URL, and lists that continue."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from http import HTTPStatus

import streamlit as st

from functions.client import lending_endpoints as book
from functions.client.errors import RefusedError
from functions.dashboard.api import Api
from functions.dashboard.display import t, words


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


def choice_filter(label: str, name: str, choices: Sequence[str], *, is_optional: bool) -> str:
    """Choose one of the API's words, in the URL by its name; the first, or "" for all."""
    first = None if is_optional else choices[0]
    address = st.query_params.get(name)
    start = address if address in choices else first
    chosen = st.selectbox(
        label,
        choices,
        index=None if start is None else choices.index(start),
        placeholder=t("filters.all"),
        format_func=words,
        key=f"choice of {name}",
    )
    keep_in_address(name, chosen if chosen != first else None)
    return chosen or ""


def keep_in_address(name: str, value: str | None) -> None:
    """Write a choice into the page's URL, or take it out.

    Streamlit's own binding would write words as they are shown, which differ by language, and
    would refuse to open another page whose URL has a parameter of the same name.
    """
    if value:
        st.query_params[name] = value
    elif name in st.query_params:
        del st.query_params[name]


def branch_filter() -> int | None:
    """Choose one branch by its number, or all that the user may see; `?branch=` in the URL."""
    address = st.query_params.get("branch", "")
    text = (st.text_input(t("filters.branch"), address, key="choice of branch") or "").strip()
    keep_in_address("branch", text)
    if text and not (text.isascii() and text.isdigit()):
        st.warning(t("filters.branch_rule"))
        return None
    return int(text) if text else None


def recorded_months(api: Api) -> list[str]:
    """Return the recorded months such as 2026-01, the newest first; none if there are none yet."""
    try:
        reply = api.lending(book.figure("vintages"))
    except RefusedError as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return []
        raise
    last = reply.as_of
    first = min((line.key["cohort"] for line in reply.lines), default=last.isoformat()[:7])
    months, index = [], 12 * last.year + last.month - 1
    while (month := f"{index // 12:04}-{index % 12 + 1:02}") >= first:
        months.append(month)
        index -= 1
    return months


def month_filter(api: Api, *, label: str, placeholder: str | None = None) -> str | None:
    """Choose the month end as of which figures are; `?month=` in the URL.

    Without a choice it is the last recorded one, or with a placeholder none.
    """
    months = recorded_months(api)
    if not months:
        return None
    first = months[0] if placeholder is None else None
    address = st.query_params.get("month")
    start = address if address in months else first
    chosen = st.selectbox(
        label,
        months,
        index=None if start is None else months.index(start),
        placeholder=placeholder,
        key="choice of month",
    )
    keep_in_address("month", chosen if chosen != first else None)
    return chosen


def day_filter(label: str, name: str) -> date | None:
    """Choose a day, or none; in the URL by its name."""
    try:
        address = date.fromisoformat(st.query_params.get(name, ""))
    except ValueError:
        address = None
    chosen = st.date_input(label, address, format="YYYY-MM-DD", key=f"choice of {name}")
    day = chosen if isinstance(chosen, date) else None
    keep_in_address(name, day.isoformat() if day else None)
    return day
