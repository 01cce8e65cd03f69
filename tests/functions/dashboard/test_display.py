"""Digits, dates and words as people read them."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from functions.dashboard import display
from tests.support.fake_api import FakeApi


@pytest.mark.parametrize(
    ("value", "indian", "international"),
    [
        ("0.00", "0.00", "0.00"),
        ("999.50", "999.50", "999.50"),
        ("1000.00", "1,000.00", "1,000.00"),
        ("123456.78", "1,23,456.78", "123,456.78"),
        ("1234567.89", "12,34,567.89", "1,234,567.89"),
        ("123456789.00", "12,34,56,789.00", "123,456,789.00"),
        ("-1234567.00", "-12,34,567.00", "-1,234,567.00"),
        ("999999999999999.99", "99,99,99,99,99,99,999.99", "999,999,999,999,999.99"),
    ],
)
def test_digits_are_grouped_and_none_is_lost(value: str, indian: str, international: str) -> None:
    assert display.format_decimal(Decimal(value), "indian") == indian
    assert display.format_decimal(Decimal(value), "international") == international


def test_figures_are_written_as_the_api_has_them(api: FakeApi) -> None:
    assert api.requests == []
    assert display.money("10661.85") == "10,661.85"
    assert display.money(500000.0) == "5,00,000.00"
    assert display.percent(4.18) == "4.18 %"
    assert display.share(0.0332, 2) == "3.32 %"
    assert display.number(375000.0) == "3,75,000"
    assert display.number(0.3) == "0.3"
    assert display.day(date(2026, 11, 30)) == "2026-11-30"
    missing = (display.money, display.percent, display.share, display.number, display.day)
    assert {write(None) for write in missing} == {display.NOTHING}


def test_a_moment_is_in_the_zone_of_the_business_date(api: FakeApi) -> None:
    assert api.requests == []
    evening = datetime(2026, 11, 30, 20, 0, 59, tzinfo=UTC)
    assert display.moment(evening) == "2026-12-01 01:30"
    assert display.moment(None) == display.NOTHING


def test_names_of_the_api_are_words(api: FakeApi) -> None:
    assert api.requests == []
    assert [display.words(n) for n in ("sma_1", "sub_standard", "reduce_tenure")] == [
        *("SMA-1", "Sub-standard", "Reduce tenure"),
    ]
