import copy
import re

from tests.training.reporting.conftest import Report
from training.reporting.charts import (
    MOST_BARS,
    draw_calibration,
    draw_charts,
    draw_cost,
    draw_dependence,
    draw_importances,
    draw_roc,
    draw_scores,
    draw_shape,
)


def test_every_chart_is_drawn_from_the_document_and_has_the_same_bytes(report: Report) -> None:
    charts = draw_charts(report.document)
    assert charts == draw_charts(copy.deepcopy(report.document))
    single = ("roc", "gains", "ks", "calibration", "calibration_log", "scores", "approval")
    assert all(charts[name].startswith("<svg") for name in single)
    explained = report.document["explanations"]["partial_dependence"]
    assert len(charts["dependence"]) == len(explained)
    assert set(charts["fields"]) == {f["name"] for f in report.document["data"]["fields"]}
    assert all(svg in report.page for svg in charts["dependence"])


def test_only_the_strongest_fields_have_a_bar() -> None:
    importances = [{"field": f"field_{i:02}", "contribution": 1 / (1 + i)} for i in range(20)]
    names = re.findall(r"field_\d\d", draw_importances(importances))
    assert names == [f"field_{i:02}" for i in range(MOST_BARS)]


def test_a_roc_curve_passes_through_its_points() -> None:
    svg = draw_roc({"goods": [0, 0, 1], "bads": [0, 1, 1]})
    [points] = re.findall(r'class="line one" points="([^"]+)"', svg)
    corners = [tuple(map(float, pair.split(","))) for pair in points.split()]
    assert corners[0][0] == corners[1][0] < corners[2][0]
    assert corners[1][1] == corners[2][1] < corners[0][1]


def test_a_bin_without_defaults_has_no_dot_on_a_log_scale() -> None:
    bins = [
        {"mean_probability": p, "default_rate": rate, "low": 0.0, "high": 2 * p}
        for p, rate in ((0.01, 0.0), (0.1, 0.12), (0.3, 0.29))
    ]
    dot = '<circle class="dot one"'
    key = 1
    assert draw_calibration(bins, is_log=False).count(dot) == 3 + key
    assert draw_calibration(bins, is_log=True).count(dot) == 2 + key


def test_a_log_axis_is_never_so_long_that_it_shows_nothing_else() -> None:
    bins = [
        {"mean_probability": p, "default_rate": p, "low": p / 2, "high": 2 * p}
        for p in (1e-7, 0.1, 0.4)
    ]
    svg = draw_calibration(bins, is_log=True)
    assert svg.count('<line class="range"') == 2 + 1  # and one in the legend
    assert "0.001 %" not in svg


def test_a_policy_without_costs_has_no_cost_curve() -> None:
    line = {"approval_rate": 0.5, "cost": None, "name": "approve below"}
    assert draw_cost([line]) is None
    assert "mean cost" in str(draw_cost([line | {"cost": 0.4}]))


def test_a_cutoff_outside_the_scores_is_not_drawn() -> None:
    histogram = {"edges": [500, 550, 600], "goods": [1, 3], "bads": [2, 0]}
    marks = [
        {"name": "approve below", "credit_score": 560, "is_drawn": True},
        {"name": "decline from", "credit_score": 700, "is_drawn": False},
    ]
    svg = draw_scores(histogram, marks)
    assert "approve below" in svg
    assert "decline from" not in svg


def test_a_field_of_special_codes_alone_is_drawn_as_bars() -> None:
    one = {"field": "f", "sign": 0, "is_number": True, "values": [], "probabilities": []}
    svg = draw_dependence(one | {"special": {"code -1": 0.2, "absent": 0.1}})
    assert svg.count("<rect") == 2


def test_a_shape_shows_what_an_absent_value_adds() -> None:
    one = {"feature": "f", "values": [1, 2], "log_odds": [-0.5, 0.5], "missing": 0.3}
    assert "absent" in draw_shape(one)
    assert "absent" not in draw_shape(one | {"missing": None, "values": [1, 1]})
