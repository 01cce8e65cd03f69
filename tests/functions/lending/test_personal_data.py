"""One person's data: everything is exported, and nothing is erased before the law allows it."""

import json
import re
from datetime import date
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

from functions.lending import cli
from functions.lending.checking import check_book
from functions.lending.personal_data import OF_CUSTOMER, OF_LOANS, RETENTION
from functions.lending.storage.database import Database
from tests.support.lending import BookClient


@pytest.fixture
def customer(book: BookClient, monkeypatch: pytest.MonkeyPatch) -> int:
    """Somebody whose loan was repaid on the day it was paid out."""
    monkeypatch.setenv("DATABASE_URL", book.url)
    number = book.register()
    loan = book.disburse(number)
    guarantor = {"full_name": "Ravi Rao", "phone": "+91 80 5550 0202", "relationship": "uncle"}
    book.ok("POST", f"/v1/loans/{loan}/guarantors", guarantor | {"guaranteed": 5})
    book.ok("POST", f"/v1/loans/{loan}:close", {"amount": "120000"})
    return number


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    code = cli.main(arguments)
    printed = capsys.readouterr()
    return code, json.loads(printed.out) if printed.out else printed.err


def test_an_export_has_every_table_that_knows_the_person(
    book: BookClient, customer: int, capsys: pytest.CaptureFixture[str]
) -> None:
    code, printed = run(capsys, "export", "--customer", str(customer))
    assert code == 0
    assert printed["data"]["customers"][0]["full_name"] == "Asha Rao"
    assert printed["data"]["guarantors"][0]["full_name"] == "Ravi Rao"
    assert "register" in {row["action"] for row in printed["data"]["audit"]}
    assert printed["decision_log"][0] == (
        f"python -m functions.scoring audit export DECISIONS --applicant 'customer {customer}'"
    )
    assert "hash" not in json.dumps(printed)
    engine = create_engine(book.url)
    columns = {
        name: {column["name"] for column in inspect(engine).get_columns(name)}
        for name in inspect(engine).get_table_names()
    }
    engine.dispose()
    of_customer = {n for n, names in columns.items() if "customer_id" in names}
    assert of_customer == {*OF_CUSTOMER, "borrower_exposures"}
    assert set(printed["data"]) == {"customers", *OF_CUSTOMER, *OF_LOANS, "audit"}


def note_a_snooze(url: str, customer: int) -> None:
    """Store a follow-up of a warning with a note about the person."""
    engine = create_engine(url)
    statement = """
        INSERT INTO warning_followups (loan_id, reason, customer_id, branch_id, snooze_note,
            changed_by, changed_at)
        SELECT id, 'score_down', customer_id, branch_id, 'Asha waits for the harvest', 'test', now()
        FROM loans WHERE customer_id = :customer"""
    with engine.begin() as connection:
        assert connection.execute(text(statement), {"customer": customer}).rowcount == 1
    engine.dispose()


def test_the_law_keeps_a_repaid_loan_for_eight_years(
    book: BookClient, customer: int, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("erase", "--customer", str(customer))
    code, error = run(capsys, *arguments)
    assert code == 2
    assert f"customer {customer} cannot be erased before 2034-01-05: books of account" in error
    book.move_to(date(2034, 1, 5))
    note_a_snooze(book.url, customer)
    code, printed = run(capsys, *arguments)
    assert (code, printed["erased"]) == (0, True)
    assert book.ok("GET", f"/api/customers/{customer}")["full_name"] == "Erased"
    everything = json.dumps(run(capsys, "export", "--customer", str(customer))[1])
    without_ids = re.sub(r'"[0-9a-f-]{36}"|"[^"]*T[0-9:.+-]+"', "", everything)
    for personal in ("Asha", "Ravi", "harvest", "5550", "Bengaluru", "Rao Textiles", "1990-04-12"):
        assert personal not in without_ids
    database = Database(book.url, 1)
    assert check_book(database).differences == []
    database.close()
    summary = book.ok("GET", "/api/portfolio/summary")
    assert summary["financial_metrics"]["total_disbursed"] == 120_000
    engine = create_engine(book.url)
    with engine.connect() as connection, pytest.raises(DBAPIError, match="only appended"):
        connection.execute(text("DELETE FROM employment"))
    engine.dispose()


def test_an_open_loan_or_application_is_ended_first(
    book: BookClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", book.url)
    number = book.register()
    book.apply(number)
    code, error = run(capsys, "erase", "--customer", str(number))
    assert code == 2
    assert "has 0 loans and 1 applications that are open: end them first" in error
    assert run(capsys, "erase", "--customer", "7") == (2, "error: there is no such customer\n")
    assert run(capsys, "export", "--customer", "7")[0] == 2


def test_every_table_with_personal_data_has_a_period() -> None:
    tables = {name for entry in RETENTION for name in entry.tables}
    assert {*OF_CUSTOMER, *OF_LOANS, "customers"} - tables == {"early_warnings"}
