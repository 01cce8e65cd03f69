"""Postings on a real database: what is stored is always what the facts say."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, create_engine, text

from functions.lending.closing import DailyClose
from functions.lending.posting.ledger_rows import read_stored
from functions.lending.posting.loan_records import read_record
from functions.lending.storage.database import Database
from models.lending.borrower import derive_loans
from models.lending.corrections import corrections
from models.lending.journal import account_balances
from tests.support.counts import counts
from tests.support.lending import NOW, BookClient, client_on, fresh_database

STATE = """
    SELECT status, outstanding_principal, due_principal, due_interest, due_fees,
        due_penal_charges, credit, received, oldest_due, days_past_due, asset_class, npa_since
    FROM loans"""
INSTALMENTS = "SELECT * FROM instalments ORDER BY loan_id, number"
JOURNAL = """
    SELECT number, value_date, business_date, kind, account, debit, credit
    FROM journal_entries JOIN journal_lines USING (loan_id, number) ORDER BY number, position"""


@contextmanager
def engine_on(url: str) -> Iterator[Engine]:
    engine = create_engine(url)
    yield engine
    engine.dispose()


@contextmanager
def closing_on(url: str) -> Iterator[DailyClose]:
    database = Database(url, 1)
    yield DailyClose(database=database, now=lambda: NOW)
    database.close()


@pytest.fixture
def engine(book: BookClient) -> Iterator[Engine]:
    with engine_on(book.url) as engine:
        yield engine


@pytest.fixture
def closing(book: BookClient) -> Iterator[DailyClose]:
    with closing_on(book.url) as closing:
        yield closing


def rows(engine: Engine, query: str) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def require_derived(engine: Engine, loan: str) -> None:
    """Derive a loan from its facts alone, and compare everything that is stored."""
    loan_id = UUID(loan.removeprefix("loan_"))
    with engine.connect() as connection:
        record = read_record(connection, loan_id)
        stored = record.loan(record.facts)
        assert stored is not None
        derived = derive_loans({loan: stored}, record.row.as_of, record.rules)[loan]
        state = derived.state
        booked = read_stored(connection, loan_id)
        journal = booked.journal
        assert corrections(journal, state.journal) == ()
        assert corrections(booked.allocations, state.allocations) == ()
    balances = account_balances(journal)
    assert sum(balances.values()) == 0
    assert record.row.outstanding_principal == state.balances.outstanding_principal
    assert record.row.outstanding_principal == balances.get("principal", Decimal(0))
    assert record.row.status == state.status
    assert record.row.days_past_due == state.days_past_due


def look_at(engine: Engine, loan: str, day: date) -> int:
    """Let the close of this day be the next one that looks at a loan."""
    change = text("UPDATE loans SET next_event_on = :day WHERE id = :loan")
    with engine.begin() as connection:
        values = {"day": day, "loan": UUID(loan.removeprefix("loan_"))}
        return connection.execute(change, values).rowcount


def post(book: BookClient, loan: str, action: str, **body: Any) -> dict[str, Any]:  # noqa: ANN401 -- JSON
    document: dict[str, Any] = book.ok("POST", f"/v1/loans/{loan}:{action}", body)
    return document


def test_a_reversal_leaves_no_trace_in_balances(
    book: BookClient, engine: Engine, closing: DailyClose
) -> None:
    loan = book.disburse()
    book.move_to(date(2026, 2, 9))
    closing.close_through(date(2026, 2, 9))
    book.move_to(date(2026, 2, 9))  # once more, after its close
    before = rows(engine, STATE), rows(engine, INSTALMENTS)
    reference = post(book, loan, "repay", amount="5000", value_date="2026-02-05")["reference"]
    assert (rows(engine, STATE), rows(engine, INSTALMENTS)) != before
    post(book, loan, "reverse", reference=reference, reason="The cheque bounced.")
    assert (rows(engine, STATE), rows(engine, INSTALMENTS)) == before
    require_derived(engine, loan)


def test_a_payment_posted_late_counts_on_its_value_date(
    book: BookClient, engine: Engine, closing: DailyClose
) -> None:
    loan = book.disburse()
    book.move_to(date(2026, 2, 14))
    closing.close_through(date(2026, 2, 14))
    late = book.loan(loan)
    assert (late["days_past_due"], late["asset_class"]) == (10, "sma_0")
    assert late["due_penal_charges"] == "49.07"  # 10,661.85 x 24 % x 7 days / 365
    posted = post(book, loan, "repay", amount="10661.85", value_date="2026-02-05")
    assert posted["allocations"] == [
        {"number": 1, "component": "interest", "amount": "1200.00"},
        {"number": 1, "component": "principal", "amount": "9461.85"},
    ]
    assert (posted["loan"]["days_past_due"], posted["loan"]["due_penal_charges"]) == (0, "0.00")
    require_derived(engine, loan)


def test_two_prepayments_on_one_day_charge_no_day_twice(book: BookClient, engine: Engine) -> None:
    loan = book.disburse()
    book.move_to(date(2026, 1, 20))
    for _ in range(2):
        post(book, loan, "prepay", amount="10000", option="reduce_instalment")
    stored = book.loan(loan)
    # 15 days of 12 % on the prepaid part only: 20,000 = principal + principal x .12 x 15 / 365
    principal = Decimal(120_000) - Decimal(stored["outstanding_principal"])
    assert principal == Decimal("19901.86")
    assert stored["equal_instalment"] == "8893.60"
    require_derived(engine, loan)


def test_the_quote_closes_the_loan_to_the_cent(book: BookClient, engine: Engine) -> None:
    """Golden group 2: 120,000 at 12 % over 12; three instalments paid; closed on 17 April."""
    loan = book.disburse()
    book.move_to(date(2026, 4, 17))
    for month in (2, 3, 4):
        post(book, loan, "repay", amount="10661.85", value_date=f"2026-0{month}-05")
    quote = book.ok("GET", f"/v1/loans/{loan}/quote")
    assert (quote["undue_principal"], quote["days"], quote["broken_interest"], quote["total"]) == (
        *("91329.65", 12, "360.31", "91689.96"),
    )
    refused = book("POST", f"/v1/loans/{loan}:close", {"amount": "95956.71"})
    assert refused.status_code == 409
    assert "91689.96" in refused.json()["detail"]
    closed = post(book, loan, "close", amount="91689.96")["loan"]
    assert (closed["status"], closed["outstanding_principal"]) == ("closed", "0.00")
    require_derived(engine, loan)


def test_all_loans_of_a_borrower_are_non_performing_when_one_is(
    book: BookClient, engine: Engine, closing: DailyClose
) -> None:
    """Golden group 3: due 5 February; 91 days past due at the end of 6 May."""
    customer = book.register()
    late, paid = book.disburse(customer), book.disburse(customer)
    for day in (date(2026, 2, 5), date(2026, 3, 10), date(2026, 4, 10), date(2026, 5, 5)):
        book.move_to(day)
        due = day.replace(day=5).isoformat()
        post(book, paid, "repay", amount="10661.85", value_date=due)
    closing.close_through(date(2026, 5, 5))
    assert [book.loan(loan)["asset_class"] for loan in (late, paid)] == ["sma_2", "standard"]
    closing.close_through(date(2026, 5, 6))
    states = [book.loan(loan) for loan in (late, paid)]
    assert [s["days_past_due"] for s in states] == [91, 0]
    assert [s["asset_class"] for s in states] == ["sub_standard"] * 2
    assert [s["npa_since"] for s in states] == ["2026-05-06"] * 2
    tracked = "SELECT asset_class, count(*) FROM npa_tracking GROUP BY 1 ORDER BY 1"
    expected = [("sma_0", 1), ("sma_1", 1), ("sma_2", 1), ("sub_standard", 2)]
    assert rows(engine, tracked) == expected


def test_five_days_in_one_close_end_in_the_same_state_as_five_closes(
    postgres: str, template: str
) -> None:
    states = []
    for ends in ([14], [10, 11, 12, 13, 14]):
        with (
            fresh_database(postgres, template) as url,
            client_on(url) as book,
            closing_on(url) as closing,
            engine_on(url) as engine,
        ):
            loan = book.disburse()
            closing.close_through(date(2026, 2, 9))
            closed = [day for end in ends for day in closing.close_through(date(2026, 2, end))]
            assert [day.business_date.day for day in closed] == [10, 11, 12, 13, 14]
            assert [day.borrowers for day in closed] == [1] * 5
            require_derived(engine, loan)
            states.append((rows(engine, STATE), rows(engine, JOURNAL)))
    assert states[0] == states[1]


def test_a_loan_that_closes_passed_by_catches_up_to_the_same_state(
    book: BookClient, engine: Engine, closing: DailyClose
) -> None:
    daily, behind = book.disburse(), book.disburse()
    closing.close_through(date(2026, 2, 9))
    assert look_at(engine, behind, date(2026, 2, 15)) == 1
    for day in range(10, 14):
        [closed] = closing.close_through(date(2026, 2, day))
        assert (closed.business_date, closed.borrowers) == (date(2026, 2, day), 1)
    assert look_at(engine, behind, date(2026, 2, 10)) == 1
    [closed] = closing.close_through(date(2026, 2, 14))
    assert (closed.borrowers, closed.loans_changed) == (2, 2)
    assert closing.close_through(date(2026, 2, 14)) == []
    [first, second] = rows(engine, STATE)
    assert first == second
    for loan in (daily, behind):
        require_derived(engine, loan)


def random_action(
    chance: random.Random, day: date, posted: list[str]
) -> tuple[str, dict[str, Any]]:
    """A payment, a charge or a prepayment on a day that has passed, or a posting taken back."""
    if posted and chance.random() < 0.25:
        undone = posted.pop(chance.randrange(len(posted)))
        return "reverse", {"reference": undone, "reason": "Wrong"}
    value_date = (day - timedelta(days=chance.randrange(40))).isoformat()
    amount = f"{chance.randrange(1, 2_000_000) / 100:.2f}"
    return chance.choice(
        [
            ("repay", {"amount": amount, "value_date": value_date}),
            ("repay", {"amount": amount, "value_date": value_date}),
            ("charge", {"amount": "250", "note": "Cheque", "value_date": value_date}),
            ("prepay", {"amount": amount, "option": "reduce_tenure"}),
            ("waive", {"amount": "40", "component": "penal", "reason": "Goodwill"}),
        ]
    )


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(counts().loan_books))
def test_whatever_is_posted_the_book_is_what_the_facts_say(
    seed: int, book: BookClient, engine: Engine, closing: DailyClose
) -> None:
    chance = random.Random(seed)  # noqa: S311 -- a book that can be made again
    loan, day = book.disburse(), date(2026, 3, 20)
    posted: list[str] = []
    book.move_to(day)
    for _ in range(10):
        action, body = random_action(chance, day, posted)
        response = book("POST", f"/v1/loans/{loan}:{action}", body)
        # A fact that contradicts others is refused whole.
        assert response.status_code in {201, 409}, response.text
        if response.status_code == 201 and action != "reverse":
            posted.append(response.json()["reference"])
        require_derived(engine, loan)
        day += timedelta(days=chance.choice([0, 0, 1, 3]))
        closing.close_through(day - timedelta(days=1))
    require_derived(engine, loan)
