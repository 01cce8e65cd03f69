"""How the book stood at the last twelve month ends: tiles with sparklines, and their table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from http import HTTPStatus

import streamlit as st

from functions.client import lending_endpoints as book
from functions.client.errors import RefusedError
from functions.client.portfolio_responses import FigureReply
from functions.dashboard.api import Api
from functions.dashboard.components.charts import sparkline
from functions.dashboard.components.tables import plain_table
from functions.dashboard.components.tiles import Better
from functions.dashboard.display import money, number, percent, t
from models.lending.money import ZERO

MONTHS = 12
ONE_DAY = timedelta(days=1)
FEWEST = 2  # of which a line can be drawn
BEYOND_30 = ("31-60", "61-90", "90+")
BEYOND_90 = ("90+",)


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthStand:
    """The book at a month end: shares are per cents of the outstanding principal."""

    month: str
    outstanding: Decimal
    loans: int
    par_30: Decimal
    par_90: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """A member of the stands, how it is written, and which direction is for the better."""

    name: str
    write: Callable[[Decimal], str]
    better: Better


TRENDS = (
    Trend(name="outstanding", write=money, better="neither"),
    Trend(name="loans", write=number, better="neither"),
    Trend(name="par_30", write=percent, better="down"),
    Trend(name="par_90", write=percent, better="down"),
)


def trend_tiles(api: Api) -> None:
    """Show the newest month end, its change from the one before, and the line of twelve."""
    st.subheader(t("trends.title"))
    stands = read_stands(api)
    if len(stands) < FEWEST:
        st.caption(t("trends.too_few"))
        return
    for column, trend in zip(st.columns(len(TRENDS)), TRENDS, strict=True):
        with column:
            _tile(trend, [Decimal(getattr(stand, trend.name)) for stand in stands])
    st.caption(t("trends.span", first=stands[0].month, last=stands[-1].month))
    with st.expander(t("charts.table")):
        plain_table(stand_rows(stands), "trends")


def read_stands(api: Api) -> list[MonthStand]:
    """Read the last month ends on record, the oldest first."""
    stands: list[MonthStand] = []
    month = None
    while len(stands) < MONTHS:
        try:
            reply = api.lending(book.figure("month-ageing", month=month))
        except RefusedError as error:
            if error.status == HTTPStatus.NOT_FOUND:  # nothing is on record before
                break
            raise
        stands.insert(0, stand_from_ageing(reply))
        month = (reply.as_of.replace(day=1) - ONE_DAY).isoformat()[:7]
    return stands


def stand_from_ageing(reply: FigureReply) -> MonthStand:
    """Add up the buckets of a month end."""
    amounts = {line.key["bucket"]: Decimal(str(line.amount)) for line in reply.lines}
    outstanding = sum(amounts.values(), ZERO)

    def share(buckets: Sequence[str]) -> Decimal:
        late = sum((amounts.get(bucket, ZERO) for bucket in buckets), ZERO)
        return 100 * late / outstanding if outstanding else ZERO

    return MonthStand(
        month=reply.as_of.isoformat()[:7],
        outstanding=outstanding,
        loans=sum(line.number for line in reply.lines),
        par_30=share(BEYOND_30),
        par_90=share(BEYOND_90),
    )


def stand_rows(stands: Sequence[MonthStand]) -> list[dict[str, object]]:
    """Return the month ends as a table, the newest first."""
    return [
        {
            t("figures.month"): stand.month,
            **{t(f"trends.{x.name}"): x.write(Decimal(getattr(stand, x.name))) for x in TRENDS},
        }
        for stand in reversed(stands)
    ]


def _tile(trend: Trend, values: Sequence[Decimal]) -> None:
    change = values[-1] - values[-2]
    is_better = (change > 0) == (trend.better == "up")
    label = t(f"trends.{trend.name}")
    with st.container(border=True, height="stretch"):
        st.metric(
            label,
            trend.write(values[-1]),
            delta=f"{'+' if change > 0 else ''}{trend.write(change)}" if change else None,
            delta_color="gray" if trend.better == "neither" else "blue" if is_better else "orange",
            help=t(f"trends.{trend.name}_help"),
        )
        sparkline(trend.name, label, [float(value) for value in values])
