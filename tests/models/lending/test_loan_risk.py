from decimal import Decimal

import pytest
from hypothesis import given, settings

from models.lending.errors import AmountError
from models.lending.expected_loss_rules import CECL, IFRS_9, RBI_ECL_2026
from models.lending.loan_risk import ONE_FUTURE, LoanRisk, RiskShift, assess, shift_share
from tests.support.counts import counts
from tests.support.risk_book import (
    OUTLOOKS,
    golden_risk,
    loan_risk,
    random_risks,
    slow_expected_loss,
    slow_stage,
)


def test_a_loan_that_became_riskier_is_in_stage_2_and_counts_its_life() -> None:
    assessment = assess(loan_risk(), ONE_FUTURE, IFRS_9)
    assert (assessment.stage, assessment.expected_loss) == (1, Decimal("10028.34"))
    riskier = loan_risk(
        probability_of_default=Decimal("0.22"), probability_at_origination=Decimal("0.06")
    )
    assessment = assess(riskier, ONE_FUTURE, IFRS_9)
    assert (assessment.stage, str(assessment.expected_loss)) == (2, golden_risk()["stage_2"]["ecl"])


def test_an_impaired_loan_loses_its_share_with_stages_or_without() -> None:
    impaired = loan_risk(is_impaired=True)
    for rules, stage in ((IFRS_9, 3), (CECL, None)):
        assessment = assess(impaired, ONE_FUTURE, rules)
        assert (assessment.stage, assessment.expected_loss) == (stage, Decimal(225_000))


def test_a_regulators_floor_holds_where_the_loss_is_smaller() -> None:
    safe = loan_risk(
        probability_of_default=Decimal("0.001"), probability_at_origination=Decimal("0.001")
    )
    assert assess(safe, ONE_FUTURE, IFRS_9).expected_loss < 5_000
    assert assess(safe, ONE_FUTURE, RBI_ECL_2026).expected_loss == 5_000
    assert assess(loan_risk(), ONE_FUTURE, RBI_ECL_2026).expected_loss == Decimal("10028.34")


def test_a_stress_can_move_a_loan_to_stage_2_and_never_past_all_that_is_lost() -> None:
    """Four times the odds of 6 % are 20.3 %: over two years 3.13 times as likely."""
    shift = RiskShift(odds_factor=Decimal(4), loss_given_default_points=Decimal(10))
    assessment = assess(loan_risk(), ONE_FUTURE, IFRS_9, shift)
    assert assessment.stage == 2
    assert shift_share(Decimal("0.95"), Decimal(10)) == 1
    assert shift_share(Decimal("0.05"), Decimal(-10)) == 0


def test_shifts_without_meaning_are_refused() -> None:
    with pytest.raises(AmountError, match=r"odds_factor must be from 0\.0001 to 10,000, got 0"):
        RiskShift(odds_factor=Decimal(0))
    with pytest.raises(AmountError, match="loss_given_default_points must be from -100 to 100"):
        RiskShift(loss_given_default_points=Decimal(101))


@pytest.mark.soak
@settings(max_examples=counts().books, deadline=None)
@given(random_risks())
def test_any_stage_and_loss_is_that_of_a_second_implementation(risk: LoanRisk) -> None:
    assessment = assess(risk, OUTLOOKS, IFRS_9)
    assert assessment.stage == slow_stage(risk)
    assert assessment.expected_loss == slow_expected_loss(risk, OUTLOOKS, assessment.stage)
    lifetime = assess(risk, OUTLOOKS, CECL)
    assert lifetime.expected_loss == slow_expected_loss(risk, OUTLOOKS, 3 * risk.is_impaired)
    assert 0 <= assessment.expected_loss <= risk.loan.gross


@pytest.mark.soak
@settings(max_examples=counts().books, deadline=None)
@given(random_risks())
def test_a_worse_future_never_costs_less(risk: LoanRisk) -> None:
    losses = [
        assess(
            risk,
            ONE_FUTURE,
            IFRS_9,
            RiskShift(odds_factor=factor, loss_given_default_points=points),
        )
        for factor, points in (
            (Decimal(1), Decimal(0)),
            (Decimal("1.1"), Decimal(0)),
            (Decimal("1.1"), Decimal(10)),
            (Decimal(3), Decimal(20)),
        )
    ]
    amounts = [loss.expected_loss for loss in losses]
    assert amounts == sorted(amounts)
