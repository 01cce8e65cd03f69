import re

import numpy as np
import pytest

from training.plots import (
    MOST_BARS,
    plot_calibration_curve,
    plot_importances,
    plot_roc_curve,
    plot_score_distribution,
    render_svg,
)

RANDOM = np.random.default_rng(2)
PROBABILITIES = RANDOM.uniform(0.01, 0.6, 400)
LABELS = RANDOM.binomial(1, PROBABILITIES)
PLOTS = [
    lambda: plot_roc_curve(LABELS, PROBABILITIES, 0.75),
    lambda: plot_calibration_curve(LABELS, PROBABILITIES),
    lambda: plot_score_distribution(LABELS, 600 - 100 * PROBABILITIES),
    lambda: plot_importances({"debt": 0.5, "income": 0.25}),
]


@pytest.mark.parametrize("plot", PLOTS)
def test_a_plot_is_one_svg_element_and_always_has_the_same_bytes(plot) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    svg = plot()
    assert svg.startswith("<svg")
    assert svg.rstrip().endswith("</svg>")
    assert plot() == svg
    assert not re.search(r'(?:href|src)="(?!#)', svg)


def test_text_of_a_plot_can_be_searched() -> None:
    assert "AUC 0.7500" in plot_roc_curve(LABELS, PROBABILITIES, 0.75)


def test_what_is_drawn_is_what_is_returned() -> None:
    assert "a title of its own" in render_svg(lambda axes: axes.set_title("a title of its own"))  # type: ignore[arg-type]


def test_only_the_strongest_characteristics_have_a_bar() -> None:
    svg = plot_importances({f"field_{i:02}": 1.0 / (1 + i) for i in range(20)})
    names = re.findall(r"field_\d\d", re.sub(r"<!--.*?-->", "", svg))
    assert names == [f"field_{i:02}" for i in reversed(range(MOST_BARS))]


def test_rows_of_equal_probability_are_flagged_together() -> None:
    """Two values make three points: none flagged, the riskier half flagged, all flagged."""
    labels, two = np.array([0, 1, 1, 0]), np.array([0.2, 0.2, 0.7, 0.7])
    svg = plot_roc_curve(labels, two, 0.5)
    assert svg == plot_roc_curve(labels[[1, 0, 3, 2]], two, 0.5)
