"""Plots of a model report, as self-contained SVG."""

import io
from collections.abc import Callable, Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from models.metrics import Labels, Probabilities

# The same data gives the same bytes. Text stays text, so that it can be read and searched.
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "surety",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
BLUE, RED, GREY = "#1f5fa8", "#b3402a", "#8a8f98"
HEIGHT_INCHES = 3.4
RELIABILITY_BINS = 10
SCORE_BINS = 40
MOST_BARS = 12


def render_svg(draw: Callable[[Axes], None], height: float = HEIGHT_INCHES) -> str:
    """Call `draw` with new axes and return what it drew as SVG."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5.2, height), layout="constrained")
        draw(figure.subplots())
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def plot_roc_curve(labels: Labels, probabilities: Probabilities, auc: float) -> str:
    """Plot the share of defaults flagged against the share of good rows flagged."""
    # Rows of equal probability are flagged together.
    _, ties = np.unique(-probabilities, return_inverse=True)
    bads = np.concatenate([[0], np.cumsum(np.bincount(ties, weights=labels)) / labels.sum()])
    counts = np.bincount(ties, weights=1 - labels)
    goods = np.concatenate([[0], np.cumsum(counts) / counts.sum()])

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--", label="chance")
        axes.plot(goods, bads, color=BLUE, linewidth=1.8, label=f"AUC {auc:.4f}")
        axes.set_xlabel("share of good applications flagged")
        axes.set_ylabel("share of defaults flagged")
        axes.legend(frameon=False, loc="lower right")

    return render_svg(draw)


def plot_calibration_curve(labels: Labels, probabilities: Probabilities) -> str:
    """Plot the default rate against the mean probability in ten bins of equal mass.

    Error bars are two standard errors.
    """
    _, ties = np.unique(probabilities, return_inverse=True)
    shared = (np.bincount(ties, weights=labels) / np.bincount(ties))[ties]
    bins = np.array_split(np.argsort(probabilities, kind="stable"), RELIABILITY_BINS)
    predicted = np.array([probabilities[rows].mean() for rows in bins])
    observed = np.array([shared[rows].mean() for rows in bins])
    pairs = zip(predicted, bins, strict=True)
    errors = [2 * (p * (1 - p) / len(rows)) ** 0.5 for p, rows in pairs]
    top = float(max(predicted.max(), observed.max())) * 1.1

    def draw(axes: Axes) -> None:
        axes.plot([0, top], [0, top], color=GREY, linewidth=1, linestyle="--", label="perfect")
        axes.errorbar(
            predicted,
            observed,
            yerr=errors,
            color=BLUE,
            marker="o",
            capsize=3,
            label="tenths of the rows",
        )
        axes.set_xlabel("mean probability of default")
        axes.set_ylabel("observed default rate")
        axes.legend(frameon=False, loc="upper left")

    return render_svg(draw)


def plot_score_distribution(labels: Labels, scores: Probabilities) -> str:
    """Plot the distributions of scores of defaults and of good rows."""
    edges = np.linspace(scores.min(), scores.max() + 1e-9, SCORE_BINS + 1).tolist()

    def draw(axes: Axes) -> None:
        for label, color, name in ((0, BLUE, "good"), (1, RED, "default")):
            axes.hist(scores[labels == label], edges, color=color, alpha=0.6, label=name)
        axes.set_xlabel("credit score, more is safer")
        axes.set_ylabel("applications")
        axes.legend(frameon=False)

    return render_svg(draw)


def plot_importances(importances: Mapping[str, float]) -> str:
    """Plot the mean absolute contribution of the strongest characteristics."""
    bars = list(importances.items())[:MOST_BARS][::-1]

    def draw(axes: Axes) -> None:
        axes.barh([name for name, _ in bars], [value for _, value in bars], color=BLUE)
        axes.set_xlabel("mean absolute contribution, log-odds")

    return render_svg(draw, height=0.9 + 0.26 * len(bars))
