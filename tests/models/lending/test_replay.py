from datetime import date
from decimal import Decimal

import pytest

from models.lending.errors import AmountError
from models.lending.penal_charges import PenalPolicy
from models.lending.replay import Loan, replay
from models.lending.terms import LoanProduct
from tests.support.loan_book import one_year_loan, paid, terms

DUE_ON = date(2026, 2, 5)


def test_a_loan_that_is_not_disbursed_owes_nothing() -> None:
    ledger = replay(Loan(terms()), DUE_ON)
    assert (ledger.disbursement, ledger.books.entries, ledger.next_instalment) == (None, [], None)


def test_a_day_that_is_still_open_is_not_closed() -> None:
    product = LoanProduct(penal=PenalPolicy(annual_rate_percent=Decimal(24)))
    loan = one_year_loan(product=product)
    open_day = replay(loan, DUE_ON, is_last_day_open=True)
    assert open_day.books.balance("interest_receivable") == Decimal("1200.00")
    assert open_day.books.balance("penal_receivable") == 0
    assert replay(loan, DUE_ON).books.balance("penal_receivable") == Decimal("7.01")


def test_facts_after_the_day_do_not_count() -> None:
    loan = one_year_loan(paid("10661.85", date(2026, 2, 6)))
    assert replay(loan, DUE_ON).books.balance("principal") == Decimal("120000.00")


def test_a_day_is_a_date() -> None:
    with pytest.raises(AmountError, match="until must be a date without a time, got str"):
        replay(one_year_loan(), "2026-02-05")  # type: ignore[arg-type]  # from a caller's JSON
