import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calibration import BetaCalibration
from models.estimators.families import Additive
from models.scorer import Scorer, probabilities_from_log_odds
from tests.models.conftest import BASELINE, POLICY
from tests.support.toy import Toy, toy


def test_an_application_gets_a_probability_points_a_level_and_a_decision(
    logistic: Additive,
) -> None:
    scorer = Scorer.from_catalogue(Toy, logistic, BetaCalibration(), BASELINE, POLICY)
    [decision] = scorer.decide([toy(months_since_default=0)])
    # log-odds -1 - .5 + .1 - .2 + 2 * .2 = -1.2
    assert decision.probability_of_default == pytest.approx(0.2314752)
    assert decision.credit_score == pytest.approx(521.75, abs=0.01)
    assert (decision.decision, decision.risk_level) == ("refer", "medium")


def test_no_applications_give_no_decisions(logistic: Additive) -> None:
    assert (
        Scorer.from_catalogue(Toy, logistic, BetaCalibration(), BASELINE, POLICY).decide([]) == []
    )


def test_a_decision_is_made_on_the_calibrated_probability(logistic: Additive) -> None:
    application = toy(months_since_default=0)
    [decision] = Scorer.from_catalogue(
        Toy, logistic, BetaCalibration(c=-1.0), BASELINE, POLICY
    ).decide([application])
    # log-odds -1.2 - 1 = -2.2
    assert decision.probability_of_default == pytest.approx(0.0997505)
    assert decision.decision == "approve"


@given(st.floats(allow_nan=False))
def test_a_probability_stays_strictly_between_0_and_1(log_odds: float) -> None:
    [probability] = probabilities_from_log_odds(np.array([log_odds]))
    assert 0.0 < probability < 1.0


@given(st.floats(-15, 15), st.floats(-15, 15))
def test_more_log_odds_never_mean_a_lower_probability(first: float, second: float) -> None:
    low, high = probabilities_from_log_odds(np.array(sorted([first, second])))
    assert low <= high
