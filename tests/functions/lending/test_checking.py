"""The nightly check: quiet on a sound book, and by name on one that somebody changed."""

import json
import random
from collections.abc import Callable, Iterator
from contextlib import closing as closed
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from functions.lending import checking, cli
from functions.lending.checking import check_book
from functions.lending.closing import DailyClose
from functions.lending.storage.database import Database
from tests.support.counts import counts
from tests.support.lending import NOW, BookClient, client_on, fresh_database

COLLATERAL = {
    "kind": "gold",
    "description": "A chain",
    "value": "50000",
    "valued_on": "2026-01-05",
}
WRITTEN_OFF_TOO_EARLY = """
    INSERT INTO adjustments SELECT gen_random_uuid(), id, 1, 'x', '2026-01-01', 'write_off', NULL,
        NULL, 'settled', NULL, NULL, NULL, '', 'x', NULL, '2026-01-05', now()
    FROM loans WHERE status = 'active'"""
NEWEST = 40  # loans that are posted to; older ones stay as they are, while days pass
FOLDED = "SELECT sum(number), sum(outstanding) FROM loan_cells"


@pytest.fixture(scope="module")
def lent(postgres: str, template: str) -> Iterator[tuple[str, str]]:
    """A database to copy, and its loan of 120,000 that paid its first instalment.

    Beside it another loan is granted and not paid out.
    """
    with fresh_database(postgres, template) as url:
        with client_on(url) as book:
            book.grant()
            loan = book.disburse()
            book.move_to(date(2026, 2, 5))
            book.ok("POST", f"/v1/loans/{loan}:repay", {"amount": "10661.85"})
            book.ok("POST", f"/v1/loans/{loan}/collateral", COLLATERAL)
        yield str(make_url(url).database), loan


@pytest.fixture
def book(
    postgres: str, lent: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[BookClient]:
    """The application on a copy of that database, which the commands use, too."""
    with fresh_database(postgres, lent[0]) as url, client_on(url) as book:
        monkeypatch.setenv("DATABASE_URL", url)
        yield book


@pytest.fixture
def loan(lent: tuple[str, str]) -> str:
    return lent[1]


@pytest.fixture
def database(book: BookClient) -> Iterator[Database]:
    with closed(Database(book.url, 1)) as database:
        yield database


def change(book: BookClient, *statements: str) -> None:
    """Change the book as its owner can, whom no trigger stops."""
    engine = create_engine(book.url)
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def read_rows(book: BookClient, query: str) -> list[tuple[Any, ...]]:
    engine = create_engine(book.url)
    with engine.connect() as connection:
        rows = [tuple(row) for row in connection.execute(text(query))]
    engine.dispose()
    return rows


def run(capsys: pytest.CaptureFixture[str], command: str) -> tuple[int, dict[str, Any]]:
    code = cli.main([command])
    return code, json.loads(capsys.readouterr().out)


def test_a_sound_book_has_no_difference(
    book: BookClient, capsys: pytest.CaptureFixture[str]
) -> None:
    assert book
    assert run(capsys, "check") == (
        0,
        {
            "business_date": "2026-02-05",
            "borrowers": 2,
            "loans": 2,
            "different": 0,
            "differences": [],
        },
    )


@pytest.mark.parametrize(
    ("statement", "difference"),
    [
        ("UPDATE loans SET credit = 1 WHERE status = 'active'", "credit is 1.00, its facts say 0"),
        ("UPDATE loans SET credit = 1, status = 'active'", "status is active, its facts say gran"),
        ("UPDATE repayments SET amount = 10661", "due_principal is 0.00, its facts say 0.85"),
        ("UPDATE instalments SET met_on = due_on", "instalments are not what its facts say"),
        ("DELETE FROM instalments WHERE number = 12", "instalments are not what its facts say"),
        ("UPDATE journal_lines SET debit = 1 WHERE debit > 0", "journal_entries: "),
        ("UPDATE journal_entries SET reference = 'x'", "journal_entries do not amount to what"),
        ("UPDATE allocations SET amount = 1", "allocations do not amount to what its facts say"),
        ("UPDATE schedule_versions SET months = 11", "schedule_versions are not what its facts s"),
        (
            WRITTEN_OFF_TOO_EARLY,
            "the facts contradict each other: ",
        ),
        (
            "DELETE FROM loan_cells WHERE status = 'granted'",
            "is_secured=False purpose=Home Renovation months=12: above the recount: number by -",
        ),
        ("UPDATE payment_cells SET amount = 10662", "above the recount: amount by 0.15"),
        ("UPDATE due_cells SET met = met + 1 WHERE number > 0", "due_on=2026-02-05: above the re"),
    ],
)
def test_what_somebody_changed_is_named_and_stays(
    statement: str, difference: str, book: BookClient, capsys: pytest.CaptureFixture[str]
) -> None:
    change(book, statement)
    code, printed = run(capsys, "check")
    assert code == 1
    assert printed["different"] == len(printed["differences"]) > 0
    assert any(difference in line for line in printed["differences"]), printed["differences"]
    assert run(capsys, "check")[1] == printed


def test_a_borrower_in_arrears_who_gets_another_loan_is_no_difference(
    book: BookClient, loan: str, database: Database
) -> None:
    """Accepting derives nothing; paying out, and taking that back, derive the old loan, too."""
    closing = DailyClose(database=database, now=lambda: NOW)
    closing.close_through(date(2026, 3, 6))
    assert book.loan(loan)["days_past_due"] == 2
    another = book.grant(book.loan(loan)["customer_id"], loan_amount=1000)
    assert check_book(database).differences == []
    paid = book.ok("POST", f"/v1/loans/{another}:disburse")["reference"]
    assert check_book(database).differences == []
    undone = {"reference": paid, "reason": "Wrong"}
    book.ok("POST", f"/v1/loans/{another}:reverse", undone)
    assert book.loan(another)["status"] == "granted"
    assert check_book(database).differences == []
    closing.close_through(date(2026, 3, 7))
    assert check_book(database).differences == []


def test_of_many_differences_the_first_ones_are_named(
    book: BookClient, loan: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "MOST_NAMED", 1)
    monkeypatch.setattr(checking, "BATCH", 1)
    change(book, "UPDATE loans SET credit = 1, due_fees = 1")
    checked = check_book(database)
    assert (checked.borrowers, checked.loans, checked.different) == (2, 2, 2)
    assert checked.differences == [f"{loan}: due_fees is 1.00, its facts say 0.00"]


class Operations:
    """Random work of a lender: each step is a request that may be refused, or a closed day."""

    def __init__(self, book: BookClient, seed: int) -> None:
        self.book, self.chance = book, random.Random(seed)  # noqa: S311 -- a book to make again
        self.day = date(2026, 1, 5)
        self.customers = [book.register() for _ in range(3)]
        self.loans = [book.disburse(customer) for customer in self.customers]
        self.posted: dict[str, list[str]] = {loan: [] for loan in self.loans}

    def step(self, close: Callable[[date], object]) -> None:
        kind = self.chance.choice(["apply", "grant", "close", *["post"] * 17])
        if kind == "apply":
            self.book.apply(self.chance.choice(self.customers))
        elif kind == "grant":
            self.grant()
        elif kind == "close":
            days = self.chance.choice([1, 1, 7])
            self.day += timedelta(days=days)
            close(self.day - timedelta(days=1))
        else:
            self.post(self.chance.choice(self.loans[-NEWEST:]))

    def grant(self) -> None:
        if self.chance.random() < 0.7:
            self.customers.append(self.book.register())
        purpose = self.chance.choice(["Education", "Home Renovation"])
        terms = {"loan_purpose": purpose, "loan_tenure_months": self.chance.choice([3, 6, 12])}
        loan = self.book.disburse(self.customers[-1], **terms)
        self.loans.append(loan)
        self.posted[loan] = []

    def post(self, loan: str) -> None:
        path, body = self.draw(self.posted[loan])
        response = self.book("POST", f"/v1/loans/{loan}{path}", body)
        assert response.status_code in {201, 409}, response.text
        if response.status_code == 201 and "reference" in response.json():
            self.posted[loan].append(response.json()["reference"])

    def draw(self, posted: list[str]) -> tuple[str, dict[str, Any]]:
        chance = self.chance
        value_date = max(date(2026, 1, 5), self.day - timedelta(days=chance.randrange(40)))
        dated = {"value_date": value_date.isoformat()}
        amount = {"amount": f"{chance.randrange(1, 2_000_000) / 100:.2f}"}
        choices: list[tuple[str, dict[str, Any]]] = [
            *[(":repay", amount | dated)] * 4,
            (":charge", {"amount": "250", "note": "Cheque", **dated}),
            (":prepay", amount | {"option": "reduce_tenure"}),
            (":waive", {"amount": "40", "component": "penal", "reason": "Goodwill"}),
            (":write_off", {"kind": "technical", "reason": "No recovery expected"}),
            ("/collateral", COLLATERAL | {"kind": chance.choice(["gold", "vehicle"])}),
        ]
        choices += [(":reverse", {"reference": name, "reason": "Wrong"}) for name in posted[-2:]]
        return chance.choice(choices)


@pytest.mark.soak
def test_after_random_operations_every_state_and_every_cell_is_what_a_recount_says(
    database_url: str,
) -> None:
    with client_on(database_url) as book, closed(Database(database_url, 1)) as database:
        operations = Operations(book, 18)
        closing = DailyClose(database=database, now=lambda: NOW)
        quarter, sums = counts().portfolio_operations // 4, []
        for number in range(1, counts().portfolio_operations + 1):
            operations.step(closing.close_through)
            if number % quarter == 0:
                assert check_book(database).differences == []
                [(loans, outstanding)] = read_rows(book, FOLDED)
                financial = book.ok("GET", "/api/portfolio/summary")["financial_metrics"]
                assert loans == len(operations.loans)
                assert financial["total_outstanding"] == float(outstanding)
                sums.append(outstanding)
    assert any(sums)  # what is written off faster than it is lent leaves 0 for a while
