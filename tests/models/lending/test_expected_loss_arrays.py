import random
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.lending.expected_loss_arrays import assess_arrays, multiply_half_up
from models.lending.expected_loss_rules import CECL, EXPECTED_LOSS_RULES, IFRS_9
from models.lending.loan_risk import ONE_FUTURE, LoanRisk, RiskShift, assess
from tests.support.counts import counts
from tests.support.risk_book import (
    OUTLOOKS,
    arrays_from_risks,
    loan_risk,
    random_book,
    random_risks,
    repayable,
)

STRESS = RiskShift(odds_factor=Decimal("1.7"), loss_given_default_points=Decimal(10))


def require_equal(risks: list[LoanRisk]) -> None:
    """Every rule set, as things stand and under stress: stage and cents of each loan."""
    arrays = arrays_from_risks(risks)
    for rules in EXPECTED_LOSS_RULES.values():
        for stress in (RiskShift(), STRESS):
            result = assess_arrays(arrays, OUTLOOKS, rules, stress)
            exact = [assess(risk, OUTLOOKS, rules, stress) for risk in risks]
            assert result.stage.tolist() == [a.stage or 0 for a in exact]
            cents = [int(a.expected_loss * 100) for a in exact]
            assert result.expected_loss.tolist() == cents


@pytest.mark.soak
@settings(max_examples=counts().examples // 20, deadline=None)
@given(st.lists(random_risks(), min_size=1, max_size=10))
def test_columns_have_the_stage_and_the_cents_of_each_loan(risks: list[LoanRisk]) -> None:
    require_equal(risks)


@pytest.mark.soak
def test_ten_thousand_loans_equal_the_pure_function_to_the_cent() -> None:
    """As many as `make soak` says; few of a likely book need the exact function."""
    size = counts().assessed_loans
    risks = random_book(random.Random(11), size)  # noqa: S311 -- a simulation
    arrays = arrays_from_risks(risks)
    result = assess_arrays(arrays, OUTLOOKS, IFRS_9)
    exact = [assess(risk, OUTLOOKS, IFRS_9) for risk in risks]
    assert result.stage.tolist() == [a.stage for a in exact]
    assert result.expected_loss.tolist() == [int(a.expected_loss * 100) for a in exact]
    assert result.computed_again <= size // 50
    assert {1, 2, 3} == {*result.stage.tolist()}


def test_half_a_cent_is_decided_by_the_exact_function() -> None:
    """0.45 of 0.10 is 4.5 cents: a binary fraction cannot tell on which side it lies."""
    impaired = loan_risk(
        loan=repayable(undue_principal=Decimal("0.10"), equal_instalment=Decimal("0.01")),
        is_impaired=True,
    )
    result = assess_arrays(arrays_from_risks([impaired]), ONE_FUTURE, IFRS_9)
    assert (result.expected_loss.tolist(), result.computed_again) == ([5], 1)


@pytest.mark.parametrize("probability", ["0.00000000000000001", "0.99999999999999999", "0.95"])
def test_probabilities_beyond_the_bound_are_left_to_the_exact_function(probability: str) -> None:
    extreme = Decimal(probability)
    require_equal([loan_risk(probability_of_default=extreme, probability_at_origination=extreme)])


def test_a_loan_of_nearly_ten_to_the_fifteen_does_not_overflow() -> None:
    largest = Decimal("999999999999999.99")
    loan = repayable(undue_principal=largest, equal_instalment=Decimal(48012885000000))
    require_equal([loan_risk(loan=loan), loan_risk(loan=loan, is_impaired=True)])


def test_a_ratio_at_its_threshold_is_decided_by_the_exact_function() -> None:
    """12 months left, and three times as likely to default: stage 2, however it is rounded."""
    at = loan_risk(
        loan=repayable(months_left=12),
        probability_of_default=Decimal("0.03"),
        probability_at_origination=Decimal("0.01"),
    )
    result = assess_arrays(arrays_from_risks([at]), ONE_FUTURE, IFRS_9)
    assert (result.stage.tolist(), result.computed_again) == ([2], 1)


def test_an_empty_book_has_no_losses() -> None:
    empty = arrays_from_risks([loan_risk()]).select(np.array([False]))
    assert assess_arrays(empty, OUTLOOKS, CECL).expected_loss.tolist() == []


@given(st.integers(0, 10**17), st.integers(0, 10_000))
def test_a_product_is_rounded_half_up_and_never_overflows(amount: int, rate: int) -> None:
    result = multiply_half_up(np.array([amount]), np.array([rate]), 10_000)
    assert result.tolist() == [(amount * rate + 5_000) // 10_000]
