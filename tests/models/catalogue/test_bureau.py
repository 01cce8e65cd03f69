import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.catalogue.bureau import Bureau
from models.features import columns_from_applications
from models.policy import decide
from models.score_scale import rating_from_score, score_from_probability

DECISIONS = {"Poor": "decline", "Average": "refer", "Good": "approve", "Excellent": "approve"}
LOAN = {
    "age": 28,
    "income": 1_200_000,
    "loan_amount": 2_560_000,
    "loan_tenure_months": 36,
    "avg_dpd_per_delinquency": 5.4,
    "delinquency_ratio": 12.5,
    "credit_utilization_ratio": 30,
    "number_of_open_accounts": 2,
    "residence_type": "Owned",
    "loan_purpose": "Home",
    "loan_type": "Secured",
}
EDGES = [
    edge
    for cutoff in (Bureau.policy.approve_below, Bureau.policy.decline_from)
    for edge in (math.nextafter(cutoff, 0), cutoff, math.nextafter(cutoff, 1))
]


def agree(probability: float) -> bool:
    rating = rating_from_score(score_from_probability(probability, Bureau.scale), Bureau.bands)
    return decide(probability, Bureau.policy) == DECISIONS[rating]


@given(st.floats(0, 1, exclude_min=True, exclude_max=True))
def test_a_decision_is_that_of_the_rating(probability: float) -> None:
    assert agree(probability)


@pytest.mark.parametrize("probability", EDGES)
def test_a_decision_is_that_of_the_rating_at_the_very_edge(probability: float) -> None:
    assert agree(probability)


def test_cutoffs_are_the_scores_650_and_500() -> None:
    assert Bureau.policy.approve_below == pytest.approx(250 / 600)
    assert Bureau.policy.decline_from == pytest.approx(400 / 600)


def test_loan_to_income_is_computed_to_two_decimals_and_not_accepted() -> None:
    columns = columns_from_applications(Bureau, [Bureau.model_validate(LOAN)])
    assert columns["loan_to_income"].tolist() == [2.13]
    assert "loan_to_income" not in Bureau.model_fields
