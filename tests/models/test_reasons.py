import pytest

from models.calibration import BetaCalibration
from models.estimators.families import Additive
from models.reasons import MOST_REASONS, AdverseReason
from models.scorer import Scorer
from tests.models.conftest import BASELINE, POLICY
from tests.support.toy import Toy, toy


@pytest.fixture
def scorer(logistic: Additive) -> Scorer:
    return Scorer.from_catalogue(Toy, logistic, BetaCalibration(), BASELINE, POLICY)


def reasons(scorer: Scorer, **fields: object) -> tuple[AdverseReason, ...]:
    [decision] = scorer.decide([toy(**fields)], with_reasons=True)
    assert decision.reasons is not None
    return decision.reasons


def test_what_counts_against_an_application_is_said_strongest_first(scorer: Scorer) -> None:
    given_reasons = reasons(
        scorer, income=20_000.0, debt=30_000.0, home="rent", months_since_default=6
    )
    assert [(r.code, r.text) for r in given_reasons] == [
        ("T2", "Debt is 150% of income"),
        ("T4", "The last default was 6 months ago"),
        ("T1", "Income is 20000"),
        ("T3", "Housing situation"),
    ]
    # Debt: 25,000 at 1e-5 and 1.5 - 5 / 60 at 2; then 42 months at .01, 40,000 at 1e-5, .2 + .2.
    assert [r.log_odds for r in given_reasons] == pytest.approx([3.0833, 0.42, 0.4, 0.4], abs=1e-3)


def test_what_is_as_good_as_the_reference_is_no_reason(scorer: Scorer) -> None:
    assert reasons(scorer, **BASELINE) == ()
    assert reasons(scorer, income=90_000.0, debt=0.0, months_since_default=90) == ()


def test_an_absent_value_has_a_sentence_of_its_own(scorer: Scorer) -> None:
    given_reasons = reasons(scorer, months_since_default=None, debt=0.0, income=60_000.0)
    assert [r.text for r in given_reasons] == ["It is not known when the last default was"]


def test_a_special_value_that_helps_is_no_reason(scorer: Scorer) -> None:
    given_reasons = reasons(scorer, months_since_default=-7, debt=0.0, income=60_000.0)
    assert [r.code for r in given_reasons] == []


def test_no_reason_is_ever_about_a_protected_field(scorer: Scorer) -> None:
    assert reasons(scorer, age=18) == reasons(scorer, age=99)


def test_an_approval_has_no_reasons_unless_they_are_asked_for(scorer: Scorer) -> None:
    application = toy(**BASELINE)
    assert scorer.decide([application])[0].decision == "approve"
    assert scorer.decide([application])[0].reasons is None
    assert scorer.decide([application], with_reasons=True)[0].reasons == ()


def test_there_are_never_more_than_four(scorer: Scorer) -> None:
    worst = toy(income=1.0, debt=1e6, home="rent", months_since_default=0)
    [decision] = scorer.decide([worst])
    assert decision.reasons is not None
    assert len(decision.reasons) == MOST_REASONS
