from collections.abc import Iterable
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings

from models.lending.corrections import corrections
from models.lending.facts import Fact, Reversal
from models.lending.journal import JournalEntry, account_balances
from models.lending.ledger import Allocation
from models.lending.loan_state import derive
from models.lending.replay import Loan
from tests.support.counts import counts
from tests.support.loan_book import (
    DAYS,
    derive_possible,
    disbursed,
    paid,
    random_loans,
    terms,
)

DUE_ON = date(2026, 2, 5)


def test_rows_that_hold_need_no_correction() -> None:
    journal = derive(Loan(terms(), (disbursed(),)), DUE_ON).journal
    assert corrections(journal, journal) == ()
    assert corrections((), journal) == journal


def test_a_payment_that_is_posted_late_takes_back_what_a_later_one_had_settled() -> None:
    later, late = paid("10661.85", date(2026, 2, 20)), paid("1000.00", date(2026, 2, 10), "late")
    booked = derive(Loan(terms(), (disbursed(), later)), date(2026, 2, 28)).allocations
    derived = derive(Loan(terms(), (disbursed(), later, late)), date(2026, 2, 28)).allocations
    added = corrections(booked, derived)
    assert [(row.reference, row.component, str(row.amount)) for row in added] == [
        ("late", "interest", "1000.00"),
        ("paid-2026-02-20", "interest", "200.00"),
        ("paid-2026-02-20", "interest", "-1200.00"),
    ]


def test_the_mirror_of_a_mirror_is_the_row() -> None:
    entry = derive(Loan(terms(), (disbursed(),)), DUE_ON).journal[0]
    assert entry.mirror().is_correction
    assert entry.mirror().mirror() == entry
    assert account_balances([entry, entry.mirror()]) == {"principal": 0, "bank": 0}
    allocation = Allocation(DUE_ON, "a", 1, "interest", Decimal("12.00"))
    assert allocation.mirror().amount == Decimal("-12.00")
    assert allocation.mirror().mirror() == allocation


@pytest.mark.soak
@settings(max_examples=counts().borrowers, deadline=None)
@given(random_loans(), DAYS)
def test_a_book_that_is_kept_posting_by_posting_is_the_one_derived_at_once(
    loan: Loan, day: date
) -> None:
    journal: list[JournalEntry] = []
    allocations: list[Allocation] = []
    for posted in postings(loan.facts):
        state = derive_possible(Loan(loan.terms, posted), day)
        journal += corrections(journal, state.journal)
        allocations += corrections(allocations, state.allocations)
        booked, derived = account_balances(journal), account_balances(state.journal)
        assert {name: value for name, value in booked.items() if value} == {
            name: value for name, value in derived.items() if value
        }
        assert settled(allocations) == settled(state.allocations)


def postings(facts: tuple[Fact, ...]) -> list[tuple[Fact, ...]]:
    """The facts that are posted so far, each time one more is; the disbursement comes first."""
    first = [fact for fact in facts if fact.reference == "0"]
    others = [fact for fact in facts if not isinstance(fact, Reversal) and fact.reference != "0"]
    ordered = [*first, *others, *(fact for fact in facts if isinstance(fact, Reversal))]
    return [tuple(ordered[: count + 1]) for count in range(len(ordered))]


def settled(allocations: Iterable[Allocation]) -> dict[tuple[str, int, str], Decimal]:
    totals: dict[tuple[str, int, str], Decimal] = {}
    for row in allocations:
        key = (row.reference, row.number, row.component)
        totals[key] = totals.get(key, Decimal(0)) + row.amount
    return {key: value for key, value in totals.items() if value}
