import decimal
import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.lending.errors import AmountError, TermsError
from models.lending.money import (
    AMOUNT_LIMIT,
    MODES,
    UNITS,
    Rounding,
    RoundingMode,
    exact,
    require_amount,
    require_count,
    require_positive,
    require_rate,
)
from models.lending.schedule import amortise
from tests.support.loan_book import DISBURSED_ON, terms


@pytest.mark.parametrize(
    ("unit", "mode", "value", "rounded"),
    [
        ("0.01", "half_up", "2.665", "2.67"),
        ("0.01", "half_even", "2.665", "2.66"),
        ("0.01", "ceiling", "2.661", "2.67"),
        ("1", "half_up", "3226.25", "3226.00"),
        ("1", "ceiling", "3226.25", "3227.00"),
        ("0.05", "half_up", "3226.27", "3226.25"),
        ("10", "half_even", "25", "20.00"),
    ],
)
def test_a_product_says_how_amounts_are_rounded(
    unit: str, mode: RoundingMode, value: str, rounded: str
) -> None:
    assert str(Rounding(unit=Decimal(unit), mode=mode).apply(Decimal(value))) == rounded


@given(
    st.decimals(0, 10**12, places=6),
    st.sampled_from(UNITS),
    st.sampled_from(sorted(MODES)),
)
def test_rounding_moves_an_amount_by_less_than_a_unit_to_a_multiple_of_it(
    value: Decimal, unit: Decimal, mode: RoundingMode
) -> None:
    rounded = Rounding(unit=unit, mode=mode).apply(value)
    assert rounded % unit == 0
    assert abs(rounded - value) <= (unit if mode == "ceiling" else unit / 2)
    assert mode != "ceiling" or rounded >= value


def test_a_unit_nobody_can_pay_in_is_refused() -> None:
    message = "rounding.unit must be one of 0.01, 0.05, 0.10, 0.50, 1, 10, got 0.001"
    with pytest.raises(TermsError, match=message):
        Rounding(unit=Decimal("0.001"))
    with pytest.raises(TermsError, match=r"rounding\.mode must be one of half_up, half_even, "):
        Rounding(mode="down")  # type: ignore[arg-type]  # what a database might hold


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (Decimal("NaN"), "amount must be finite, got NaN"),
        (Decimal("Infinity"), "amount must be finite, got Infinity"),
        (Decimal("-0.01"), "amount must be at least 0 and below 1000000000000000, got -0.01"),
        (AMOUNT_LIMIT, "amount must be at least 0 and below 1000000000000000, got 1000000"),
        (Decimal("1E+400"), "amount must be at least 0 and below 1000000000000000, got 1E"),
        (Decimal("1.005"), "must have at most 2 decimal places, got 1.005; round it before it"),
        (1.5, "amount must be a Decimal, got float; make it from text, not from a float"),
        (True, "amount must be a Decimal, got bool"),
    ],
)
def test_an_amount_that_is_no_money_is_refused(value: object, message: str) -> None:
    with pytest.raises(AmountError, match=message.replace("+", r"\+")):
        require_amount("amount", value)  # type: ignore[arg-type]  # what a caller might pass


@pytest.mark.parametrize(
    ("value", "amount"),
    [("0", "0.00"), ("-0", "0.00"), ("7", "7.00"), ("1E+2", "100.00"), ("1.500", "1.50")],
)
def test_an_amount_always_has_two_places(value: str, amount: str) -> None:
    assert str(require_amount("amount", Decimal(value))) == amount
    assert require_amount("amount", AMOUNT_LIMIT - Decimal("0.01"))


def test_a_posted_amount_is_above_zero() -> None:
    assert require_positive("amount", Decimal("0.01")) == Decimal("0.01")
    with pytest.raises(AmountError, match="amount must be above 0"):
        require_positive("amount", Decimal("0.00"))


@pytest.mark.parametrize("rate", ["0", "9.5", "999.999999", "36.00000000"])
def test_a_rate_is_a_per_cent(rate: str) -> None:
    assert require_rate("rate", Decimal(rate)) == Decimal(rate)


@pytest.mark.parametrize("rate", ["-1", "1000", "9.1234567"])
def test_a_rate_out_of_bounds_is_refused(rate: str) -> None:
    with pytest.raises(AmountError, match="rate must be a per cent from 0 to below 1000 with at"):
        require_rate("rate", Decimal(rate))


@pytest.mark.parametrize("count", [0, 13, True, 1.0])
def test_a_count_is_a_whole_number_within_bounds(count: object) -> None:
    assert require_count("months", 12, 1, 12) == 12
    with pytest.raises(AmountError, match="months must be a whole number from 1 to 12, got"):
        require_count("months", count, 1, 12)  # type: ignore[arg-type]  # likewise


def test_the_decimal_context_of_the_caller_changes_nothing() -> None:
    usual = amortise(Decimal(3_500_000), terms("9.5", 36), DISBURSED_ON)
    with decimal.localcontext(decimal.Context(prec=4, rounding=decimal.ROUND_DOWN)):
        narrow = amortise(Decimal(3_500_000), terms("9.5", 36), DISBURSED_ON)
        assert (narrow, narrow.total_interest) == (usual, usual.total_interest)


def test_a_float_cannot_slip_into_a_sum() -> None:
    @exact
    def half(amount: Decimal) -> Decimal:
        return amount * Decimal(math.sqrt(0.25))

    with pytest.raises(decimal.FloatOperation):
        half(Decimal(1))
