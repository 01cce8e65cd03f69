import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import DeclarationError, ProbabilityError
from models.score_scale import (
    Bands,
    LinearScale,
    PointsToDoubleOdds,
    probability_from_score,
    rating_from_score,
    score_from_probability,
)


@pytest.mark.parametrize(("odds", "score"), [(25, 580), (50, 600), (100, 620), (200, 640)])
def test_doubling_the_odds_adds_exactly_pdo_points(odds: float, score: float) -> None:
    assert score_from_probability(1 / (1 + odds), PointsToDoubleOdds()) == pytest.approx(score)


@given(st.floats(0.001, 0.999), st.floats(0.001, 0.999))
def test_more_points_never_mean_more_risk(first: float, second: float) -> None:
    safer, riskier = sorted([first, second])
    scale = PointsToDoubleOdds()
    assert score_from_probability(safer, scale) >= score_from_probability(riskier, scale)


@pytest.mark.parametrize("probability", [0.0, 1.0, -0.1, float("nan")])
def test_what_is_no_probability_has_no_score(probability: float) -> None:
    with pytest.raises(ProbabilityError, match="strictly between 0 and 1"):
        score_from_probability(probability, PointsToDoubleOdds())


@pytest.mark.parametrize(
    ("probability", "score"), [(0.25, 750.0), (0.5, 600.0), (0.75, 450.0), (0.9, 360.0)]
)
def test_a_linear_scale_is_a_straight_line(probability: float, score: float) -> None:
    scale = LinearScale(lowest=300, highest=900)
    assert score_from_probability(probability, scale) == pytest.approx(score)


@settings(deadline=None)  # near the ends of the scale the search takes many steps
@given(st.floats(300.001, 899.999))
def test_a_cutoff_from_a_score_is_the_lowest_probability_below_that_score(score: float) -> None:
    scale = LinearScale(lowest=300, highest=900)
    cutoff = probability_from_score(score, scale)
    assert score_from_probability(cutoff, scale) < score
    assert score_from_probability(math.nextafter(cutoff, 0), scale) >= score


def test_a_scale_on_which_points_would_not_mean_safety_is_refused() -> None:
    with pytest.raises(DeclarationError, match="pdo > 0"):
        PointsToDoubleOdds(pdo=0.0)
    with pytest.raises(DeclarationError, match="base_odds > 0"):
        PointsToDoubleOdds(base_odds=-1.0)
    with pytest.raises(DeclarationError, match="lowest < highest"):
        LinearScale(lowest=900, highest=300)
    with pytest.raises(DeclarationError, match="finite"):
        PointsToDoubleOdds(pdo=float("nan"))
    with pytest.raises(DeclarationError, match="finite"):
        LinearScale(lowest=0, highest=float("inf"))


BANDS = Bands("Poor", ((500, "Average"), (650, "Good"), (750, "Excellent")))


@pytest.mark.parametrize(
    ("score", "rating"),
    [
        (-1e9, "Poor"),
        (300.0, "Poor"),
        (499.6, "Poor"),  # rounds to 500, which is Average: bands are on the unrounded score
        (500.0, "Average"),
        (649.999, "Average"),
        (650.0, "Good"),
        (750.0, "Excellent"),
        (1e9, "Excellent"),
    ],
)
def test_bands_are_half_open_and_leave_no_gap(score: float, rating: str) -> None:
    assert rating_from_score(score, BANDS) == rating


@pytest.mark.parametrize(
    "rising", [((650, "Good"), (500, "Fair")), ((500, "A"), (500, "B")), ((float("nan"), "A"),)]
)
def test_bands_out_of_order_are_refused(rising: tuple[tuple[float, str], ...]) -> None:
    with pytest.raises(DeclarationError, match="bands must rise"):
        Bands("Poor", rising)
