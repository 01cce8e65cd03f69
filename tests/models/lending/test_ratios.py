from collections.abc import Callable
from decimal import Decimal

import pytest

from models.lending.errors import AmountError
from models.lending.ratios import (
    AgedBalance,
    debt_to_income_percent,
    fixed_obligations_percent,
    herfindahl_index,
    loan_to_income,
    loan_to_value_percent,
    portfolio_at_risk_percent,
)
from models.lending.schedule import equal_instalment
from models.score_scale import LinearScale, score_from_probability
from tests.support.loan_book import golden, terms

NUMBERS = golden()["ratios"]
AMOUNT, MONTHLY_INCOME = Decimal(1_000_000), Decimal(80_000)
INSTALMENT = equal_instalment(AMOUNT, terms("9.5", 60))
ONE, NOTHING = Decimal(1), Decimal(0)


def test_an_instalment_with_its_interest_is_set_against_income() -> None:
    assert Decimal("21001.86") == INSTALMENT
    dti = debt_to_income_percent(INSTALMENT, MONTHLY_INCOME)
    assert str(dti) == NUMBERS["dti_percent"]
    foir = fixed_obligations_percent(INSTALMENT, Decimal(12_000), MONTHLY_INCOME)
    assert str(foir) == NUMBERS["foir_percent"]


def test_loan_to_income_is_a_multiple_of_a_years_income() -> None:
    assert loan_to_income(AMOUNT, 12 * MONTHLY_INCOME) == Decimal("1.0417")
    # The same case as a multiple of a month's income, as some lenders quote it.
    assert str(loan_to_income(AMOUNT, MONTHLY_INCOME)) == NUMBERS["monthly_multiple"]


def test_loan_to_value_is_a_share_of_the_collateral() -> None:
    assert str(loan_to_value_percent(AMOUNT, Decimal(1_400_000))) == NUMBERS["ltv_percent"]


def test_concentration_is_the_sum_of_squared_shares() -> None:
    exposures = list(map(Decimal, NUMBERS["hhi"]["exposures"]))
    assert str(herfindahl_index(exposures)) == NUMBERS["hhi"]["value"]
    assert herfindahl_index([Decimal(5)]) == 10_000


@pytest.mark.parametrize("days", ["0", "30", "60", "90"])
def test_the_whole_balance_of_a_late_loan_is_at_risk(days: str) -> None:
    loans = [AgedBalance(Decimal(balance), late) for balance, late in NUMBERS["par"]["loans"]]
    share = portfolio_at_risk_percent(loans, int(days))
    assert str(share) == NUMBERS["par"]["percent"][days]


@pytest.mark.parametrize(("probability", "score"), NUMBERS["scores"][1:-1])
def test_the_scale_of_the_loan_book(probability: str, score: str) -> None:
    scale = LinearScale(lowest=300, highest=850)
    assert score_from_probability(float(probability), scale) == pytest.approx(float(score))


@pytest.mark.parametrize(
    ("ratio", "message"),
    [
        (lambda: debt_to_income_percent(ONE, NOTHING), "monthly_income must be above 0"),
        (lambda: fixed_obligations_percent(ONE, -ONE, ONE), "other_obligations must be at least 0"),
        (lambda: loan_to_income(ONE, NOTHING), "annual_income must be above 0"),
        (lambda: loan_to_value_percent(ONE, NOTHING), "collateral_value must be above 0"),
        (lambda: herfindahl_index([]), "sum of exposures must be above 0"),
        (lambda: portfolio_at_risk_percent([], 30), "sum of balances must be above 0; an empty"),
        (lambda: portfolio_at_risk_percent([AgedBalance(-ONE, 0)], 30), "balance must be at"),
    ],
)
def test_a_ratio_to_nothing_is_refused(ratio: Callable[[], Decimal], message: str) -> None:
    with pytest.raises(AmountError, match=message):
        ratio()
