"""A figure of the book as a table, from which each line leads to the loans that sum to it."""

from collections.abc import Sequence
from urllib.parse import parse_qsl, urlsplit

import streamlit as st

from functions.client.portfolio_responses import (
    FigureLine,
    FigureReply,
)
from functions.dashboard.api import Api
from functions.dashboard.components.tables import Row, RowTargets, drill_rows
from functions.dashboard.display import day, money, number, percent, t, words

# Keys of lines whose values are names; those of others are written as they are.
NAMED_KEYS = frozenset({"bucket", "reason", "asset_class", "from", "to", "movement"})
DECIMALS = 4  # as many as the API has


def figure_caption(reply: FigureReply) -> None:
    """Say what a figure is, as of when, and by which rules: in the API's own words."""
    restated = t("figures.restated", loans=number(reply.restated_loans))
    parts = (
        reply.definition,
        t("figures.as_of", day=day(reply.as_of), basis=t(f"figures.{reply.basis}_basis")),
        t("figures.rules", rules=", ".join(reply.rule_sets)) if reply.rule_sets else "",
        restated if reply.restated_loans else "",
    )
    st.caption(" ".join(part for part in parts if part))


def figure_table(api: Api, reply: FigureReply, name: str) -> None:
    """Show the lines of a figure."""
    lines = reply.lines
    drill = RowTargets(
        page="figure_loans",
        queries=[line_query(reply.figure, line) for line in lines],
        labels=[" · ".join(line_keys(line)) for line in lines],
    )
    drill_rows(api, figure_rows(lines), name, drill)


def line_query(figure: str, line: FigureLine) -> dict[str, str]:
    """Return the query of the page that lists a line's loans."""
    return {"figure": figure, **dict(parse_qsl(urlsplit(line.loans).query))}


def line_keys(line: FigureLine) -> list[str]:
    """Return what a line is about, as words."""
    return [words(value) if name in NAMED_KEYS else value for name, value in line.key.items()]


def figure_rows(lines: Sequence[FigureLine]) -> list[Row]:
    """Return one row a line; columns that would be empty are left out."""
    has_share = any(line.share_of_amount is not None for line in lines)
    has_count_share = any(line.share_of_number is not None for line in lines)
    has_action = any(line.next_action for line in lines)
    rows: list[Row] = []
    for line in lines:
        row: dict[str, object] = {
            words(name): value for name, value in zip(line.key, line_keys(line), strict=True)
        }
        row[t("columns.loans")] = number(line.number)
        row[t("columns.amount")] = money(line.amount)
        if has_count_share:
            row[t("figures.share_of_number")] = percent(line.share_of_number, DECIMALS)
        if has_share:
            row[t("figures.share_of_amount")] = percent(line.share_of_amount, DECIMALS)
        if has_action:
            row[t("figures.meaning")] = line.meaning or ""
            row[t("figures.next_action")] = line.next_action or ""
        rows.append(row)
    return rows
