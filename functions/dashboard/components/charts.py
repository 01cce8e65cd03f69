"""Charts, each with its table: blue lowers risk, orange raises it, in either theme."""

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from functions.dashboard.components.tables import plain_table
from functions.dashboard.display import t

LOWERS, RAISES, TOTAL = "#2171b5", "#d94801", "#5b6470"
# From approve to decline, told apart by lightness as well as by hue.
DECISIONS = {"approve": "#2171b5", "refer": "#c9b458", "decline": "#d94801"}
CONFIG = {"displayModeBar": False}
HEIGHT = 360


def bar_chart(name: str, rows: Sequence[Mapping[str, Any]], label: str, value: str) -> None:
    """Show one value of each row as a bar, and the rows as a table."""
    if not rows:
        plain_table(rows, f"chart-{name}")
        return
    bars = go.Bar(
        marker={"color": LOWERS},
        x=[row[label] for row in rows],
        y=[float(row[value]) for row in rows],
    )
    _show(go.Figure(bars), name)
    _table(rows, name)


def line_chart(name: str, rows: Sequence[Mapping[str, Any]], x: str, ys: Sequence[str]) -> None:
    """Show some columns as lines over another, told apart by dashes too."""
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
            line={"dash": dashes[index % len(dashes)]},
        )
        for index, y in enumerate(ys)
    ]
    figure = go.Figure(lines)
    figure.update_xaxes(title=x)
    _show(figure, name)
    _table(rows, name)


def waterfall(name: str, steps: Sequence[tuple[str, float]], base: tuple[str, float]) -> None:
    """Show how steps lead from a base to a total: a step down raises risk."""
    total = base[1] + sum(points for _, points in steps)
    figure = go.Figure(
        go.Waterfall(
            x=[base[0], *(label for label, _ in steps), t("charts.total")],
            y=[base[1], *(points for _, points in steps), total],
            measure=["absolute", *("relative" for _ in steps), "total"],
            increasing={"marker": {"color": LOWERS}},
            decreasing={"marker": {"color": RAISES}},
            totals={"marker": {"color": TOTAL}},
            text=[f"{base[1]:.0f}", *(f"{points:+.0f}" for _, points in steps), f"{total:.0f}"],
            textposition="outside",
        )
    )
    levels = [base[1], total]
    level = base[1]
    for _, points in steps:
        level += points
        levels.append(level)
    margin = max(10.0, (max(levels) - min(levels)) / 5)
    figure.update_yaxes(range=[min(levels) - margin, max(levels) + margin])
    _show(figure, name)
    rows = [{t("charts.step"): base[0], t("charts.points"): f"{base[1]:.1f}"}]
    rows += [{t("charts.step"): s, t("charts.points"): f"{points:+.1f}"} for s, points in steps]
    rows.append({t("charts.step"): t("charts.total"), t("charts.points"): f"{total:.1f}"})
    _table(rows, name)


def heat_map(
    name: str, axes: tuple[Sequence[object], Sequence[object]], cells: Sequence[Sequence[float]]
) -> None:
    """Show shares of 1 in a grid: the darker, the larger; each cell says its value."""
    rows, columns = axes
    figure = go.Figure(
        go.Heatmap(
            x=[str(column) for column in columns],
            y=[str(row) for row in rows],
            z=[[100 * cell for cell in line] for line in cells],
            texttemplate="%{z:.1f}",
            colorbar={"title": "%"},
        )
    )
    # As they are written: 12,000 would be read as a number and drawn to scale.
    figure.update_xaxes(type="category")
    figure.update_yaxes(type="category")
    _show(figure, name)
    table = [
        {
            "": str(row),
            **{str(c): f"{100 * cell:.2f} %" for c, cell in zip(columns, line, strict=True)},
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
