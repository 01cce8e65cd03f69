from datetime import date, timedelta

import pytest

from models.lending.days_past_due import ArrearsChange, arrears_at, days_past_due
from models.lending.loan_state import derive
from models.lending.replay import Loan
from tests.support.loan_book import disbursed, golden, paid, terms

NUMBERS = golden()["one_unpaid_instalment"]
DUE_ON = date.fromisoformat(NUMBERS["due_on"])


@pytest.mark.parametrize(("as_of", "days"), [(day, days) for day, days, _ in NUMBERS["days"]])
def test_both_the_due_date_and_the_day_of_the_close_count(as_of: str, days: int) -> None:
    assert days_past_due(DUE_ON, date.fromisoformat(as_of)) == days


def test_nothing_unpaid_is_no_days_past_due() -> None:
    assert days_past_due(None, date(2026, 3, 31)) == 0


def test_one_cent_that_is_unpaid_keeps_the_age() -> None:
    facts = (disbursed("2000", date(2026, 2, 28)), paid("999.99", date(2026, 5, 15)))
    loan = Loan(terms("0", 2, date(2026, 3, 31)), facts)
    state = derive(loan, date(2026, 5, 30))
    assert (state.oldest_due, state.days_past_due) == (date(2026, 3, 31), 61)
    cured = Loan(loan.terms, (*facts, paid("0.01", date(2026, 5, 16))))
    assert derive(cured, date(2026, 5, 30)).days_past_due == 31  # due on 30 April


def test_a_history_answers_for_each_day() -> None:
    first, second = date(2026, 3, 31), date(2026, 5, 15)
    history = (ArrearsChange(first, first), ArrearsChange(second, None))
    assert arrears_at(history, first - timedelta(days=1)).oldest_due is None
    assert arrears_at(history, second - timedelta(days=1)).oldest_due == first
    assert arrears_at(history, second).oldest_due is None
