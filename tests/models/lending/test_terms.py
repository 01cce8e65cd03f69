from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from models.lending.errors import LendingError
from models.lending.terms import LoanProduct, LoanTerms
from tests.support.loan_book import terms


def test_the_due_day_is_that_of_the_first_due_date() -> None:
    assert terms(first_due_on=date(2026, 2, 5)).due_day == 5
    month_end = terms(first_due_on=date(2026, 2, 28), due_day=31)
    assert month_end.due_dates.due_on(2) == date(2026, 3, 31)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"annual_rate_percent": Decimal(-1)}, "annual_rate_percent"),
        ({"months": 601}, "months"),
        ({"due_day": 32}, "due_day"),
        ({"due_day": 6}, "first_due_on"),
        ({"first_due_on": datetime(2026, 2, 5, tzinfo=UTC)}, "first_due_on"),
    ],
)
def test_terms_out_of_bounds_are_refused_by_name(change: dict[str, Any], field: str) -> None:
    members = {
        "annual_rate_percent": Decimal(12),
        "months": 12,
        "first_due_on": date(2026, 2, 5),
        **change,
    }
    with pytest.raises(LendingError) as caught:
        LoanTerms(**members)
    assert caught.value.field == field


def test_a_prepayment_charge_is_a_share_of_what_is_prepaid() -> None:
    assert LoanProduct(prepayment_charge_percent=Decimal(2)).prepayment_charge_percent == 2
    with pytest.raises(LendingError, match="prepayment_charge_percent must be below 100, got 100"):
        LoanProduct(prepayment_charge_percent=Decimal(100))
