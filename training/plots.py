"""Pictures of a report, as SVG text without anything from outside."""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from models.metrics import Labels, Probabilities

# The same data gives the same bytes; text stays text, so that it can be read and searched.
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "surety",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
BLUE, RED, GREY = "#1f5fa8", "#b3402a", "#8a8f98"
RELIABILITY_BINS = 10
SCORE_BINS = 40
MOST_BARS = 12


@contextmanager
def _drawing(svg: list[str], height: float = 3.4) -> Iterator[Axes]:
    """Yield axes; what was drawn on them is appended as SVG."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5.2, height), layout="constrained")
        axes = figure.subplots()
        yield axes
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    svg.append(text[text.index("<svg") :])


def roc_curve(labels: Labels, probabilities: Probabilities, auc: float) -> str:
    """Share of defaults found against share of others flagged, over all cut-offs."""
    # Rows of equal probability are flagged together.
    _, ties = np.unique(-probabilities, return_inverse=True)
    found = np.concatenate([[0], np.cumsum(np.bincount(ties, weights=labels)) / labels.sum()])
    others = np.bincount(ties, weights=1 - labels)
    flagged = np.concatenate([[0], np.cumsum(others) / others.sum()])
    svg: list[str] = []
    with _drawing(svg) as axes:
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--", label="chance")
        axes.plot(flagged, found, color=BLUE, linewidth=1.8, label=f"AUC {auc:.4f}")
        axes.set_xlabel("share of good applications flagged")
        axes.set_ylabel("share of defaults found")
        axes.legend(frameon=False, loc="lower right")
    return svg[0]


def calibration_curve(labels: Labels, probabilities: Probabilities) -> str:
    """Observed default rate against mean probability in ten bins of equal mass, with two errors."""
    _, ties = np.unique(probabilities, return_inverse=True)
    shared = (np.bincount(ties, weights=labels) / np.bincount(ties))[ties]
    bins = np.array_split(np.argsort(probabilities, kind="stable"), RELIABILITY_BINS)
    said = np.array([probabilities[rows].mean() for rows in bins])
    seen = np.array([shared[rows].mean() for rows in bins])
    errors = [2 * (s * (1 - s) / len(rows)) ** 0.5 for s, rows in zip(said, bins, strict=True)]
    top = float(max(said.max(), seen.max())) * 1.1
    svg: list[str] = []
    with _drawing(svg) as axes:
        axes.plot([0, top], [0, top], color=GREY, linewidth=1, linestyle="--", label="perfect")
        axes.errorbar(
            said, seen, yerr=errors, color=BLUE, marker="o", capsize=3, label="tenths of the rows"
        )
        axes.set_xlabel("mean probability of default")
        axes.set_ylabel("observed default rate")
        axes.legend(frameon=False, loc="upper left")
    return svg[0]


def score_distribution(labels: Labels, scores: Probabilities) -> str:
    """Scores of those who defaulted and of those who did not."""
    edges = np.linspace(scores.min(), scores.max() + 1e-9, SCORE_BINS + 1).tolist()
    svg: list[str] = []
    with _drawing(svg) as axes:
        for label, color, name in ((0, BLUE, "good"), (1, RED, "default")):
            axes.hist(scores[labels == label], edges, color=color, alpha=0.6, label=name)
        axes.set_xlabel("credit score, more is safer")
        axes.set_ylabel("applications")
        axes.legend(frameon=False)
    return svg[0]


def importance_bars(importances: Mapping[str, float]) -> str:
    """Mean absolute contribution of the strongest characteristics."""
    shown = list(importances.items())[:MOST_BARS][::-1]
    svg: list[str] = []
    with _drawing(svg, height=0.9 + 0.26 * len(shown)) as axes:
        axes.barh([name for name, _ in shown], [value for _, value in shown], color=BLUE)
        axes.set_xlabel("mean absolute contribution, log-odds")
    return svg[0]
