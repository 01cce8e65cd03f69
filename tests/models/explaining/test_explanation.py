from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.contract import characteristics
from models.estimators.families import Additive, Trees
from models.explaining.explanation import explain_applications, waterfall
from models.scorer import Scorer
from tests.models.conftest import BASELINE, CALIBRATION, POLICY
from tests.support.toy import Toy, toy

TOYS = st.builds(
    toy,
    income=st.floats(1, 1e6),
    debt=st.floats(0, 1e6),
    home=st.sampled_from(["own", "rent"]),
    months_since_default=st.sampled_from([None, -7, 3, 48]),
)


@pytest.fixture(scope="session", params=["formula", "trees"])
def scorer(request: pytest.FixtureRequest, logistic: Additive, trees: Trees) -> Scorer:
    estimator = logistic if request.param == "formula" else trees
    return Scorer.from_catalogue(Toy, estimator, CALIBRATION, BASELINE, POLICY)


@settings(deadline=None)  # the machine may be busy
@given(application=TOYS)
def test_base_and_contributions_make_the_total_exactly(scorer: Scorer, application: Toy) -> None:
    [explanation] = explain_applications(scorer, [application])
    [decision] = scorer.decide([application])
    assert explanation.total.credit_score == decision.credit_score
    log_odds = explanation.base.log_odds + sum(c.log_odds for c in explanation.contributions)
    points = explanation.base.credit_score + sum(c.points for c in explanation.contributions)
    assert log_odds == pytest.approx(explanation.total.log_odds, abs=1e-9)
    assert points == pytest.approx(explanation.total.credit_score, abs=1e-6)


def test_every_scored_characteristic_contributes_and_no_protected_one(scorer: Scorer) -> None:
    [explanation] = explain_applications(scorer, [toy()])
    scored = {c.name for c in characteristics(Toy) if not c.protected}
    assert {c.characteristic for c in explanation.contributions} == scored
    sizes = [abs(c.log_odds) for c in explanation.contributions]
    assert sizes == sorted(sizes, reverse=True)


def test_the_reference_itself_has_no_contributions_to_a_formula(logistic: Additive) -> None:
    scorer = Scorer.from_catalogue(Toy, logistic, CALIBRATION, BASELINE, POLICY)
    [explanation] = explain_applications(scorer, [toy(**BASELINE)])
    assert explanation.base_of == "reference"
    assert explanation.base == explanation.total
    assert not any(c.log_odds or c.points for c in explanation.contributions)
    assert all(c.value == c.reference for c in explanation.contributions)


def test_trees_count_from_their_mean(trees: Trees) -> None:
    scorer = Scorer.from_catalogue(Toy, trees, CALIBRATION, BASELINE, POLICY)
    [explanation] = explain_applications(scorer, [toy()])
    assert explanation.base_of == "training_mean"


def test_values_are_told_as_an_application_says_them(scorer: Scorer) -> None:
    [explanation] = explain_applications(scorer, [toy(home="rent", months_since_default=None)])
    values = {c.characteristic: (c.value, c.reference) for c in explanation.contributions}
    assert values["home"] == ("rent", "own")
    assert values["months_since_default"] == (None, 48)
    assert values["debt_to_income"] == (0.2, 5_000 / 60_000)


def test_a_row_is_explained_the_same_alone_and_in_a_batch(scorer: Scorer) -> None:
    rows = [toy(income=10_000.0 + 500 * i, debt=100.0 * i) for i in range(40)]
    assert [explain_applications(scorer, [row])[0] for row in rows] == explain_applications(
        scorer, rows
    )


@pytest.mark.parametrize("most", [1, 3, 9])
def test_a_waterfall_leads_from_the_base_to_the_total(scorer: Scorer, most: int) -> None:
    [explanation] = explain_applications(scorer, [toy(income=12_000.0)])
    steps = waterfall(explanation, most)
    assert len(steps) == min(most + 1, len(explanation.contributions))
    assert steps[0].start == explanation.base.credit_score
    assert all(a.end == b.start for a, b in pairwise(steps))
    assert steps[-1].end == pytest.approx(explanation.total.credit_score)
    assert np.sum([s.points for s in steps]) == pytest.approx(
        explanation.total.credit_score - explanation.base.credit_score
    )
