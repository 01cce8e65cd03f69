import re

import pytest

from training.reporting.svg import Axis, Chart, draw_bars, draw_spark, per_cent, plain

UNIT = Axis(low=0, high=1, title="share", label=per_cent)
CHART = Chart(UNIT, Axis(low=0, high=10, title="rows < 10"), "a chart")


def test_ticks_are_round_numbers_between_the_ends() -> None:
    assert UNIT.ticks() == [0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert Axis(low=-0.07, high=0.12, title="").ticks() == [-0.05, 0, 0.05, 0.1]
    assert Axis(low=430, high=644, title="").ticks() == [450, 500, 550, 600]
    assert Axis(low=3, high=3, title="").ticks() == [3]


def test_ticks_of_a_log_axis_are_decades_and_few_decades_have_more() -> None:
    assert Axis(low=0.001, high=1, title="", is_log=True).ticks() == [0.001, 0.01, 0.1, 1]
    assert Axis(low=0.02, high=0.5, title="", is_log=True).ticks() == [0.02, 0.05, 0.1, 0.2, 0.5]


def test_a_log_axis_divides_ratios_evenly_and_stops_at_its_low_end() -> None:
    axis = Axis(low=0.01, high=1, title="", is_log=True)
    assert axis.share(0.1) == pytest.approx(0.5)
    assert axis.share(0) == 0


def test_an_axis_of_one_value_places_it_in_the_middle() -> None:
    assert Axis(low=2, high=2, title="").share(2) == 0.5


def test_points_rise_up_the_picture() -> None:
    (left, low), (right, high) = CHART.at(0, 0), CHART.at(1, 10)
    assert left < right
    assert low > high


def test_a_chart_is_one_picture_whose_colours_are_classes_and_whose_text_is_escaped() -> None:
    svg = CHART.draw(
        CHART.line([(0, 0), (1, 10)], "line one"),
        CHART.dots([(0.5, 5)], "dot two"),
        CHART.ranges([(0.5, 4, 6)], "range"),
        CHART.columns([0, 0.5, 1], [3, 0], "area one"),
        CHART.mark(0.9, "approve below", 1),
        CHART.legend([("line one", "model"), ("dot two", "policy")], "bottom right"),
    )
    assert svg.startswith("<svg")
    assert svg.count("<svg") == svg.count("</svg>") == 1
    assert "rows &lt; 10" in svg
    assert not re.search(r'style=|#[0-9a-f]{3}|href|fill="', svg)
    assert svg.count("<rect") == 1  # an empty column is not drawn
    assert 'aria-label="a chart"' in svg


def test_bars_are_as_long_as_their_values_and_start_after_the_longest_name() -> None:
    svg = draw_bars([("long_name", 2.0), ("b", 1.0), ("none", 0.0)], "mean", "bars")
    widths = [float(width) for width in re.findall(r'width="([\d.]+)"', svg)]
    assert widths[0] == pytest.approx(2 * widths[1])
    assert widths[2] == 0.5
    assert draw_bars([], "mean", "bars").startswith("<svg")


def test_a_small_histogram_shows_bads_within_rows() -> None:
    svg = draw_spark([4, 8], [0, 4], "spark")
    assert svg.count('class="bar"') == 2
    assert svg.count('class="bad"') == 1


def test_numbers_are_written_shortly() -> None:
    assert [plain(x) for x in (12_000.0, 0.25, 640.0)] == ["12,000", "0.25", "640"]
    assert per_cent(0.125) == "12.5 %"
