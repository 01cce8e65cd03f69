from decimal import Decimal

import pytest

from models.lending.stages import CreditStanding, StageRules, increase_ratio, stage
from tests.support.risk_book import golden_risk

RULES, ONE = StageRules(), Decimal(1)


@pytest.mark.parametrize(("days", "ratio", "expected"), golden_risk()["staging"])
def test_stages_of_worked_examples(days: int, ratio: str, expected: int) -> None:
    standing = CreditStanding(days_past_due=days, increase_ratio=Decimal(ratio))
    assert stage(standing, RULES) == expected


def test_an_impaired_borrower_and_a_watched_loan_need_no_day_past_due() -> None:
    impaired = CreditStanding(days_past_due=0, increase_ratio=ONE, is_impaired=True)
    watched = CreditStanding(days_past_due=0, increase_ratio=ONE, is_watched=True)
    assert (stage(impaired, RULES), stage(watched, RULES)) == (3, 2)


def test_the_increase_is_that_of_the_remaining_life() -> None:
    """From 10 % to 28 % a year: 2.8 times over a year, but 2.53 times over two."""
    then, now = Decimal("0.10"), Decimal("0.28")
    assert increase_ratio(now, then, 12) == Decimal("2.8")
    assert round(increase_ratio(now, then, 24), 8) == Decimal("2.53473684")  # 0.4816 / 0.19
