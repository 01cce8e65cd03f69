"""A synthetic loan book: its size, its documented customers, and payments that fit its loans."""

from datetime import date
from functools import cache

import pandas as pd
import pytest

from training.synthetic import book as synthetic_book
from training.synthetic.book import DECLINE_FROM, generate, generate_parts

AS_OF = date(2026, 11, 30)


@cache
def book() -> dict[str, pd.DataFrame]:
    return generate(1_000, 42, AS_OF)


def test_the_book_has_the_size_of_the_earlier_systems() -> None:
    sizes = {name: len(table) for name, table in book().items()}
    assert (sizes["customers"], sizes["applications"]) == (1_000, 1_500)
    assert 700 < sizes["disbursements"] < 900
    assert 6_000 < sizes["repayments"] < 14_000
    assert {1101, 1102} <= set(book()["customers"]["customer_id"])


def test_defaults_follow_the_true_probability_among_all_applications() -> None:
    applications = book()["applications"]
    expected = applications["true_probability"].mean()
    assert applications["default"].mean() == pytest.approx(expected, abs=0.03)
    accepted = applications[applications["status"] == "accepted"]
    assert accepted["true_probability"].max() < DECLINE_FROM


def test_nothing_happens_before_the_disbursement_or_after_the_last_day() -> None:
    loans = book()["disbursements"].set_index("application")
    payments = book()["repayments"]
    assert max(payments["value_date"]) <= AS_OF
    assert (
        payments["value_date"] >= loans.loc[payments["application"], "disbursed_on"].to_numpy()
    ).all()
    assert payments["reference"].is_unique


def test_the_same_seed_gives_the_same_book() -> None:
    first, second = generate(50, 7, AS_OF), generate(50, 7, AS_OF)
    assert all(first[name].equals(second[name]) for name in first)


def test_a_large_book_is_drawn_part_by_part_and_its_numbers_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(synthetic_book, "PART", 40)
    parts = list(generate_parts(100, 42, AS_OF))
    assert [len(part["customers"]) for part in parts] == [40, 40, 20]
    assert all(parts[0][name].equals(table) for name, table in generate(40, 42, AS_OF).items())
    drawn = {name: pd.concat([part[name] for part in parts]) for name in parts[0]}
    assert drawn["customers"]["customer_id"].tolist() == list(range(1_101, 1_201))
    assert drawn["applications"]["application"].tolist() == list(range(1, 151))
    assert drawn["customers"]["email"].iloc[-1] == "customer1200@example.org"
    assert set(drawn["applications"]["customer_id"]) <= set(drawn["customers"]["customer_id"])
    assert set(drawn["disbursements"]["application"]) <= set(drawn["applications"]["application"])
    assert set(drawn["repayments"]["application"]) <= set(drawn["disbursements"]["application"])
    assert drawn["repayments"]["reference"].is_unique
