from datetime import date
from decimal import Decimal

import pytest

from models.lending.errors import PostingError
from models.lending.journal import (
    Books,
    JournalEntry,
    JournalLine,
    account_balances,
    lines_from_postings,
)
from models.lending.money import ZERO

DAY, HUNDRED = date(2026, 1, 5), Decimal("100.00")


def test_a_positive_amount_is_a_debit_and_a_zero_is_no_line() -> None:
    lines = lines_from_postings({"principal": HUNDRED, "bank": -HUNDRED, "fee_income": ZERO})
    assert lines == (JournalLine("principal", HUNDRED, ZERO), JournalLine("bank", ZERO, HUNDRED))


def test_an_entry_that_does_not_balance_cannot_be_made() -> None:
    lines = (JournalLine("bank", HUNDRED, ZERO), JournalLine("principal", ZERO, Decimal("99.99")))
    message = "journal entry repayment of 2026-01-05 must balance, got debits 100.00, credits 99.99"
    with pytest.raises(PostingError, match=message):
        JournalEntry(DAY, "repayment", "a", lines)


def test_books_carry_the_balances_of_their_entries() -> None:
    books = Books()
    books.post(DAY, "disbursement", "a", {"principal": HUNDRED, "bank": -HUNDRED})
    books.post(DAY, "repayment", "b", {"principal": -HUNDRED / 4, "bank": HUNDRED / 4})
    books.post(DAY, "waiver", "c", {"fee_receivable": ZERO, "waiver_expense": ZERO})
    assert account_balances(books.entries) == books.balances
    assert books.balances == {"principal": Decimal(75), "bank": Decimal(-75)}
    assert books.balance("recovery_income") == 0
    assert [entry.reference for entry in books.entries] == ["a", "b"]
