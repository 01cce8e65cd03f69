from datetime import date
from decimal import Decimal

import pytest

from models.lending.broken_periods import broken_interest, first_interest, month_interest
from models.lending.errors import PostingError
from models.lending.money import Rounding
from models.lending.schedule import amortise
from tests.support.loan_book import terms

LOAN = Decimal(120_000)


def test_a_month_is_a_twelfth_of_a_year_and_a_day_is_one_of_365() -> None:
    assert month_interest(LOAN, Decimal(12)) == Decimal("1200.00")
    assert broken_interest(LOAN, Decimal(12), 10) == Decimal("394.52")  # 120,000 * .12 * 10 / 365
    assert broken_interest(LOAN, Decimal(12), 365) == Decimal("14400.00")
    assert broken_interest(LOAN, Decimal(12), 0) == 0


def test_interest_is_rounded_as_the_product_says() -> None:
    up = Rounding(unit=Decimal(1), mode="ceiling")
    assert broken_interest(LOAN, Decimal(12), 10, up) == 395


@pytest.mark.parametrize(
    ("disbursed_on", "interest"),
    [
        (date(2026, 1, 5), "1200.00"),  # one month before 5 February
        (date(2025, 12, 26), "1594.52"),  # ten days more: 1,200.00 + 394.52
        (date(2026, 1, 26), "394.52"),  # ten days only
        (date(2026, 2, 4), "39.45"),
    ],
)
def test_the_first_instalment_pays_for_the_days_of_its_period(
    disbursed_on: date, interest: str
) -> None:
    assert first_interest(LOAN, terms(), disbursed_on) == Decimal(interest)


def test_from_31_january_to_28_february_is_a_month() -> None:
    month_end = terms(first_due_on=date(2026, 2, 28), due_day=31)
    assert first_interest(LOAN, month_end, date(2026, 1, 31)) == Decimal("1200.00")
    assert first_interest(LOAN, month_end, date(2026, 1, 30)) == Decimal("1239.45")


def test_a_broken_period_changes_only_the_first_interest() -> None:
    regular = amortise(LOAN, terms(), date(2026, 1, 5))
    broken = amortise(LOAN, terms(), date(2025, 12, 26))
    assert [row.principal for row in broken.instalments] == [
        row.principal for row in regular.instalments
    ]
    assert broken.instalments[1:] == regular.instalments[1:]
    assert broken.total_interest - regular.total_interest == Decimal("394.52")


def test_a_loan_is_disbursed_before_its_first_due_date() -> None:
    message = (
        "disbursed_on must be before the first due date 2026-02-05, got 2026-02-05; "
        "agree on a later first due date"
    )
    with pytest.raises(PostingError, match=message):
        first_interest(LOAN, terms(), date(2026, 2, 5))
