"""Charts, each with its table: blue lowers risk, orange raises it, in either theme."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from functions.dashboard.components.tables import plain_table
from functions.dashboard.display import NOTHING, t
from models.lending.money import ZERO

LOWERS, RAISES, TOTAL = "#2171b5", "#d94801", "#5b6470"
# From approve to decline, told apart by lightness as well as by hue.
DECISIONS = {"approve": "#2171b5", "refer": "#c9b458", "decline": "#d94801"}
# From better to worse; the smallest share must be seen, so that only 0 itself is neither.
DIVERGING = [
    *([0.0, "#08519c"], [0.25, "#4292c6"], [0.4999, "#d6e6f4"], [0.5, "#eceff3"]),
    *([0.5001, "#fde3cf"], [0.75, "#f16913"], [1.0, "#8c2d04"]),
]
# At least 3 : 1 against the light and the dark background; dashes tell lines apart, too.
LINES = ("#2f7fd0", "#d9661f", "#7d8794", "#8f6bd1", "#1a9485", "#a87b16")
CONFIG = {"displayModeBar": False}
HEIGHT = 360
SPARK_HEIGHT = 56


def bar_chart(
    name: str,
    rows: Sequence[Mapping[str, Any]],
    label: str,
    value: str,
    table: Sequence[Mapping[str, Any]] | None = None,
) -> None:
    """Show one value of each row as a bar, and the rows as a table.

    `table` has the same as it is written, if `rows` are not.
    """
    if not rows:
        plain_table(rows, f"chart-{name}")
        return
    bars = go.Bar(
        marker={"color": LOWERS},
        x=[row[label] for row in rows],
        y=[float(row[value]) for row in rows],
    )
    figure = go.Figure(bars)
    figure.update_xaxes(type="category")  # as it is written: 2026-01 would be drawn as a date
    _show(figure, name)
    _table(table or rows, name)


def line_chart(
    name: str,
    rows: Sequence[Mapping[str, Any]],
    x: str,
    ys: Sequence[str],
    table: Sequence[Mapping[str, Any]] | None = None,
) -> None:
    """Show some columns as lines over another, told apart by dashes too.

    `table` has the same as it is written, if `rows` are not.
    """
    if not rows:
        plain_table(rows, f"chart-{name}")
        return
    dashes = ("solid", "dash", "dot", "dashdot")
    lines = [
        go.Scatter(
            x=[row[x] for row in rows],
            y=[row[y] for row in rows],
            name=y,
            mode="lines+markers",
            line={"dash": dashes[index % len(dashes)], "color": LINES[index % len(LINES)]},
        )
        for index, y in enumerate(ys)
    ]
    figure = go.Figure(lines)
    figure.update_xaxes(title=x)
    # Below the lines: beside them it would take half of a narrow window.
    figure.update_layout(legend={"orientation": "h", "yanchor": "top", "y": -0.25})
    _show(figure, name)
    _table(table or rows, name)


def sparkline(name: str, label: str, values: Sequence[float]) -> None:
    """Show how a figure moved, as a line without axes; its table is the caller's.

    The line that `st.metric` draws by itself has no alternative text, and warns in the console.
    """
    figure = go.Figure(go.Scatter(y=list(values), mode="lines", line={"color": LINES[0]}))
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    figure.update_layout(height=SPARK_HEIGHT, margin={"l": 0, "r": 0, "t": 4, "b": 4})
    st.plotly_chart(figure, config={"staticPlot": True}, key=f"spark {name}", alt=label)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaterfallLook:
    """How a waterfall is written: its total, its values, and whether up or down is worse.

    `is_amount`: 0 means that there is nothing, so that bars are compared by their heights. A score
    has no such 0: its axis begins near the values, and the chart says where.
    """

    total: str
    values: str
    write: Callable[[Decimal], str]
    is_up_worse: bool = False
    is_amount: bool = True


def waterfall(
    name: str,
    steps: Sequence[tuple[str, Decimal]],
    base: tuple[str, Decimal],
    look: WaterfallLook,
) -> None:
    """Show how steps lead from a base to a total: blue for the better, orange for the worse."""
    total = base[1] + sum((value for _, value in steps), ZERO)
    up, down = (RAISES, LOWERS) if look.is_up_worse else (LOWERS, RAISES)
    signed = [(label, f"{'+' if value > 0 else ''}{look.write(value)}") for label, value in steps]
    written = [(base[0], look.write(base[1])), *signed, (look.total, look.write(total))]
    figure = go.Figure(
        go.Waterfall(
            x=[label for label, _ in written],
            y=[float(value) for value in (base[1], *(value for _, value in steps), total)],
            measure=["absolute", *("relative" for _ in steps), "total"],
            increasing={"marker": {"color": up}},
            decreasing={"marker": {"color": down}},
            totals={"marker": {"color": TOTAL}},
            text=[text for _, text in written],
            textposition="outside",
        )
    )
    lowest, highest = axis_range([base[1], *(value for _, value in steps)], look.is_amount)
    figure.update_yaxes(range=[lowest, highest])
    _show(figure, name)
    if lowest > 0:
        st.caption(t("charts.axis_from", value=look.write(Decimal(round(lowest)))))
    _table([{t("charts.step"): label, look.values: text} for label, text in written], name)


def axis_range(steps: Sequence[Decimal], is_amount: bool) -> tuple[float, float]:  # noqa: FBT001 -- of a look
    """Return where the axis of a waterfall begins and ends: an amount's has 0 in it."""
    levels = [float(level) for level in accumulate(steps)] + ([0.0] if is_amount else [])
    lowest, highest = min(levels), max(levels)
    margin = max((highest - lowest) / 5, 0.01 * max(map(abs, levels)), 0.01)
    has_floor = is_amount and lowest == 0
    return (0.0 if has_floor else lowest - margin), highest + margin


def heat_map(
    name: str, axes: tuple[Sequence[object], Sequence[object]], cells: Sequence[Sequence[float]]
) -> None:
    """Show shares of 1 in a grid: the darker, the larger; each cell says its value."""
    percent_map(name, axes, [[100 * cell for cell in line] for line in cells])


def percent_map(
    name: str,
    axes: tuple[Sequence[object], Sequence[object]],
    cells: Sequence[Sequence[float | None]],
    signs: Sequence[Sequence[int]] | None = None,
) -> None:
    """Show per cents in a grid; None is an empty cell.

    `signs` colour each cell by whether it is for the better (-1), for the worse (1), or neither.
    """
    rows, columns = axes
    coloured = [list(line) for line in cells]
    if signs:
        coloured = [
            [None if cell is None else sign * cell for cell, sign in zip(*pair, strict=True)]
            for pair in zip(cells, signs, strict=True)
        ]
    figure = go.Figure(
        go.Heatmap(
            x=[str(column) for column in columns],
            y=[str(row) for row in rows],
            z=coloured,
            text=[["" if cell is None else f"{cell:.1f}" for cell in line] for line in cells],
            texttemplate="%{text}",
            hovertemplate="%{y} · %{x}: %{text} %<extra></extra>",
            showscale=signs is None,
            colorbar={"title": "%"},
            **({"zmin": -100, "zmid": 0, "zmax": 100, "colorscale": DIVERGING} if signs else {}),
        )
    )
    # As they are written: 12,000 would be read as a number and drawn to scale.
    figure.update_xaxes(type="category")
    figure.update_yaxes(type="category", autorange="reversed" if signs else True)
    _show(figure, name)
    table = [
        {
            t("charts.row"): str(row),
            **{
                str(column): NOTHING if cell is None else f"{cell:.2f} %"
                for column, cell in zip(columns, line, strict=True)
            },
        }
        for row, line in zip(rows, cells, strict=True)
    ]
    _table(table, name)


def _show(figure: go.Figure, name: str) -> None:
    figure.update_layout(height=HEIGHT, margin={"l": 8, "r": 8, "t": 16, "b": 8}, separators=".,")
    title = t(f"charts.{name}")
    st.markdown(f"**{title}**")
    st.plotly_chart(figure, config=CONFIG, key=f"chart {name}", alt=title)


def _table(rows: Sequence[Mapping[str, Any]], name: str) -> None:
    with st.expander(t("charts.table")):
        plain_table(rows, f"chart-{name}")
