"""The close of days: whom it looks at, and that closing again changes nothing."""

from collections.abc import Iterator
from datetime import date

import pytest
from sqlalchemy import text

from functions.lending import closing as closing_module
from functions.lending.checking import check_book
from functions.lending.closing import DailyClose
from functions.lending.storage.database import Database
from models.lending.errors import PostingError
from tests.support.lending import NOW, BookClient

# The last customer's disbursement is dated after a charge on the loan.
SPOIL_LAST = text("""
INSERT INTO charges (id, loan_id, branch_id, reference, value_date, amount, note, posted_by,
        business_date, created_at)
    SELECT gen_random_uuid(), id, branch_id, 'early', '2025-12-01', 10, '', 'test', '2026-01-05',
        now()
    FROM loans ORDER BY customer_id DESC LIMIT 1
    RETURNING loan_id
""")
WRITTEN = text("SELECT id FROM loans WHERE as_of = '2026-02-05'")


@pytest.fixture
def closing(book: BookClient) -> Iterator[DailyClose]:
    database = Database(book.url, 1)
    yield DailyClose(database=database, now=lambda: NOW)
    database.close()


def test_only_borrowers_with_something_due_are_looked_at(
    book: BookClient, closing: DailyClose, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing_module, "BATCH", 2)
    for _ in range(5):
        book.disburse(loan_amount=1000)
    book.grant()
    book.move_to(date(2026, 2, 4))
    days = closing.close_through(date(2026, 2, 6))
    assert [(day.borrowers, day.loans_changed) for day in days] == [(0, 0), (5, 5), (5, 5)]
    assert closing.close_through(date(2026, 2, 6)) == []


def test_several_processes_close_what_one_would(
    book: BookClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing_module, "BATCH", 3)
    monkeypatch.setattr(closing_module, "TOGETHER", 2)
    for _ in range(5):
        book.disburse(loan_amount=1000)
    book.move_to(date(2026, 2, 5))
    database = Database(book.url, 1)
    close = DailyClose(database=database, now=lambda: NOW, processes=2)
    [day] = close.close_through(date(2026, 2, 5))
    assert (day.borrowers, day.loans_changed) == (5, 5)
    checked = check_book(database)
    assert (checked.loans, checked.differences) == (5, [])
    database.close()


def test_a_close_that_broke_off_leaves_no_difference_and_goes_on(
    book: BookClient, closing: DailyClose, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It folded figures after the first borrower, on a day that is still open."""

    def break_off(*_: object) -> int:
        raise InterruptedError

    for _ in range(2):
        book.disburse()
    closing.close_through(date(2026, 2, 5))
    with monkeypatch.context() as patched:
        patched.setattr(closing_module, "BATCH", 1)
        patched.setattr(closing_module, "_open_next_day", break_off)
        with pytest.raises(InterruptedError):
            closing.close_through(date(2026, 2, 6))
    assert check_book(closing.database).differences == []
    [day] = closing.close_through(date(2026, 2, 6))
    assert (day.business_date, day.borrowers) == (date(2026, 2, 6), 0)
    assert check_book(closing.database).differences == []


def test_a_loan_that_was_paid_rests_until_its_next_due_date(
    book: BookClient, closing: DailyClose
) -> None:
    loan = book.disburse()
    book.move_to(date(2026, 2, 5))
    book.ok("POST", f"/v1/loans/{loan}:repay", {"amount": "10661.85"})
    days = closing.close_through(date(2026, 2, 6))
    assert [day.borrowers for day in days] == [0, 0]


def test_a_borrower_whose_facts_contradict_each_other_ends_the_close_and_nothing_is_half_written(
    book: BookClient, closing: DailyClose, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing_module, "TOGETHER", 2)
    for _ in range(4):
        book.disburse(loan_amount=1000)
    book.move_to(date(2026, 2, 5))
    with closing.database.engine.begin() as connection:
        [spoiled] = connection.execute(SPOIL_LAST).scalars().all()
    with pytest.raises(PostingError, match="must not stand before a disbursement"):
        closing.close_through(date(2026, 2, 5))
    with closing.database.engine.connect() as connection:
        written = connection.execute(WRITTEN).scalars().all()
    assert (len(written), spoiled in written) == (2, False)
