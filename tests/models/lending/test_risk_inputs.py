from dataclasses import fields, replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.lending.errors import RuleSetError
from models.lending.loss_given_default import BACKSTOP, loss_given_default
from models.lending.provision_rules import RBI_PROVISIONS_2025
from models.lending.risk_inputs import BookColumns, RiskRules, risk_from_book, shares_lost

RULES = RiskRules(recovery=BACKSTOP, provisions=RBI_PROVISIONS_2025, unscored=Decimal("0.05"))
FOUR = BookColumns(**{column.name: np.zeros(4, dtype=np.int64) for column in fields(BookColumns)})
AMOUNTS = st.integers(0, 10**15)


def test_a_loan_without_a_score_takes_the_stand_in_and_one_scored_later_begins_there() -> None:
    scored, later = 6 * 10**15, 9 * 10**15
    book = replace(
        FOUR,
        undue_principal=np.full(4, 1_000),
        probability_of_default=np.array([later, later, 0, 10**17]),
        probability_at_origination=np.array([scored, 0, 0, 10**17]),
    )
    inputs = risk_from_book(book, RULES)
    stand_in, most = 5 * 10**15, 10**17 - 1
    assert inputs.loans.probability_of_default.tolist() == [later, later, stand_in, most]
    assert inputs.loans.probability_at_origination.tolist() == [scored, later, stand_in, most]
    assert inputs.unscored == 1


def test_security_decides_the_kind_of_credit_and_what_it_began_with_whether_it_was_secured() -> (
    None
):
    book = replace(
        FOUR,
        undue_principal=np.full(4, 1_000),
        amount=np.full(4, 1_000),
        liquid=np.array([0, 500, 0, 0]),
        other_security=np.array([0, 0, 500, 500]),
        first_security=np.array([0, 500, 100, 101]),
    )
    inputs = risk_from_book(book, RULES)
    assert inputs.loans.category.tolist() == [0, 1, 1, 1]
    assert inputs.exposures.realisable_security.tolist() == [0, 500, 500, 500]
    assert inputs.exposures.is_unsecured.tolist() == [True, False, True, False]
    assert inputs.loans.loss_given_default.tolist() == [700_000, 500_000, 675_000, 675_000]


def test_a_class_without_a_rate_stops_the_report() -> None:
    book = replace(FOUR, class_index=np.array([0, 0, -1, 0]))
    with pytest.raises(RuleSetError, match="rbi_irac_2025@1 has no rate for the class of some"):
        risk_from_book(book, RULES)


@given(AMOUNTS, AMOUNTS, AMOUNTS)
def test_a_share_is_that_of_the_exact_function(owed: int, liquid: int, other: int) -> None:
    cents = [np.array([number]) for number in (owed, liquid, other)]
    shares = shares_lost(cents[0], cents[1], cents[2], BACKSTOP)
    if not owed:
        assert shares.tolist() == [0]
        return
    amounts = [Decimal(number) / 100 for number in (owed, liquid, other)]
    exact = loss_given_default(amounts[0], amounts[1], amounts[2], BACKSTOP)
    assert shares.tolist() == [int(exact * 10**6)]
