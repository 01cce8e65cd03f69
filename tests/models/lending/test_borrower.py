from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.lending.allocation import PRINCIPAL_FIRST
from models.lending.asset_classes import NpaPeriod, next_npa_since
from models.lending.borrower import EarlierState, derive_loans
from models.lending.days_past_due import arrears_at, days_past_due
from models.lending.replay import Loan
from models.lending.rule_sets import RBI_IRAC_2025, RULE_SETS, SOURCE_D
from models.lending.terms import LoanProduct
from tests.support.counts import counts
from tests.support.loan_book import (
    disbursed,
    golden,
    one_year_loan,
    paid,
    possible_only,
    random_loans,
    terms,
)


def two_loans() -> dict[str, Loan]:
    """A owes 1,000 a month from 31 March on and pays in July; B the same from 24 June on."""
    first = Loan(
        terms("0", 4, date(2026, 3, 31)),
        (
            disbursed("4000", date(2026, 2, 28)),
            paid("2000", date(2026, 7, 10)),
            paid("2000", date(2026, 7, 20)),
        ),
    )
    second = Loan(
        terms("0", 3, date(2026, 6, 24)),
        (disbursed("3000", date(2026, 5, 24)), paid("2000", date(2026, 7, 25))),
    )
    return {"A": first, "B": second}


def test_contagion_and_upgrade_follow_from_the_facts() -> None:
    for as_of, *expected in golden()["two_loans_of_a_borrower"]:
        loans = derive_loans(two_loans(), date.fromisoformat(as_of), RBI_IRAC_2025)
        days = [loan.state.days_past_due for loan in loans.values()]
        classes = [loan.classification.asset_class for loan in loans.values()]
        assert [*days, *classes] == expected, as_of
    period = NpaPeriod(date(2026, 6, 29), date(2026, 7, 25))
    assert {loan.npa_periods for loan in loans.values()} == {(period,)}


def test_rules_by_loan_leave_the_other_loan_alone() -> None:
    loans = derive_loans(two_loans(), date(2026, 6, 29), SOURCE_D)
    classes = [loan.classification.asset_class for loan in loans.values()]
    assert classes == ["sub_standard", "standard"]
    assert loans["B"].npa_periods == ()


def test_the_day_of_turning_is_the_day_on_which_unpaid_loans_turn() -> None:
    """A is late from 31 March on: 29 June is its 91st day, and B shares it."""
    turning = date(2026, 6, 29)
    for as_of in (date(2026, 5, 24), date(2026, 6, 28)):
        loans = derive_loans(two_loans(), as_of, RBI_IRAC_2025)
        assert [loan.turns_npa_on for loan in loans.values()] == [turning, turning]
        assert not any(loan.classification.is_npa for loan in loans.values())
    loans = derive_loans(two_loans(), turning, RBI_IRAC_2025)
    assert [loan.turns_npa_on for loan in loans.values()] == [None, None]
    assert all(loan.classification.is_npa for loan in loans.values())


def test_by_loan_a_day_of_turning_is_a_loans_own() -> None:
    loans = derive_loans(two_loans(), date(2026, 6, 27), SOURCE_D)
    assert [loan.turns_npa_on for loan in loans.values()] == [
        date(2026, 6, 28),
        date(2026, 9, 21),
    ]


def test_a_loan_that_is_paid_turns_on_no_day() -> None:
    loans = derive_loans(two_loans(), date(2026, 3, 30), RBI_IRAC_2025)
    assert loans["A"].turns_npa_on is None
    assert derive_loans(two_loans(), date(2026, 7, 25), RBI_IRAC_2025)["A"].turns_npa_on is None


def test_a_class_decides_how_a_payment_is_allocated_and_the_payment_the_class() -> None:
    product = LoanProduct(npa_allocation=PRINCIPAL_FIRST)
    loan = one_year_loan(paid("20000.00", date(2026, 5, 20)), product=product)
    [derived] = derive_loans({"A": loan}, date(2026, 5, 31), RBI_IRAC_2025).values()
    # Due on 5 February, non-performing from 6 May: on 20 May principal comes first.
    assert derived.npa_periods == (NpaPeriod(date(2026, 5, 6)),)
    assert {line.component for line in derived.state.allocations} == {"principal"}
    assert derived.classification.asset_class == "sub_standard"


EXPECTED = st.one_of(st.none(), st.dates(date(2024, 1, 1), date(2026, 1, 1)))


@pytest.mark.soak
@settings(max_examples=counts().borrowers, deadline=None)
@given(
    st.lists(st.tuples(random_loans(), EXPECTED), min_size=1, max_size=3),
    st.sampled_from(sorted(RULE_SETS)),
    st.dates(date(2024, 1, 1), date(2025, 12, 1)),
)
def test_whatever_is_expected_the_periods_are_the_same(
    loans: list[tuple[Loan, date | None]], name: str, as_of: date
) -> None:
    named_loans = {str(n): loan for n, (loan, _) in enumerate(loans)}
    earlier = {str(n): EarlierState(npa_since=since) for n, (_, since) in enumerate(loans)}
    with possible_only():
        derived = derive_loans(named_loans, as_of, RULE_SETS[name])
        assert derive_loans(named_loans, as_of, RULE_SETS[name], earlier) == derived


@pytest.mark.soak
@settings(max_examples=counts().borrowers, deadline=None)
@given(
    st.lists(random_loans(), min_size=1, max_size=2),
    st.sampled_from(sorted(RULE_SETS)),
    st.dates(date(2024, 1, 1), date(2025, 12, 1)),
    st.integers(0, 60),
)
def test_nothing_that_happens_later_changes_how_a_day_ended(
    loans: list[Loan], name: str, day: date, days: int
) -> None:
    """Of a loan that is closed again nothing is written but what has a later date."""
    named_loans = {str(n): loan for n, loan in enumerate(loans)}
    with possible_only():
        before = derive_loans(named_loans, day, RULE_SETS[name])
        after = derive_loans(named_loans, day + timedelta(days=days), RULE_SETS[name])
        begun = {key: EarlierState(as_of=day) for key in named_loans}
        added = derive_loans(named_loans, day + timedelta(days=days), RULE_SETS[name], begun)
    for key, earlier in before.items():
        state, later = earlier.state, after[key].state
        assert state.journal == tuple(e for e in later.journal if e.value_date <= day)
        assert state.allocations == tuple(a for a in later.allocations if a.value_date <= day)
        assert state.versions == tuple(v for v in later.versions if v.effective_on <= day)
        tail = tuple(e for e in later.journal if e.value_date > day)
        assert added[key] == replace(after[key], state=replace(later, journal=tail))
        rows = {row.number: row for row in later.instalments}
        met = [row for row in state.instalments if row.met_on]
        assert met == [rows[row.number] for row in met if rows[row.number].met_on == row.met_on]


@pytest.mark.soak
@settings(max_examples=counts().borrowers, deadline=None)
@given(
    st.lists(random_loans(), min_size=1, max_size=3),
    st.sampled_from(sorted(RULE_SETS)),
    st.integers(0, 700),
)
def test_the_classes_of_a_borrower_are_those_of_daily_closes(
    loans: list[Loan], name: str, days: int
) -> None:
    rules, named_loans = RULE_SETS[name], {str(n): loan for n, loan in enumerate(loans)}
    as_of = date(2024, 1, 1) + timedelta(days=days)
    with possible_only():
        derived = derive_loans(named_loans, as_of, rules)
    groups = [list(derived)] if rules.is_borrower_wise else [[key] for key in derived]
    for group in groups:
        since: date | None = None
        day = date(2023, 10, 1)
        while day <= as_of:
            histories = [derived[key].state.arrears for key in group]
            late = [days_past_due(arrears_at(h, day).oldest_due, day) for h in histories]
            since = next_npa_since([since] if since else [], late, day, rules)
            day += timedelta(days=1)
        assert {derived[key].classification.npa_since for key in group} == {since}
        for key in group:
            turning = derived[key].turns_npa_on
            assert turning is None or (since is None and turning > as_of)
