from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.lending.errors import LendingError, TermsError
from models.lending.money import Rounding, RoundingMode
from models.lending.schedule import (
    Remainder,
    Schedule,
    amortise,
    equal_instalment,
    exact_instalment,
    schedule_at_payment,
)
from models.lending.terms import LoanProduct, LoanTerms
from tests.support.counts import counts
from tests.support.loan_book import DISBURSED_ON, RATES, golden, random_terms, terms


def rows(schedule: Schedule) -> dict[int, tuple[Decimal, Decimal, Decimal, Decimal]]:
    return {r.number: (r.opening, r.interest, r.principal, r.closing) for r in schedule.instalments}


@pytest.mark.parametrize(
    "case",
    golden()["schedules"],
    ids=lambda case: f"{case['principal']} at {case['rate']} x {case['months']}",
)
def test_schedules_of_worked_examples(case: dict[str, Any]) -> None:
    principal, rate = Decimal(case["principal"]), Decimal(case["rate"])
    schedule = amortise(principal, terms(case["rate"], case["months"]), DISBURSED_ON)
    unrounded = exact_instalment(principal, rate, case["months"])
    assert str(unrounded.quantize(Decimal("1E-12"))) == case["unrounded"]
    assert str(schedule.equal_instalment) == case["instalment"]
    assert str(schedule.total_interest) == case["total_interest"]
    assert str(schedule.total_payment) == case["total_payment"]
    assert str(schedule.instalments[-1].payment) == case["last_payment"]
    assert len(schedule.instalments) == case["months"]
    for number, *amounts in case["rows"]:
        assert rows(schedule)[number] == tuple(map(Decimal, amounts))


@pytest.mark.parametrize(("unit", "mode", "instalment"), golden()["instalment_rounding"])
def test_the_instalment_is_rounded_as_the_product_says(
    unit: str, mode: RoundingMode, instalment: str
) -> None:
    product = LoanProduct(instalment_rounding=Rounding(unit=Decimal(unit), mode=mode))
    rounded = equal_instalment(Decimal(100_000), terms("9.99", 36, product=product))
    assert rounded == Decimal(instalment)


@pytest.mark.soak
@settings(max_examples=counts().books)
@given(st.integers(1, 10**11), random_terms())
def test_principal_sums_to_the_loan_and_nothing_is_negative(
    cents: int, any_terms: LoanTerms
) -> None:
    principal = Decimal(cents) / 100
    disbursed_on = date(2023, 11, 30)
    try:
        schedule = amortise(principal, any_terms, disbursed_on)
    except TermsError:
        # A whole unit more in every instalment would repay it: the unit is too coarse for the loan.
        assert principal < 2 * any_terms.months**2
        return
    assert sum(row.principal for row in schedule.instalments) == principal
    assert len(schedule.instalments) == any_terms.months
    assert all(row.principal > 0 <= row.interest for row in schedule.instalments)
    assert all(row.payment == schedule.equal_instalment for row in schedule.instalments[1:-1])
    assert schedule.instalments[-1].closing == 0


@given(st.integers(100, 10**9), RATES, st.integers(1, 600))
def test_the_exact_instalment_repays_the_loan(principal: int, rate: Decimal, months: int) -> None:
    instalment = exact_instalment(Decimal(principal), rate, months)
    balance = Decimal(principal)
    for _ in range(months):
        balance += balance * rate / 1200 - instalment
    assert abs(balance) < Decimal("1E-6")


def test_the_last_instalment_absorbs_what_rounding_left() -> None:
    schedule = amortise(Decimal(100), terms("0", 3), DISBURSED_ON)
    assert [str(row.payment) for row in schedule.instalments] == ["33.33", "33.33", "33.34"]


@pytest.mark.parametrize(
    ("principal", "rate", "months", "unit", "message"),
    [
        ("1.00", "0", 360, "0.01", "over 360 months rounds to 0; lend more, or over fewer months"),
        ("10", "12", 360, "0.01", "of 0.10 does not exceed the month's interest of 0.10; lend"),
        ("0.06", "0", 4, "0.01", "of 0.02 would end the loan after 3 of 4 months; lend more, or"),
        ("100", "0", 30, "1", "of 4.00 would end the loan after 25 of 30 months; lend more, or"),
    ],
)
def test_a_loan_that_rounding_would_spoil_is_refused(
    principal: str, rate: str, months: int, unit: str, message: str
) -> None:
    mode: RoundingMode = "ceiling" if unit == "1" else "half_up"
    product = LoanProduct(instalment_rounding=Rounding(unit=Decimal(unit), mode=mode))
    with pytest.raises(TermsError, match=f"equal instalment {message}"):
        amortise(Decimal(principal), terms(rate, months, product=product), DISBURSED_ON)


def test_rounding_up_keeps_the_number_of_instalments() -> None:
    product = LoanProduct(instalment_rounding=Rounding(unit=Decimal(1), mode="ceiling"))
    schedule = amortise(Decimal(130), terms("20", 12, product=product), DISBURSED_ON)
    payments = [str(row.payment) for row in schedule.instalments]
    assert payments == ["13.00"] * 11 + ["0.42"]


def test_a_schedule_may_follow_from_the_instalment() -> None:
    remainder = Remainder(balance=Decimal(250), disbursed_on=DISBURSED_ON, first_number=2)
    schedule = schedule_at_payment(remainder, terms("0", 12), Decimal(100))
    assert [(row.number, str(row.payment)) for row in schedule.instalments] == [
        (2, "100.00"),
        (3, "100.00"),
        (4, "50.00"),
    ]


@pytest.mark.parametrize(
    ("principal", "rate", "months", "field"),
    [("0", "1", 1, "principal"), ("1", "-1", 1, "annual_rate_percent"), ("1", "1", 0, "months")],
)
def test_numbers_out_of_bounds_are_refused_by_name(
    principal: str, rate: str, months: int, field: str
) -> None:
    with pytest.raises(LendingError) as caught:
        exact_instalment(Decimal(principal), Decimal(rate), months)
    assert caught.value.field == field
