import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.estimators import Logistic
from models.scorer import Scorer, probability_from_log_odds
from tests.toy import Toy, toy


def test_an_application_gets_a_probability_points_a_level_and_a_decision(
    logistic: Logistic,
) -> None:
    [decision] = Scorer.of(Toy, logistic).score([toy(months_since_default=0)])
    # log-odds -1 - .5 + .1 - .2 + 2 * .2 = -1.2
    assert decision.probability_of_default == pytest.approx(0.2314752)
    assert decision.credit_score == pytest.approx(521.75, abs=0.01)
    assert (decision.decision, decision.risk_level) == ("refer", "medium")


def test_no_applications_give_no_decisions(logistic: Logistic) -> None:
    assert Scorer.of(Toy, logistic).score([]) == []


@given(st.floats(allow_nan=False))
def test_a_probability_stays_strictly_between_0_and_1(log_odds: float) -> None:
    assert 0.0 < probability_from_log_odds(log_odds) < 1.0


@given(st.floats(-15, 15), st.floats(-15, 15))
def test_more_log_odds_never_mean_a_lower_probability(first: float, second: float) -> None:
    low, high = sorted([first, second])
    assert probability_from_log_odds(low) <= probability_from_log_odds(high)
