"""The page of a monitored day, in the order of a bank's monthly pack."""

from collections.abc import Mapping, Sequence
from typing import Any

from training.reporting.page import build_environment
from training.reporting.svg import SMALL_HEIGHT, SMALL_WIDTH, Axis, Chart, per_cent, plain

Document = Mapping[str, Any]

TRENDS = (
    ("psi", "PSI of the probability", plain),
    ("worst_characteristic_psi", "highest PSI of a characteristic", plain),
    ("approved", "share approved", per_cent),
    ("mean_probability", "mean probability of default", per_cent),
    ("auc", "AUC of known outcomes", plain),
    ("default_rate", "default rate of known outcomes", per_cent),
    ("precision", "defaults among applications not approved", per_cent),
    ("recall", "share of defaults that were not approved", per_cent),
)
LEAST_POINTS = 2  # of a line
MOST_REASONS = 15


def render_day(document: Document) -> str:
    """Render the page of a day from its document alone."""
    page: str = (
        build_environment()
        .get_template("monitoring.html")
        .render(
            document,
            fired=[signal for signal in document["signals"] if signal["state"] == "fired"],
            trends=_draw_trends(document["history"]),
            bands=_draw_bands(document["realised"]),
            population=_draw_population(document["drift"]),
            most_reasons=MOST_REASONS,
        )
    )
    return page


def _draw_trends(trend: Sequence[Document]) -> list[tuple[str, str]]:
    """Draw each figure that at least two days have."""
    drawn = []
    for name, title, label in TRENDS:
        # A day from before a figure was measured does not have it.
        points = [(i, day[name]) for i, day in enumerate(trend) if day.get(name) is not None]
        if len(points) < LEAST_POINTS:
            continue
        values = [value for _, value in points]
        chart = Chart(
            Axis(
                low=points[0][0],
                high=points[-1][0],
                title="monitored day",
                label=lambda i: str(trend[int(i)]["day"])[5:] if i == int(i) else "",
            ),
            Axis(low=min(0.0, *values), high=max(values) * 1.1 or 1.0, title=title, label=label),
            f"{title} from {trend[points[0][0]]['day']} to {trend[points[-1][0]]['day']}",
            SMALL_WIDTH,
            SMALL_HEIGHT,
        )
        drawn.append(
            (title, chart.draw(chart.line(points, "line one"), chart.dots(points, "dot one")))
        )
    return drawn


def _draw_bands(realised: Document | None) -> str | None:
    """Draw expected and observed default rates by band of probability."""
    if realised is None:
        return None
    bands = realised["bands"]
    expected = [(i, band["expected"]) for i, band in enumerate(bands, 1)]
    observed = [(i, band["observed"]) for i, band in enumerate(bands, 1)]
    chart = Chart(
        Axis(low=1, high=max(len(bands), 2), title="band of probability", label=_band_label),
        Axis(
            low=0,
            high=max(rate for _, rate in (*expected, *observed)) * 1.1,
            title="default rate",
            label=per_cent,
        ),
        "Expected and observed default rates by band",
    )
    legend = chart.legend([("line one", "expected"), ("dot two", "observed")], "top left")
    return chart.draw(chart.line(expected, "line one"), chart.dots(observed, "dot two"), legend)


def _draw_population(drift: Document | None) -> str | None:
    """Draw the shares of both sides by band of probability."""
    if drift is None:
        return None
    shift = drift["probability"]
    pairs = list(zip(shift["expected"], shift["actual"], strict=True))
    edges = [i + 0.5 for i in range(len(pairs) + 1)]
    chart = Chart(
        Axis(low=0.5, high=len(pairs) + 0.5, title="band of probability", label=_band_label),
        Axis(low=0, high=max(map(max, pairs)) * 1.1, title="share of rows", label=per_cent),
        "Shares of applicants by band of probability, reference and window",
    )
    reference = [(i + 1, expected) for i, (expected, _) in enumerate(pairs)]
    bars = chart.columns(edges, [actual for _, actual in pairs], "bar")
    return chart.draw(bars, chart.dots(reference, "dot two"))


def _band_label(index: float) -> str:
    return str(round(index)) if float(index).is_integer() else ""
