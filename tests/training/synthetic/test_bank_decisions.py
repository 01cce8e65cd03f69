"""Decisions of the synthetic bank: what is decided, and what is known of it."""

import csv
from datetime import date
from pathlib import Path

import pytest

from training.synthetic.bank_decisions import write_outcomes, year_before

DAY = date(2026, 11, 28)


@pytest.mark.parametrize(
    ("day", "before"),
    [
        (date(2026, 11, 28), date(2025, 11, 28)),
        (date(2028, 2, 29), date(2027, 2, 28)),
    ],
)
def test_a_year_before_is_the_same_date(day: date, before: date) -> None:
    assert year_before(day) == before


def test_a_default_within_the_year_is_an_outcome_and_one_before_it_is_none(tmp_path: Path) -> None:
    as_of = date(2025, 11, 29)
    ago, recent = date(2025, 11, 28), date(2026, 11, 20)
    first_defaults = {"good": None, "bad": date(2026, 3, 1), "gone": date(2025, 5, 1)}
    defaults = {name: day for name, day in first_defaults.items() if day}
    lines = [(f"1-{name}", ago, {"customer_id": name, "as_of": as_of}) for name in first_defaults]
    lines += [("2-good", recent, {"customer_id": "good", "as_of": date(2026, 11, 29)})]
    assert write_outcomes(tmp_path / "known.csv", lines, defaults, DAY) == 2
    with (tmp_path / "known.csv").open() as file:
        assert [tuple(row) for row in csv.reader(file)] == [
            ("decision_id", "outcome"),
            ("1-good", "0"),
            ("1-bad", "1"),
        ]
