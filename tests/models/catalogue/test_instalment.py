"""The credit model of the loan book: its scale, its ratios against the ledger's exact numbers."""

from decimal import Decimal

import numpy as np
import pytest

from models.catalogue.instalment import Instalment, instalments
from models.lending.schedule import exact_instalment
from models.score_scale import score_from_probability


@pytest.mark.parametrize(
    ("probability", "score"), [(0.1, 795), (0.3, 685), (0.5, 575), (1e-9, 850), (1 - 1e-9, 300)]
)
def test_the_scale_is_850_less_550_times_the_probability(probability: float, score: float) -> None:
    """Golden group 10."""
    assert score_from_probability(probability, Instalment.scale) == pytest.approx(score)


@pytest.mark.parametrize(
    ("amount", "rate", "months"), [(1_000_000, 9.5, 60), (3_500_000, 9.5, 36), (1000, 0, 7)]
)
def test_an_instalment_is_that_of_the_ledger(amount: float, rate: float, months: int) -> None:
    columns = {"loan_amount": amount, "interest_rate": rate, "loan_tenure_months": months}
    computed = instalments({name: np.array([float(v)]) for name, v in columns.items()})
    exact = exact_instalment(Decimal(amount), Decimal(str(rate)), months)
    assert computed[0] == pytest.approx(float(exact), rel=1e-12)


def test_the_ratios_are_those_that_the_loan_book_replies() -> None:
    """Golden group 10: 21,001.86 of 80,000 a month; 1,000,000 of 960,000 a year."""
    row = {"loan_amount": 1e6, "interest_rate": 9.5, "loan_tenure_months": 60}
    row |= {"monthly_income": 8e4, "other_instalments": 0}
    columns = {name: np.array([float(value)]) for name, value in row.items()}
    assert Instalment.obligations_to_income.compute(columns)[0] == pytest.approx(0.262523, abs=1e-6)
    assert Instalment.loan_to_income.compute(columns)[0] == pytest.approx(1.0417, abs=1e-4)
