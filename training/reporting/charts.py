"""The charts of a report, drawn from the numbers of `report.json` and from nothing else."""

from collections.abc import Mapping, Sequence
from typing import Any

from training.reporting.svg import (
    SMALL_HEIGHT,
    SMALL_WIDTH,
    WIDTH,
    Axis,
    Chart,
    draw_bars,
    draw_spark,
    per_cent,
)

Document = Mapping[str, Any]

MOST_BARS = 14
PROBABILITY = "probability of default"
CODE_COLOURS = 4
LONGEST_LOG_AXIS = 1e4  # its high end divided by its low one


def draw_charts(document: Document) -> dict[str, Any]:
    """Draw every chart: one picture a name, or one a field for those that are drawn by field."""
    discrimination, calibration = document["discrimination"], document["calibration"]
    decisions, explanations = document["decisions"], document["explanations"]
    charts: dict[str, Any] = {
        "roc": draw_roc(discrimination["curve"]),
        "gains": draw_gains(discrimination["curve"]),
        "ks": draw_ks(discrimination["curve"]),
        "calibration": draw_calibration(calibration["bins"], is_log=False),
        "calibration_log": draw_calibration(calibration["bins"], is_log=True),
        "scores": draw_scores(decisions["scores"], decisions["marks"]),
        "approval": draw_approval(decisions["cutoffs"]),
        "cost": draw_cost(decisions["cutoffs"]),
        "importances": draw_importances(explanations["importances"]),
        "dependence": [draw_dependence(one) for one in explanations["partial_dependence"]],
        "shapes": [draw_shape(one) for one in document["contents"]["shapes"]],
        "fields": {
            field["name"]: draw_field(field["name"], field["bars"])
            for field in document["data"]["fields"]
            if field["bars"]
        },
    }
    return charts


def draw_roc(curve: Document) -> str:
    """Draw the share of defaults flagged against the share of good rows flagged."""
    chart = Chart(
        Axis(low=0, high=1, title="share of good rows flagged", label=per_cent),
        Axis(low=0, high=1, title="share of defaults flagged", label=per_cent),
        "ROC curve",
    )
    points = list(zip(curve["goods"], curve["bads"], strict=True))
    legend = chart.legend([("line one", "model"), ("guide", "chance")], "bottom right")
    return chart.draw(chart.line([(0, 0), (1, 1)], "guide"), chart.line(points, "line one"), legend)


def draw_gains(curve: Document) -> str:
    """Draw the share of defaults against the share of rows, riskiest first (CAP)."""
    chart = Chart(
        Axis(low=0, high=1, title="share of rows, riskiest first", label=per_cent),
        Axis(low=0, high=1, title="share of defaults among them", label=per_cent),
        "Gains curve, also called CAP",
    )
    points = list(zip(curve["rows"], curve["bads"], strict=True))
    perfect = [(0, 0), (curve["default_rate"], 1), (1, 1)]
    entries = [("line one", "model"), ("line two", "perfect model"), ("guide", "chance")]
    return chart.draw(
        chart.line([(0, 0), (1, 1)], "guide"),
        chart.line(perfect, "line two"),
        chart.line(points, "line one"),
        chart.legend(entries, "bottom right"),
    )


def draw_ks(curve: Document) -> str:
    """Draw both cumulative shares against the share of rows; their largest gap is KS."""
    chart = Chart(
        Axis(low=0, high=1, title="share of rows, riskiest first", label=per_cent),
        Axis(low=0, high=1, title="cumulative share", label=per_cent),
        "Cumulative shares of defaults and of good rows, and their largest gap",
    )
    bads = list(zip(curve["rows"], curve["bads"], strict=True))
    goods = list(zip(curve["rows"], curve["goods"], strict=True))
    gap = max(range(len(bads)), key=lambda i: bads[i][1] - goods[i][1])
    entries = [("line two", "defaults"), ("line one", "good rows"), ("gap", "largest gap: KS")]
    return chart.draw(
        chart.ranges([(bads[gap][0], goods[gap][1], bads[gap][1])], "gap"),
        chart.line(bads, "line two"),
        chart.line(goods, "line one"),
        chart.legend(entries, "bottom right"),
    )


def draw_calibration(bins: Sequence[Document], *, is_log: bool) -> str:
    """Draw the default rate of each bin against its mean probability, with what chance allows."""
    means = [one["mean_probability"] for one in bins]
    rates = [one["default_rate"] for one in bins]
    top = min(max(*means, *rates, *(one["high"] for one in bins)) * 1.08, 1.0)
    low = 0.0
    if is_log:
        positive = [value for value in (*means, *rates) if value > 0]
        top = min(top * 1.2, 1.0)
        low = max(min(positive) / 1.5, top / LONGEST_LOG_AXIS)
    drawn = [one for one in bins if not is_log or _is_drawn(one, low)]
    chart = Chart(
        Axis(low=low, high=top, title=f"mean {PROBABILITY}", label=per_cent, is_log=is_log),
        Axis(low=low, high=top, title="observed default rate", label=per_cent, is_log=is_log),
        "Calibration: observed default rate by predicted probability",
    )
    margins = [
        (one["mean_probability"], max(one["low"], low), min(one["high"], top))
        for one in bins
        if low <= one["mean_probability"] and low < one["high"]
    ]
    points = [(one["mean_probability"], one["default_rate"]) for one in drawn]
    entries = [("dot one", "observed"), ("range", "chance, 95 %"), ("guide", "perfect")]
    return chart.draw(
        chart.ranges(margins, "range"),
        chart.line([(low, low), (top, top)], "guide"),
        chart.dots(points, "dot one"),
        chart.legend(entries, "top left"),
    )


def _is_drawn(one: Document, low: float) -> bool:
    """Whether a bin's dot is on a log scale that begins at `low`."""
    return bool(min(one["mean_probability"], one["default_rate"]) >= low)


def draw_scores(histogram: Document, marks: Sequence[Document]) -> str:
    """Draw the share of each outcome's rows by score, with the policy's cut-offs."""
    edges = histogram["edges"]
    shares = [_normalise(histogram[name]) for name in ("goods", "bads")]
    top = max(*shares[0], *shares[1]) * 1.4
    drawn = [mark for mark in marks if mark["is_drawn"]]
    chart = Chart(
        Axis(low=edges[0], high=edges[-1], title="credit score, more is safer"),
        Axis(low=0, high=top, title="share of the outcome's rows", label=per_cent),
        "Distribution of scores of good rows and of defaults",
    )
    return chart.draw(
        chart.columns(edges, shares[0], "area one"),
        chart.columns(edges, shares[1], "area two"),
        *(chart.mark(m["credit_score"], m["name"], i) for i, m in enumerate(drawn)),
        chart.legend([("area one", "good"), ("area two", "default")], "top right"),
    )


def _normalise(counts: Sequence[int]) -> list[float]:
    total = sum(counts) or 1
    return [count / total for count in counts]


def draw_approval(cutoffs: Sequence[Document]) -> str:
    """Draw the bad rate of those approved against the approval rate, over all cut-offs."""
    lines = [one for one in cutoffs if one["bad_rate_of_approved"] is not None]
    points = [(one["approval_rate"], one["bad_rate_of_approved"]) for one in lines]
    top = max((y for _, y in points), default=1.0) * 1.15 or 1.0
    chart = Chart(
        Axis(low=0, high=1, title="share approved", label=per_cent),
        Axis(low=0, high=top, title="default rate of those approved", label=per_cent),
        "Approval rate against the default rate of those approved",
    )
    own = [p for one, p in zip(lines, points, strict=True) if _is_approval(one["name"])]
    legend = chart.legend([("line one", "all cut-offs"), ("dot two", "the policy")], "top left")
    return chart.draw(chart.line(points, "line one"), chart.dots(own, "dot two"), legend)


def draw_cost(cutoffs: Sequence[Document]) -> str | None:
    """Draw the mean cost of an application by the policy's costs, or None if it states none."""
    points = [(c["approval_rate"], c["cost"]) for c in cutoffs if c["cost"] is not None]
    if not points:
        return None
    top = max(y for _, y in points) * 1.15
    chart = Chart(
        Axis(low=0, high=1, title="share approved", label=per_cent),
        Axis(low=0, high=top, title="mean cost of an application"),
        "Approval rate against the mean cost of an application",
    )
    own = [(c["approval_rate"], c["cost"]) for c in cutoffs if _is_approval(c["name"])]
    legend = chart.legend([("line one", "all cut-offs"), ("dot two", "the policy")], "bottom left")
    return chart.draw(chart.line(points, "line one"), chart.dots(own, "dot two"), legend)


def _is_approval(name: str | None) -> bool:
    return name is not None and "approve below" in name


def draw_importances(importances: Sequence[Document]) -> str:
    """Draw the mean absolute contribution of the strongest characteristics."""
    bars = [(one["field"], one["contribution"]) for one in importances[:MOST_BARS]]
    title = "mean absolute contribution, log-odds"
    return draw_bars(bars, title, "Importance of each field", least_width=WIDTH)


def draw_dependence(one: Document) -> str:
    """Draw the mean probability over the values of one field."""
    title, alternative = f"mean {PROBABILITY}", f"Mean {PROBABILITY} by {one['field']}"
    special = list(one["special"].items())
    points = list(zip(one["values"], one["probabilities"], strict=True))
    if not one["is_number"] or not points:
        return draw_bars([*points, *special][:MOST_BARS], title, alternative, per_cent)
    top = max(y for _, y in (*points, *special)) * 1.15
    y = Axis(low=0, high=top, title=title, label=per_cent)
    chart = _small_chart([x for x, _ in points], y, alternative)
    return chart.draw(
        *_draw_levels(chart, special),
        chart.line(points, "line one"),
        chart.dots(points, "dot one"),
    )


def draw_shape(one: Document) -> str:
    """Draw what one feature adds to the log-odds."""
    points = list(zip(one["values"], one["log_odds"], strict=True))
    missing = [] if one["missing"] is None else [("absent", one["missing"])]
    heights = [y for _, y in (*points, *missing)]
    low, high = min(heights), max(heights)
    margin = (high - low) * 0.12 or 0.1
    y = Axis(low=low - margin, high=high + margin, title="log-odds added")
    chart = _small_chart([x for x, _ in points], y, f"What {one['feature']} adds to the log-odds")
    return chart.draw(*_draw_levels(chart, missing), chart.line(points, "line one"))


def _small_chart(values: Sequence[float], y: Axis, alternative: str) -> Chart:
    low, high = values[0], values[-1]
    x = Axis(low=low, high=high if high > low else low + 1, title="value")
    return Chart(x, y, alternative, SMALL_WIDTH, SMALL_HEIGHT)


def _draw_levels(chart: Chart, levels: Sequence[tuple[str, float]]) -> list[str]:
    """Draw a dotted line across the chart for each special code and for absent values."""
    ends = chart.x.low, chart.x.high
    lines = [
        chart.line([(x, height) for x in ends], f"code c{i % CODE_COLOURS}")
        for i, (_, height) in enumerate(levels)
    ]
    entries = [(f"code c{i % CODE_COLOURS}", name) for i, (name, _) in enumerate(levels)]
    return [*lines, chart.legend(entries, "bottom right")] if entries else []


def draw_field(name: str, bars: Sequence[Document]) -> str:
    """Draw a small histogram of a field."""
    rows, bads = [b["rows"] for b in bars], [b["bads"] for b in bars]
    return draw_spark(rows, bads, f"Distribution of {name}")
