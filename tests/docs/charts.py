"""`make charts`: load and cost as pictures, from docs/figures and infra/local/prices.toml."""

import io
import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from infra.local.cost import (
    BATCH_ROWS,
    BENCH_FIGURES,
    LOAD_FIGURES,
    PRICES,
    VOLUMES,
    Load,
    batch_load,
    figures_from_documents,
    month_costs,
    single_load,
)
from tests.support.running import REPOSITORY

PICTURES = REPOSITORY / "docs" / "pictures"
# The same figures give the same bytes. Text stays text, and the ground is white in dark themes too.
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "surety",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 11,
    "axes.spines.top": False,
    "axes.grid": True,
    "grid.color": "#e2e8f0",
    "axes.axisbelow": True,
}
BLUE, RED, GREEN = "#1f5fa8", "#b3402a", "#047857"
LEAST_DOLLARS = 0.01


def main() -> None:
    """Write every chart."""
    for name, render in CHARTS.items():
        (PICTURES / name).write_text(render())
        print(f"docs/pictures/{name}")


def load_chart() -> str:
    """Requests a second and p99 of single scores, by number of clients."""
    steps = json.loads(LOAD_FIGURES.read_text())["steps"]
    single = [step for step in steps if step["rows"] == 1]
    clients = [step["clients"] for step in single]

    def draw(axes: Axes) -> None:
        rates = [step["requests_per_second"] for step in single]
        [rate] = axes.plot(clients, rates, color=BLUE, marker="o")
        axes.set_ylim(0, 1.15 * max(rates))
        axes.set_ylabel("scores a second", color=BLUE)
        axes.yaxis.set_major_formatter("{x:,.0f}")
        axes.set_xlabel("clients at once")
        axes.set_xscale("log", base=2)
        axes.set_xticks(clients, [str(n) for n in clients])
        latency_axes = axes.twinx()
        latency_axes.grid(visible=False)
        latencies = [step["p99_ms"] for step in single]
        [latency] = latency_axes.plot(clients, latencies, color=RED, marker="s", linestyle="--")
        latency_axes.set_ylim(0, 1.15 * max(latencies))
        latency_axes.set_ylabel("p99, ms", color=RED)
        axes.legend([rate, latency], ["scores a second", "p99 latency"], loc="lower right")

    return render_svg(draw)


def cost_chart() -> str:
    """Dollars a month by scores a month, one score and a thousand scores a request."""
    prices = tomllib.loads(PRICES.read_text())
    measured = figures_from_documents(BENCH_FIGURES.read_text(), LOAD_FIGURES.read_text())
    series: Mapping[str, Sequence[Load]] = {
        "one score a request": [single_load(n, measured) for n in VOLUMES],
        f"{BATCH_ROWS:,} scores a request": [batch_load(n, measured) for n in VOLUMES],
    }

    def draw(axes: Axes) -> None:
        for (label, loads), color, marker in zip(series.items(), (BLUE, GREEN), "os", strict=True):
            dollars = [max(sum(month_costs(load, prices)), LEAST_DOLLARS) for load in loads]
            axes.plot(VOLUMES, dollars, color=color, marker=marker, label=label)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("scores a month")
        axes.set_ylabel("dollars a month (at least 0.01)")
        axes.set_xticks(
            VOLUMES, ["1,000", "10,000", "100,000", "1 m", "10 m", "100 m", "1 bn", "10 bn"]
        )
        dollars = [0.01, 0.1, 1, 10, 100, 1_000, 10_000]
        axes.set_yticks(dollars, [f"{amount:,}" for amount in dollars])
        axes.minorticks_off()
        axes.legend(loc="upper left")

    return render_svg(draw)


def render_svg(draw: Callable[[Axes], None]) -> str:
    """Call `draw` with new axes and return what it drew as SVG."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 3.8), layout="constrained")
        draw(figure.subplots())
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    lines = buffer.getvalue().splitlines()
    return "\n".join(line.rstrip() for line in lines) + "\n"


CHARTS: Mapping[str, Callable[[], str]] = {"load.svg": load_chart, "cost.svg": cost_chart}

if __name__ == "__main__":
    main()
