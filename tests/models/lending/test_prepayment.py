from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.lending.errors import PostingError
from models.lending.facts import Prepayment
from models.lending.loan_state import derive
from models.lending.prepayment import (
    Prepayable,
    PrepaymentOption,
    parts_from_amount,
    parts_from_principal,
    schedule_after_prepayment,
)
from models.lending.schedule import Remainder, amortise
from tests.support.loan_book import MONEY, RATES, golden, one_year_loan, paid, terms

NUMBERS = golden()["prepayment"]
THREE_PAID = tuple(paid("10661.85", date(2026, month, 5)) for month in (2, 3, 4))
PREPAYABLES = st.builds(
    Prepayable,
    balance=MONEY,
    annual_rate_percent=RATES,
    days=st.integers(0, 366),
    charge_percent=st.sampled_from([Decimal(0), Decimal("2.5")]),
)


def prepaid(amount: str, on: date, option: PrepaymentOption = "reduce_tenure") -> Prepayment:
    return Prepayment(
        reference=f"ahead-{amount}", value_date=on, amount=Decimal(amount), option=option
    )


def test_the_schedule_before_the_prepayment() -> None:
    schedule = amortise(Decimal(NUMBERS["principal"]), terms(), date(2026, 1, 5))
    assert str(schedule.equal_instalment) == NUMBERS["instalment"]
    assert str(schedule.total_interest) == NUMBERS["total_interest"]
    assert [str(row.closing) for row in schedule.instalments] == [r[4] for r in NUMBERS["rows"]]
    assert str(schedule.instalments[2].closing) == NUMBERS["balance_after_three"]


@pytest.mark.parametrize("option", ["reduce_instalment", "reduce_tenure"])
def test_a_prepayment_on_a_due_date_gives_a_new_schedule(option: PrepaymentOption) -> None:
    case: Any = NUMBERS[option]
    due_date = date(2026, 4, 5)
    loan = one_year_loan(*THREE_PAID, prepaid(NUMBERS["prepaid"], due_date, option))
    version = derive(loan, due_date).versions[-1]
    assert (version.effective_on, version.reason) == (due_date, option)
    assert str(version.schedule.equal_instalment) == case["instalment"]
    assert str(version.schedule.total_interest) == case["total_interest"]
    assert [
        [row.number - 3, str(row.opening), str(row.interest), str(row.principal), str(row.closing)]
        for row in version.schedule.instalments
    ] == case["rows"]
    assert version.schedule.instalments[0].due_on == date(2026, 5, 5)


def test_between_due_dates_the_prepaid_part_carries_its_own_interest() -> None:
    # 10,039.45 buys 10,000 and its interest of 12 days: 10,000 * .12 * 12 / 365 = 39.45.
    loan = one_year_loan(*THREE_PAID, prepaid("10039.45", date(2026, 4, 17)))
    state = derive(loan, date(2026, 4, 17))
    assert state.balances.outstanding_principal == Decimal("81329.65")
    assert state.versions[-1].schedule.instalments[0].interest == Decimal("813.30")  # a month's


def test_two_prepayments_on_one_day_are_one() -> None:
    day = date(2026, 4, 17)
    twice = one_year_loan(*THREE_PAID, prepaid("20000.00", day), prepaid("10000.00", day))
    once = one_year_loan(*THREE_PAID, prepaid("30000.00", day))
    last = [derive(loan, day).versions[-1].schedule.instalments for loan in (twice, once)]
    openings = [rows[0].opening for rows in last]
    assert abs(openings[0] - openings[1]) <= Decimal("0.01")
    assert all(row.interest >= 0 for rows in last for row in rows)


def test_what_is_in_arrears_is_paid_before_anything_is_prepaid() -> None:
    loan = one_year_loan(*THREE_PAID[:2], prepaid("10661.85", date(2026, 4, 20)))
    state = derive(loan, date(2026, 4, 20))
    assert len(state.versions) == 1
    assert state.balances.arrears == 0


def test_a_lower_instalment_may_be_impossible() -> None:
    remainder = Remainder(balance=Decimal("0.02"), disbursed_on=date(2026, 1, 5), first_number=4)
    message = "option must be reduce_tenure for what would remain, 0.02: equal instalment over 9"
    with pytest.raises(PostingError, match=message):
        schedule_after_prepayment(remainder, terms(), Decimal("10661.85"), "reduce_instalment")
    shorter = schedule_after_prepayment(remainder, terms(), Decimal("10661.85"), "reduce_tenure")
    assert [row.number for row in shorter.instalments] == [4]


@given(MONEY, PREPAYABLES)
def test_an_amount_buys_all_the_principal_it_can(amount: Decimal, prepayable: Prepayable) -> None:
    parts = parts_from_amount(amount, prepayable)
    assert 0 <= parts.principal <= prepayable.balance
    assert parts.total <= amount
    if parts.principal < prepayable.balance:
        one_cent_more = parts_from_principal(parts.principal + Decimal("0.01"), prepayable)
        assert one_cent_more.total > amount


@given(PREPAYABLES)
def test_what_everything_costs_buys_everything(prepayable: Prepayable) -> None:
    everything = parts_from_principal(prepayable.balance, prepayable)
    assert parts_from_amount(everything.total, prepayable) == everything
