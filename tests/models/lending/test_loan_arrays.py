from decimal import Decimal

import numpy as np

from models.lending.loan_arrays import CATEGORIES
from models.lending.loan_risk import LoanRisk
from tests.support.risk_book import arrays_from_risks, loan_risk, repayable


def test_a_row_of_the_columns_is_the_loan_to_the_last_digit() -> None:
    risks: list[LoanRisk] = [
        loan_risk(),
        loan_risk(
            loan=repayable(overdue=Decimal("0.01"), annual_rate_percent=Decimal("13.999999")),
            probability_of_default=Decimal("0.12345678901234567"),
            is_impaired=True,
            days_past_due=91,
            category=CATEGORIES[1],
        ),
    ]
    arrays = arrays_from_risks(risks)
    assert len(arrays) == 2
    assert [arrays.loan(0), arrays.loan(1)] == risks
    assert arrays.gross.tolist() == [50_000_000, 50_000_001]
    assert arrays.select(np.array([False, True])).loan(0) == risks[1]
