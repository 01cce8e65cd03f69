from calendar import monthrange
from datetime import date
from decimal import Decimal

import pytest

from models.lending.vintage_curves import VintageLoan, months_on_book, vintage_curve
from tests.support.risk_book import golden_risk

NUMBERS = golden_risk()["vintage"]


def month_end(month: str) -> date:
    year, number = map(int, month.split("-"))
    return date(year, number, monthrange(year, number)[1])


def cohort(month: str) -> list[VintageLoan]:
    return [
        VintageLoan(
            disbursed_on=date.fromisoformat(f"{disbursed}-09"),
            amount=Decimal(amount),
            first_late_on=month_end(late) if late else None,
        )
        for disbursed, amount, late in NUMBERS["loans"]
        if disbursed == month
    ]


@pytest.mark.parametrize("month", list(NUMBERS["curves"]))
def test_curves_of_worked_examples_end_where_the_data_do(month: str) -> None:
    by_count, by_amount = NUMBERS["curves"][month]
    curve = vintage_curve(cohort(month), month_end(NUMBERS["data_until"]))
    assert list(curve) == list(range(len(by_count)))
    assert [str(point.count_percent) for point in curve.values()] == by_count
    assert [str(point.amount_percent) for point in curve.values()] == by_amount


def test_a_loan_is_a_month_old_in_the_month_after_its_first() -> None:
    assert months_on_book(date(2025, 12, 31), date(2026, 1, 1)) == 1
