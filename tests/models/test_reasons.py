from typing import Annotated, ClassVar

import pytest

from models.annotations import Reason, Risk
from models.calibration import BetaCalibration
from models.contract import CreditModel
from models.estimators.families import Additive
from models.estimators.formula import Formula, Term, Value
from models.policy import Cutoffs
from models.reasons import MOST_REASONS, AdverseReason
from models.score_scale import PointsToDoubleOdds
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


class Twins(CreditModel):
    """Two fields whose reasons have one sentence."""

    label: ClassVar = "is_default"
    label_definition: ClassVar = "made up"
    horizon: ClassVar = "12 months"
    scale: ClassVar = PointsToDoubleOdds()
    policy: ClassVar = Cutoffs(approve_below=0.2, decline_from=0.4)

    cards: Annotated[float, Risk(+1), Reason("A1", "Debt is too high")]
    loans: Annotated[float, Risk(+1), Reason("A2", "Debt is too high")]


def test_equal_sentences_are_one_reason_with_the_stronger_code() -> None:
    terms = tuple(
        Term(weight=weight, shapes=(Value(feature=name, missing=0.0),))
        for name, weight in (("cards", 1.0), ("loans", 2.0))
    )
    estimator = Additive(
        "logistic", Formula(features=("cards", "loans"), intercept=0.0, terms=terms)
    )
    baseline = {"cards": 0.0, "loans": 0.0}
    scorer = Scorer.from_catalogue(Twins, estimator, BetaCalibration(), baseline, Twins.policy)
    [decision] = scorer.decide([Twins(cards=1.0, loans=1.0)], with_reasons=True)
    assert [(r.code, r.text) for r in decision.reasons or ()] == [("A2", "Debt is too high")]
