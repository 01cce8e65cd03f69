"""Tables: each can be saved as CSV, and a row leads to what is behind it."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from functions.dashboard.api import Api
from functions.dashboard.components.csv_file import csv_from_rows
from functions.dashboard.display import t
from functions.dashboard.navigation import is_offered

Row = Mapping[str, object]
MARKUP = re.compile(r"([\\`*\[\]<>$~]|:(?=material/))")
LINK = re.compile(r"://|www\.", re.IGNORECASE)


def plain_table(rows: Sequence[Row], name: str, *, empty: str = "") -> None:
    """Show some rows as a table that prints and reads aloud, and offer them as CSV."""
    if not rows:
        st.info(empty or t("tables.empty"), icon=":material/inbox:")
        return
    st.table(_columns(rows, escape_markup), border="horizontal", hide_index=True)
    export_button(rows, name)


def wide_table(rows: Sequence[Row], name: str) -> None:
    """Show rows with long texts, which a keyboard can scroll sideways, and offer them as CSV."""
    if not rows:
        st.info(t("tables.empty"), icon=":material/inbox:")
        return
    alt = t("tables.alt", name=name, rows=len(rows))
    st.dataframe(_columns(rows), hide_index=True, key=f"table {name}", alt=alt)
    export_button(rows, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowTargets:
    """Where rows lead: a page, the query of each row's address, and what each row is called."""

    page: str
    queries: Sequence[Mapping[str, str]]
    labels: Sequence[str]


def drill_table(api: Api, rows: Sequence[Row], name: str, target: tuple[str, str]) -> None:
    """Show rows of which one is opened by choosing it.

    `target` is a page and the parameter of its URL; the rows' first column holds its values.
    """
    page, parameter = target
    values = [str(next(iter(row.values()))) for row in rows]
    queries = [{parameter: value} for value in values]
    drill_rows(api, rows, name, RowTargets(page=page, queries=queries, labels=values))


def drill_rows(api: Api, rows: Sequence[Row], name: str, drill: RowTargets) -> None:
    """Show rows, each of which leads somewhere."""
    if not rows:
        st.info(t("tables.empty"), icon=":material/inbox:")
        return
    can_open = is_offered(api.user, drill.page, has_scoring=api.has_scoring)
    # The version of the key changes after a row was opened: coming back, none is chosen.
    version = st.session_state.get(f"version of {name}", 0)
    chosen = st.dataframe(
        _columns(rows),
        hide_index=True,
        key=f"table {name} {version}",
        on_select="rerun" if can_open else "ignore",
        selection_mode="single-row",
        alt=t("tables.alt", name=name, rows=len(rows)),
    )
    export_button(rows, name)
    if can_open:
        _offer_rows(name, drill)
        indices = chosen.selection.rows  # type: ignore[union-attr]  # it is state: rows can be chosen
        if indices:
            st.session_state[f"version of {name}"] = version + 1
            _open(drill, indices[0])


def _offer_rows(name: str, drill: RowTargets) -> None:
    """Offer the same by keyboard: a list of what the rows are about."""
    column, button = st.columns([4, 1], vertical_alignment="bottom")
    index = column.selectbox(
        t("tables.open_label"),
        range(len(drill.labels)),
        format_func=lambda row: drill.labels[row],
        key=f"open {name}",
    )
    if button.button(t("tables.open"), key=f"open button {name}"):
        _open(drill, index or 0)


def _open(drill: RowTargets, index: int) -> None:
    st.switch_page(f"pages/{drill.page}.py", query_params=dict(drill.queries[index]))


def export_button(rows: Sequence[Row], name: str) -> None:
    """Offer rows as a CSV file."""
    st.download_button(
        t("tables.export"),
        csv_from_rows(rows),
        file_name=f"{name}.csv",
        mime="text/csv",
        key=f"export {name}",
        on_click="ignore",
        icon=":material/download:",
        type="tertiary",
    )


def escape_markup(value: object) -> object:
    """Return a cell as it is to be read: Streamlit would make links and formulas of some texts."""
    if not isinstance(value, str):
        return value
    if LINK.search(value):  # no escape stops a bare address from becoming a link; code does
        plain = value.replace("`", "'")
        return f"`{plain}`"
    return MARKUP.sub(r"\\\1", value)


def _columns(
    rows: Sequence[Row], write: Callable[[object], object] = lambda value: value
) -> dict[str, list[object]]:
    return {column: [write(row[column]) for row in rows] for column in rows[0]}
