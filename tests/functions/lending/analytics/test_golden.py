"""Worked numbers: roll rates and vintages of recorded rows that a reader can count."""

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from functions.lending.analytics.month_ends import _sum_up, following, month_end
from tests.support.lending import BookClient, client_on, fresh_database
from tests.support.running import REPOSITORY

GOLDEN = json.loads((REPOSITORY / "tests/functions/lending/analytics/golden.json").read_text())
ROW = """
INSERT INTO loan_months SELECT :month, md5(:name)::uuid, 0, 1, 1, 1, :cohort, :age, '600-649',
    'm v1', :amount, :amount, 0, 0, :days, :worst, :bucket, 'standard', NULL, 'rbi_irac_2025@1',
    :before, :amount, 0, false, :month
"""
MONTH = "INSERT INTO month_ends VALUES (:month, 0, '[\"rbi_irac_2025@1\"]', now())"


def first_day(name: str) -> date:
    return date.fromisoformat(f"{name}-01")


def vintage_rows(case: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Each loan at each month end since its disbursement."""
    for number, loan in enumerate(case["loans"]):
        cohort, since = first_day(loan["disbursed"]), loan["first_month_end_90plus"]
        month, age = month_end(cohort), 0
        while month <= month_end(first_day(case["data_until"])):
            days = 100 if since and month >= first_day(since) else 0
            row = {"name": f"vintage {number}", "month": month, "cohort": cohort, "age": age}
            row |= {"amount": loan["amount"], "days": days, "worst": days, "before": None}
            yield row | {"bucket": "90+" if days else "current"}
            month, age = following(month), age + 1


def roll_rows(case: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Loans of one unit each, from their state in January 2020 to that in February."""
    for before, counts in case["counts"].items():
        for after, count in zip(case["states"], counts, strict=True):
            for number in range(count):
                row = {"name": f"{before} {after} {number}", "month": date(2020, 2, 29), "age": 1}
                row |= {"cohort": date(2020, 1, 1), "amount": 1, "days": 0, "worst": 0}
                yield row | {"before": before, "bucket": after}


@pytest.fixture(scope="module")
def recorded(postgres: str, template: str) -> Iterator[BookClient]:
    with fresh_database(postgres, template) as url, client_on(url) as book:
        rows = [*roll_rows(GOLDEN["roll_rates"]), *vintage_rows(GOLDEN["vintages"])]
        engine = create_engine(url)
        with engine.begin() as connection:
            months = sorted({row["month"] for row in rows})
            for month in months:
                connection.execute(text("SELECT create_month(:month)"), {"month": month})
                connection.execute(text(MONTH), {"month": month})
            connection.execute(text(ROW), rows)
            for month in months:
                _sum_up(connection, month, "reported", has_previous=True)
        engine.dispose()
        yield book


def test_roll_rates_are_golden(recorded: BookClient) -> None:
    case = GOLDEN["roll_rates"]
    reply = recorded.ok("GET", "/v1/portfolio/roll-rates?month=2020-02")
    shares = {
        (n["key"]["from"], n["key"]["to"]): (n["number"], n["share_of_number"])
        for n in reply["lines"]
    }
    expected = {
        (before, after): (count, f"{float(share) * 100:.4f}")
        for before, counts in case["counts"].items()
        for after, count, share in zip(
            case["states"], counts, case["matrix_6dp"][before], strict=True
        )
        if count
    }
    assert shares == expected
    assert sum(number for number, _ in shares.values()) == 1_100


def test_vintages_are_golden_by_count_and_by_amount(recorded: BookClient) -> None:
    lines = recorded.ok("GET", "/v1/portfolio/vintages")["lines"]
    for cohort, curve in GOLDEN["vintages"]["curves"].items():
        points = {n["key"]["months_on_book"]: n for n in lines if n["key"]["cohort"] == cohort}
        counts = {age: n["share_of_number"] for age, n in points.items()}
        assert counts == curve["ever90_by_mob_count_percent"]
        amounts = {age: n["share_of_amount"] for age, n in points.items()}
        assert amounts == curve["ever90_by_mob_amount_percent"]
        first = points["0"]
        assert (first["of_number"], float(first["of_amount"])) == (
            curve["loans"],
            float(curve["amount"]),
        )
