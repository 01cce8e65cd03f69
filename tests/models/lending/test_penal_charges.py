from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.lending.errors import AmountError
from models.lending.loan_state import derive
from models.lending.penal_charges import PenalPolicy, charges_in_cents, penal_charge
from models.lending.terms import LoanProduct
from tests.support.loan_book import one_year_loan, paid

PENAL = LoanProduct(penal=PenalPolicy(annual_rate_percent=Decimal(24)))


def test_a_charge_is_the_rate_on_what_was_overdue_for_the_days_it_was() -> None:
    policy = PenalPolicy(annual_rate_percent=Decimal(24), flat_amount=Decimal(100))
    assert penal_charge(policy, Decimal(1_000) * 30) == Decimal("119.73")  # 100 + 19.726
    assert penal_charge(policy, Decimal(0)) == 0


AMOUNTS = st.decimals("0.01", 10**9, places=2)


@given(
    st.decimals(0, 999, places=6),
    st.decimals(0, 1_000, places=2),
    st.one_of(st.just(Decimal(0)), AMOUNTS),
    AMOUNTS,
)
def test_charges_of_many_days_in_cents_are_the_charges_of_each_day(
    rate: Decimal, flat: Decimal, amount_days: Decimal, overdue: Decimal
) -> None:
    policy = PenalPolicy(annual_rate_percent=rate, flat_amount=flat)
    each = [penal_charge(policy, amount_days + overdue * day) for day in (1, 2, 3)]
    in_cents = charges_in_cents(policy, amount_days, overdue, (1, 2, 3))
    assert in_cents == [100 * charge for charge in each]


@pytest.mark.parametrize(
    ("paid_on", "charge"),
    [
        (date(2026, 2, 5), "0.00"),  # on the due date: before the close of that day
        (date(2026, 2, 6), "7.01"),  # 10,661.85 * .24 / 365
        (date(2026, 2, 15), "70.11"),
    ],
)
def test_each_day_end_with_an_unpaid_instalment_is_charged(paid_on: date, charge: str) -> None:
    loan = one_year_loan(paid("10661.85", paid_on), product=PENAL)
    assert derive(loan, date(2026, 2, 20)).balances.due_penal_charges == Decimal(charge)


def test_penal_charges_are_not_compounded() -> None:
    # Two instalments late for 365 and 337 days; a charge on charges would be more.
    state = derive(one_year_loan(product=PENAL), date(2027, 2, 4))
    days = [365 - (date(2026, m, 5) - date(2026, 2, 5)).days for m in range(2, 13)]
    days.append(31)  # due on 5 January 2027
    charged = [row.unpaid["penal"] for row in state.instalments]
    base = [row.unpaid["interest"] + row.unpaid["principal"] for row in state.instalments]
    assert charged == [
        penal_charge(PENAL.penal, amount * n) for amount, n in zip(base, days, strict=True)
    ]
    assert state.balances.due_interest == Decimal("7942.26")  # the contract's, whatever is late


def test_grace_days_are_free_and_a_flat_amount_comes_once() -> None:
    policy = PenalPolicy(flat_amount=Decimal(500), grace_days=3)
    loan = one_year_loan(product=LoanProduct(penal=policy))
    charges = [derive(loan, date(2026, 2, day)).balances.due_penal_charges for day in (5, 7, 8, 28)]
    assert charges == [0, 0, 500, 500]


def test_late_closes_charge_what_daily_closes_would_have() -> None:
    loan = one_year_loan(product=PENAL)
    late = derive(loan, date(2026, 3, 20))
    daily = [derive(loan, date(2026, 3, day)) for day in range(15, 21)]
    assert daily[-1] == late
    for state in daily:
        assert late.journal[: len(state.journal)] == state.journal


@pytest.mark.parametrize("member", ["annual_rate_percent", "flat_amount"])
def test_a_policy_out_of_bounds_is_refused(member: str) -> None:
    with pytest.raises(AmountError, match=f"penal.{member} must be"):
        PenalPolicy(**{member: Decimal(-1)})  # type: ignore[arg-type]  # one of the two
    with pytest.raises(AmountError, match=r"penal\.grace_days must be a whole number from 0"):
        PenalPolicy(grace_days=-1)
