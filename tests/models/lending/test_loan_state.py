from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import accumulate
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from models.lending.allocation import Component
from models.lending.asset_classes import NpaPeriod
from models.lending.facts import Prepayment, Repayment, Reversal
from models.lending.journal import EARNED, RECEIVABLE, SUSPENSE, account_balances
from models.lending.loan_state import LoanState, derive
from models.lending.replay import Loan
from models.lending.schedule import amortise
from models.lending.terms import LoanTerms
from tests.support.counts import counts
from tests.support.loan_book import (
    DAYS,
    DISBURSED_ON,
    FREE,
    MONEY,
    NPA_PERIODS,
    derive_possible,
    disbursed,
    one_year_loan,
    paid,
    paid_on_time,
    random_loans,
    random_terms,
    terms,
)

BOOKS = settings(max_examples=counts().books, deadline=None)
END = date(2026, 7, 1)
NOTHING = Decimal(0)


def test_a_loan_that_is_paid_as_agreed() -> None:
    loan = paid_on_time(12)
    state = derive(loan, date(2027, 1, 5))
    assert [str(f.amount) for f in loan.facts if isinstance(f, Repayment)] == [
        *["10661.85"] * 11,
        "10661.91",
    ]
    assert (state.status, state.closed_on) == ("closed", date(2027, 1, 5))
    assert {row.status for row in state.instalments} == {"paid"}
    assert [row.met_on for row in state.instalments] == [row.due_on for row in state.instalments]
    assert account_balances(state.journal)["interest_income"] == Decimal("-7942.26")
    assert [change.oldest_due for change in state.arrears] == [None]  # it was never late


def test_an_instalment_is_scheduled_then_overdue_then_paid() -> None:
    loan = one_year_loan(paid("10661.85", date(2026, 2, 9)))
    states = [derive(loan, date(2026, 2, day)) for day in (4, 5, 9)]
    assert [state.instalments[0].status for state in states] == ["scheduled", "overdue", "paid"]
    assert [state.days_past_due for state in states] == [0, 1, 0]
    assert len(states[-1].instalments) == 12


def test_a_loan_is_granted_until_it_is_disbursed_and_when_that_is_reversed() -> None:
    assert derive(Loan(terms()), END).status == "granted"
    undone = one_year_loan(Reversal(reference="undo", reverses="disbursement"))
    assert derive(undone, END) == derive(Loan(terms()), END)


def test_schedule_and_balance_agree_after_payments_on_time() -> None:
    loan = paid_on_time(12)
    for row in derive(loan, DISBURSED_ON).versions[0].schedule.instalments:
        assert derive(loan, row.due_on).balances.outstanding_principal == row.closing


def amounts(state: LoanState) -> list[Decimal]:
    rows = (*state.instalments, *([state.outside] if state.outside else []))
    parts = [part for row in rows for part in (row.unpaid, row.paid, row.given_up)]
    return [amount for part in parts for amount in part.values()]


@pytest.mark.soak
@BOOKS
@given(random_terms(), st.lists(st.tuples(st.integers(0, 500), MONEY), max_size=9), DAYS)
def test_arrears_are_what_fell_due_less_what_was_paid(
    any_terms: LoanTerms, payments: list[tuple[int, Decimal]], day: date
) -> None:
    loan_terms = replace(any_terms, product=FREE)
    start = loan_terms.first_due_on - timedelta(days=40)
    assume(start <= day)
    facts = [
        paid(str(amount), start + timedelta(days=days), str(number))
        for number, (days, amount) in enumerate(payments)
    ]
    rows = amortise(Decimal(20_000), loan_terms, start).instalments
    due = sum((row.payment for row in rows if row.due_on <= day), NOTHING)
    received = sum((fact.amount for fact in facts if fact.value_date <= day), NOTHING)
    totals = accumulate(row.payment for row in rows)
    unpaid = [row.due_on for row, total in zip(rows, totals, strict=True) if total > received]
    oldest = unpaid[0] if unpaid and unpaid[0] <= day else None

    state = derive(Loan(loan_terms, (disbursed("20000", start), *facts)), day)
    assert state.balances.arrears == max(due - received, 0)
    assert state.balances.credit == max(received - due, 0)
    assert state.oldest_due == oldest


@pytest.mark.soak
@BOOKS
@given(random_loans(), DAYS, NPA_PERIODS)
def test_a_book_balances_on_any_day(loan: Loan, day: date, periods: tuple[NpaPeriod, ...]) -> None:
    state = derive_possible(loan, day, periods)
    balances = state.balances
    assert balances.outstanding_principal == (
        balances.disbursed - balances.repaid_principal - balances.written_off_principal
    )
    assert all(value >= 0 for value in amounts(state))
    members = [getattr(balances, name) for name in balances.__slots__]
    assert all(value >= 0 for value in members)
    assert sum(account_balances(state.journal).values()) == 0
    for entry in state.journal:
        assert sum(line.debit - line.credit for line in entry.lines) == 0
        assert all(
            min(line.debit, line.credit) == 0 < line.debit + line.credit for line in entry.lines
        )


@pytest.mark.soak
@BOOKS
@given(random_loans(), DAYS, NPA_PERIODS)
def test_the_journal_says_what_the_instalments_say(
    loan: Loan, day: date, periods: tuple[NpaPeriod, ...]
) -> None:
    state = derive_possible(loan, day, periods)
    accounts, balances = account_balances(state.journal), state.balances
    fallen_due = [row for row in state.instalments if row.status != "scheduled"]
    scheduled = [row for row in state.instalments if row.status == "scheduled"]
    rows = [*fallen_due, *([state.outside] if state.outside else [])]
    due_amounts: dict[Component, Decimal] = {
        "principal": balances.due_principal,
        "interest": balances.due_interest,
        "fee": balances.due_fees,
        "penal": balances.due_penal_charges,
    }
    for component, due in due_amounts.items():
        assert sum((row.unpaid[component] for row in rows), NOTHING) == due
    undue = sum((row.unpaid["principal"] for row in scheduled), NOTHING)
    assert undue == balances.outstanding_principal - balances.due_principal
    assert sum(state.credits.values(), NOTHING) == balances.credit
    assert balances.credit == 0 or balances.arrears == 0
    is_npa = any(period.contains(day) for period in periods)
    for earned in EARNED:
        suspended = -accounts.get(SUSPENSE[earned], NOTHING)
        receivable = accounts.get(RECEIVABLE[earned], NOTHING)
        assert suspended == (receivable if is_npa else 0)


@pytest.mark.soak
@BOOKS
@given(random_loans(), DAYS, NPA_PERIODS, st.randoms())
def test_the_order_of_posting_changes_nothing(
    loan: Loan, day: date, periods: tuple[NpaPeriod, ...], chance: Random
) -> None:
    facts = list(loan.facts)
    chance.shuffle(facts)
    state = derive_possible(loan, day, periods)
    assert derive_possible(Loan(loan.terms, tuple(facts)), day, periods) == state
    assert derive_possible(loan, day, periods) == state


@pytest.mark.soak
@BOOKS
@given(random_loans(), DAYS)
def test_what_facts_are_called_changes_no_balance(loan: Loan, day: date) -> None:
    # Among prepayments of one day the order may matter: each makes a schedule of its own.
    facts = [fact for fact in loan.facts if not isinstance(fact, Prepayment | Reversal)]
    names = sorted((fact.reference for fact in facts), reverse=True)
    by_name = sorted(facts, key=lambda fact: fact.reference)
    renamed = [replace(f, reference=name) for f, name in zip(by_name, names, strict=True)]
    states = [derive_possible(Loan(loan.terms, tuple(f)), day) for f in (facts, renamed)]
    assert states[0].balances == states[1].balances
    assert states[0].instalments == states[1].instalments
    assert states[0].arrears == states[1].arrears


@pytest.mark.soak
@BOOKS
@given(random_loans(), DAYS)
def test_a_reversal_leaves_no_trace(loan: Loan, day: date) -> None:
    reversed_names = {fact.reverses for fact in loan.facts if isinstance(fact, Reversal)}
    never_posted = tuple(
        fact
        for fact in loan.facts
        if not isinstance(fact, Reversal) and fact.reference not in reversed_names
    )
    expected = derive_possible(Loan(loan.terms, never_posted), day)
    assert derive_possible(loan, day) == expected


@pytest.mark.soak
@BOOKS
@given(random_loans(), DAYS, st.integers(0, 400), NPA_PERIODS)
def test_days_that_pass_only_add_to_the_journal(
    loan: Loan, day: date, days: int, periods: tuple[NpaPeriod, ...]
) -> None:
    earlier = derive_possible(loan, day, periods)
    later = derive_possible(loan, day + timedelta(days=days), periods)
    assert later.journal[: len(earlier.journal)] == earlier.journal
    assert later.allocations[: len(earlier.allocations)] == earlier.allocations
    assert later.arrears[: len(earlier.arrears)] == earlier.arrears
    new = later.journal[len(earlier.journal) :]
    assert all(entry.value_date > day for entry in new)
