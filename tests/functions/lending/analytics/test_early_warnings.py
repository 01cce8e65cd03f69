"""Early warnings: one book in which each reason holds for a loan that a reader can name."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from functions.lending.analytics.early_warnings import REASONS, RISING
from tests.support.lending import BookClient, client_on, fresh_database
from tests.support.lending_year import INSTALMENT, close_on

CAR = {"kind": "car", "description": "A van", "valued_on": "2026-01-05"}
LATER = """
INSERT INTO decisions (id, application_id, customer_id, branch_id, decided_by, is_automated,
    outcome, model, model_version, probability_of_default, credit_score, created_at)
SELECT gen_random_uuid(), id, customer_id, branch_id, 'm v1', true, 'pending', 'm', 'v1', 0.1,
    CAST(:score AS smallint), CAST(:at AS timestamptz) FROM applications WHERE id = :application
"""


def score(book: BookClient, application: str, points: int, at: str) -> None:
    """Record what a model would have decided."""
    engine = create_engine(book.url)
    values = {"application": application.removeprefix("app_"), "score": points, "at": at}
    with engine.begin() as connection:
        connection.execute(text(LATER), values)
    engine.dispose()


def pay(book: BookClient, loan: str, day: str, amount: str = INSTALMENT) -> None:
    book.move_to(date.fromisoformat(day))
    book.ok("POST", f"/v1/loans/{loan}:repay", {"amount": amount})


@pytest.fixture(scope="module")
def warned(postgres: str, template: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Closed on 7 May: first instalments fell due on 5 February."""
    with fresh_database(postgres, template) as url, client_on(url) as book:
        customers = {"npa": book.register(phone="+91 22 5550 0999")}
        loans = {"npa": book.disburse(customers["npa"])}
        for name in ("on time", "always late", "partial", "guaranteed", "secured", "scored"):
            customers[name] = book.register()
            loans[name] = book.disburse(customers[name])
        guarantor = {"full_name": "R", "relationship": "aunt", "guaranteed": 1000}
        path = f"/v1/loans/{loans['guaranteed']}/guarantors"
        book.ok("POST", path, guarantor | {"phone": "+912255500999"})
        path = f"/v1/loans/{loans['secured']}/collateral"
        book.ok("POST", path, CAR | {"value": 100})
        book.ok("POST", path, CAR | {"value": 90, "valued_on": "2026-03-01"})
        own = book.loan(loans["scored"])["application_id"]
        score(book, own, 700, "2026-01-05T00:00:00Z")
        newer = book.apply(customers["scored"])["application_id"]
        score(book, newer, 660, "2026-03-05T00:00:00Z")
        for month in ("02", "03", "04", "05"):
            for name in ("on time", "guaranteed", "secured", "scored"):
                pay(book, loans[name], f"2026-{month}-05")
            if month != "05":
                pay(book, loans["always late"], f"2026-{month}-07")
        pay(book, loans["partial"], "2026-05-06", "21323.71")  # two instalments and a cent
        close_on(book, date(2026, 5, 7))
        yield url, loans


@pytest.fixture
def warnings(warned: tuple[str, dict[str, str]]) -> dict[str, list[Any]]:
    """The names of the loans of each reason, and since when."""
    url, loans = warned
    names = {loan.removeprefix("loan_"): name for name, loan in loans.items()}
    engine = create_engine(url)
    with engine.connect() as connection:
        query = "SELECT reason, loan_id, since FROM early_warnings ORDER BY since, loan_id"
        rows = connection.execute(text(query)).all()
    engine.dispose()
    by_reason: dict[str, list[Any]] = {name: [] for name in REASONS}
    for row in rows:
        by_reason[row.reason].append((names[row.loan_id.hex], row.since.isoformat()))
    return by_reason


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        # `partial` paid February and March late, and a cent of April.
        (
            "three_late_in_a_row",
            [("npa", "2026-03-05"), ("partial", "2026-03-05"), ("always late", "2026-03-05")],
        ),
        ("first_payment_default", [("npa", "2026-02-05")]),
        ("partial_payments", [("partial", "2026-04-05")]),
        ("score_down", [("scored", "2026-03-05")]),
        ("guarantor_npa", [("guaranteed", "2026-05-06")]),
        ("collateral_value_down", [("secured", "2026-03-01")]),
        ("days_past_due_rising", []),  # no month end is on record
    ],
)
def test_each_reason_names_its_loans(
    reason: str, expected: list[Any], warnings: dict[str, list[Any]]
) -> None:
    assert sorted(warnings[reason]) == sorted(expected)


def test_a_loan_that_is_later_at_each_month_end_is_rising(
    year: tuple[str, dict[str, str]],
) -> None:
    """After three month ends: late by 24, 55 and 85 days; the others are 24 to 27 days late."""
    engine = create_engine(year[0])
    with engine.connect() as connection:
        rows = connection.execute(text(RISING), {"day": date(2026, 12, 31)}).all()
    engine.dispose()
    names = {loan.removeprefix("loan_"): name for name, loan in year[1].items()}
    assert sorted(names[row.id.hex] for row in rows) == ["grown", "late"]


def test_every_line_says_what_it_means_and_what_to_do(warned: tuple[str, dict[str, str]]) -> None:
    with client_on(warned[0]) as book:
        reply = book.ok("GET", "/v1/portfolio/early-warning")
    assert reply["as_of"] == "2026-05-07"
    for line in reply["lines"]:
        reason = REASONS[line["key"]["reason"]]
        assert (line["meaning"], line["next_action"]) == (reason.meaning, reason.next_action)
