"""Roll rates: from which bucket to which the loans of a month moved, and how many were cured."""

import streamlit as st

from functions.client import lending_endpoints as book
from functions.client.portfolio_responses import (
    FigureLine,
    FigureReply,
)
from functions.dashboard.api import Api
from functions.dashboard.components.charts import bar_chart, line_chart, percent_map
from functions.dashboard.components.figure_table import figure_caption, figure_table
from functions.dashboard.components.filters import (
    branch_filter,
    choice_filter,
    month_filter,
    recorded_months,
)
from functions.dashboard.display import percent, t, words
from functions.dashboard.frame import guarded, page

# From the best bucket to the worst; a repaid loan is better than a current one.
BUCKETS = ("closed", "current", "1-30", "31-60", "61-90", "90+", "written_off")
FLOWS = (("current", "1-30"), ("1-30", "31-60"), ("31-60", "61-90"), ("61-90", "90+"))
BASES = ("reported", "restated")
MEASURES = ("number", "amount")
MONTHS = 12
DECIMALS = 4

Choices = dict[str, str | int | None]


def share(line: FigureLine, measure: str) -> float | None:
    """Return the share of a line, by loans or by balance."""
    value: float | str | None = getattr(line, f"share_of_{measure}")
    return None if value is None else float(value)


def matrix(api: Api, chosen: Choices, measure: str) -> None:
    """Show the matrix: blue for what got better, orange for what got worse."""
    reply = api.lending(book.figure("roll-rates", **chosen))
    figure_caption(reply)
    shares = {(n.key["from"], n.key["to"]): share(n, measure) for n in reply.lines}
    starts = [bucket for bucket in BUCKETS if any(start == bucket for start, _ in shares)]
    if starts:
        cells = [[shares.get((start, end)) for end in BUCKETS] for start in starts]
        signs = [[_sign(start, end) for end in BUCKETS] for start in starts]
        names = ([words(b) for b in starts], [words(b) for b in BUCKETS])
        percent_map("roll_rates", names, cells, signs)
    st.caption(t("rolls.matrix"))
    figure_table(api, reply, "roll-rates")


def _sign(start: str, end: str) -> int:
    """Return -1 if a loan got better, 1 if it got worse, 0 if it stayed."""
    before, after = BUCKETS.index(start), BUCKETS.index(end)
    return (after > before) - (after < before)


def cures(api: Api, chosen: Choices, measure: str) -> None:
    """Show which share of late loans is current or repaid a month later."""
    st.subheader(t("rolls.cures"))
    reply = api.lending(book.figure("cure-rates", **chosen))
    figure_caption(reply)
    bars = [
        {t("rolls.bucket"): words(line.key["from"]), t("columns.share"): share(line, measure) or 0}
        for line in reply.lines
    ]
    table = [
        {**bar, t("columns.share"): percent(bar[t("columns.share")], DECIMALS)} for bar in bars
    ]
    bar_chart("cure_rates", bars, t("rolls.bucket"), t("columns.share"), table)
    figure_table(api, reply, "cure-rates")


def flows(api: Api, chosen: Choices, measure: str) -> None:
    """Show how much rolled into the next bucket in each of the last months."""
    st.subheader(t("rolls.flows"))
    if not st.toggle(t("rolls.show_flows"), key="flows", bind="query-params"):
        return
    months = [m for m in recorded_months(api) if m <= str(chosen["month"])][:MONTHS]
    shares = {}
    for month in reversed(months):
        reply = api.lending(book.figure("roll-rates", **{**chosen, "month": month}))
        shares[month] = flow_shares(reply, measure)
    names = [f"{words(start)} → {words(end)}" for start, end in FLOWS]
    rows = [
        {t("figures.month"): month, **dict(zip(names, values, strict=True))}
        for month, values in shares.items()
    ]
    table = [
        {name: v if isinstance(v, str) else percent(v, DECIMALS) for name, v in row.items()}
        for row in rows
    ]
    line_chart("flows", rows, t("figures.month"), names, table)


def flow_shares(reply: FigureReply, measure: str) -> list[float | None]:
    """Return the share of each bucket that rolled into the next one."""
    shares = {(n.key["from"], n.key["to"]): share(n, measure) for n in reply.lines}
    return [shares.get(flow) for flow in FLOWS]


def main() -> None:
    """Show roll rates."""
    with page("roll_rates") as api:
        columns = st.columns(4)
        with columns[0]:
            month = month_filter(api, label=t("figures.month"))
        with columns[1]:
            basis = choice_filter(t("figures.basis"), "basis", BASES, is_optional=False)
        with columns[2]:
            measure = choice_filter(t("figures.measure"), "measure", MEASURES, is_optional=False)
        with columns[3]:
            branch = branch_filter()
        chosen: Choices = {"month": month, "basis": basis, "branch": branch}
        for part in (matrix, cures, flows):
            with guarded():
                part(api, chosen, measure)


main()
