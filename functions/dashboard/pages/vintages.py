"""Vintages: how the loans of each month of origination have done, by months on book."""

from typing import Any

import streamlit as st

from functions.client import lending_endpoints as book
from functions.client.portfolio_responses import (
    FigureReply,
)
from functions.dashboard.api import Api
from functions.dashboard.components.charts import bar_chart, line_chart, percent_map
from functions.dashboard.components.figure_table import figure_caption, figure_table
from functions.dashboard.components.filters import branch_filter, choice_filter, month_filter
from functions.dashboard.display import percent, t
from functions.dashboard.frame import guarded, page

EVER = ("90", "60", "30")
BASES = ("reported", "restated")
MEASURES = ("number", "amount")
COHORTS = ("origination_month", "product", "score_band", "model_version")
SEGMENTS = COHORTS[1:]
DECIMALS = 4

Choices = dict[str, str | int | None]
Curves = dict[str, dict[int, float | str | None]]


def read_filters(api: Api) -> tuple[Choices, str]:
    """Read what is chosen, and how shares are measured; all of it stands in the URL."""
    first, second = st.columns(4), st.columns(4)
    with first[0]:
        month = month_filter(api, label=t("figures.month"))
    with first[1]:
        ever = choice_filter(t("vintages.ever"), "ever", EVER, is_optional=False)
    with first[2]:
        basis = choice_filter(t("figures.basis"), "basis", BASES, is_optional=False)
    with first[3]:
        branch = branch_filter()
    chosen: Choices = {"month": month, "ever": ever, "basis": basis, "branch": branch}
    for column, name in zip(second, SEGMENTS, strict=False):
        with column:
            lines = api.lending(book.figure("cohorts", by=name, month=month)).lines
            values = [line.key["value"] for line in lines]
            label = t(f"vintages.{name}")
            chosen[name] = choice_filter(label, name, values, is_optional=True) or None
    with second[3]:
        measure = choice_filter(t("figures.measure"), "measure", MEASURES, is_optional=False)
    return chosen, measure


def curves_from_lines(reply: FigureReply, measure: str) -> Curves:
    """Return the share of each cohort by months on book, in per cent."""
    curves: Curves = {}
    for line in reply.lines:
        age = int(line.key["months_on_book"])
        share: float | str | None = getattr(line, f"share_of_{measure}")
        curves.setdefault(line.key["cohort"], {})[age] = share
    return curves


def curves(api: Api, chosen: Choices, measure: str) -> None:
    """Show the curves, the same as a map, and every point with its loans."""
    reply = api.lending(book.figure("vintages", **chosen))
    figure_caption(reply)
    by_cohort = curves_from_lines(reply, measure)
    ages = sorted({age for curve in by_cohort.values() for age in curve})
    age_label = t("vintages.age")

    def rows(write: Any) -> list[dict[str, object]]:  # noqa: ANN401 -- a function to texts or floats
        return [
            {age_label: age, **{cohort: write(c.get(age)) for cohort, c in by_cohort.items()}}
            for age in ages
        ]

    written = rows(lambda share: percent(share, DECIMALS))
    line_chart("vintages", rows(_plotted), age_label, list(by_cohort), written)
    cells = [[_plotted(curve.get(age)) for age in ages] for curve in by_cohort.values()]
    if cells:
        percent_map("vintage_map", (list(by_cohort), ages), cells)
    with st.expander(t("vintages.points")):
        figure_table(api, reply, "vintages")


def _plotted(share: float | str | None) -> float | None:
    return None if share is None else float(share)


def cohorts(api: Api, chosen: Choices, measure: str) -> None:
    """Show what became of cohorts by month, product, score band or version of the model."""
    st.subheader(t("vintages.cohorts"))
    by = choice_filter(t("vintages.by"), "by", COHORTS, is_optional=False)
    reply = api.lending(book.figure("cohorts", by=by, **chosen))
    figure_caption(reply)
    shares = [(line, getattr(line, f"share_of_{measure}")) for line in reply.lines]
    label, share = t("vintages.cohort"), t("columns.share")
    measured = [(line.key["value"], value) for line, value in shares if value is not None]
    bars = [{label: name, share: float(value)} for name, value in measured]
    table = [{label: name, share: percent(value, DECIMALS)} for name, value in measured]
    bar_chart("cohorts", bars, label, share, table)
    figure_table(api, reply, "cohorts")


def main() -> None:
    """Show vintages."""
    with page("vintages") as api:
        chosen, measure = read_filters(api)
        with guarded():
            curves(api, chosen, measure)
        with guarded():
            cohorts(api, chosen, measure)


main()
