import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import DeclarationError, ProbabilityError
from models.scorecard import PointsToDoubleOdds, score_from_probability


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


@pytest.mark.parametrize("values", [{"pdo": 0.0}, {"base_odds": -1.0}])
def test_a_scale_on_which_points_would_not_mean_safety_is_refused(
    values: dict[str, float],
) -> None:
    with pytest.raises(DeclarationError, match="pdo > 0"):
        PointsToDoubleOdds(**values)
