import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calibration import BetaCalibration
from models.estimators.families import Additive, Contributions, Trees
from models.points import points_from_contributions
from models.score_scale import LinearScale, PointsToDoubleOdds, Scale
from models.scorer import Scorer
from tests.models.conftest import BASELINE, POLICY
from tests.support.toy import Toy

SCALES: tuple[Scale, ...] = (PointsToDoubleOdds(), LinearScale(lowest=300, highest=850))


@pytest.fixture(params=["logistic", "trees"])
def estimator(request: pytest.FixtureRequest) -> Additive | Trees:
    contributions: Additive | Trees = request.getfixturevalue(request.param)
    return contributions


@pytest.mark.parametrize("scale", SCALES, ids=lambda scale: scale.kind)
def test_points_of_a_row_sum_to_its_score_less_the_bases(
    estimator: Additive | Trees, scale: Scale
) -> None:
    calibration = BetaCalibration(a=0.8, b=1.3, c=0.2)
    scorer = Scorer(Toy, estimator, calibration, BASELINE, scale, POLICY)
    random = np.random.default_rng(4)
    matrix = random.normal(size=(500, 8))
    matrix[random.random(matrix.shape) < 0.2] = np.nan
    contributions = estimator.contributions(matrix, random.normal(size=(1, 8)))
    points = points_from_contributions(contributions, scorer.points_from_log_odds)
    ends = contributions.expected_value + contributions.values.sum(axis=1)
    expected = scorer.points_from_log_odds(ends) - scorer.points_from_log_odds(
        np.array([contributions.expected_value])
    )
    np.testing.assert_allclose(points.sum(axis=1), expected, rtol=0, atol=1e-9)
    # What raises the log-odds takes points away, and the more the more.
    assert ((points < 0) == (contributions.values > 0))[points != 0].all()


def test_on_a_log_odds_scale_without_calibration_points_are_factor_times_log_odds(
    logistic: Additive,
) -> None:
    scorer = Scorer.from_catalogue(Toy, logistic, BetaCalibration(), BASELINE, POLICY)
    contributions = Contributions(-2.0, np.array([[np.log(2.0), -np.log(4.0)]]))
    assert points_from_contributions(contributions, scorer.points_from_log_odds).tolist() == [
        pytest.approx([-20.0, 40.0])
    ]


@given(st.floats(-1e-5, 1e-5))
def test_next_to_the_base_points_stay_finite_and_exact(total: float) -> None:
    contributions = Contributions(-1.0, np.array([[3.0 + total, -3.0]]))

    def scores(log_odds: np.ndarray) -> np.ndarray:
        return np.asarray(600 - 100 * np.tanh(log_odds))

    points = points_from_contributions(contributions, scores)
    expected = scores(np.array([-1.0 + total])) - scores(np.array([-1.0]))
    assert points.sum() == pytest.approx(float(expected[0]), abs=1e-6)
    assert abs(points).max() < 200
