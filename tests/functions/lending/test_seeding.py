"""A seeded book is a book like any other: its states are what its facts say."""

from collections.abc import Iterator
from contextlib import closing as closed
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Engine, create_engine, text

from functions.lending import seed_files, seeding
from functions.lending.checking import check_book
from functions.lending.errors import TransitionError
from functions.lending.posting.ledger_rows import read_stored
from functions.lending.posting.loan_records import read_record
from functions.lending.seeding import seed_book
from functions.lending.storage.database import Database
from functions.lending.storage.migrate import upgrade
from models.errors import DataError
from models.lending.borrower import derive_loans
from models.lending.corrections import corrections
from tests.support.lending import NOW, client_on, fresh_database
from training.reading.sources import write_book

DAY = date(2026, 11, 30)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    write_book(tmp_path, 42, 20, date(2026, 11, 29))
    return tmp_path


@pytest.fixture
def engine(postgres: str) -> Iterator[Engine]:
    with fresh_database(postgres) as url:
        engine = create_engine(url)
        upgrade(engine)
        yield engine
        engine.dispose()


def test_a_seeded_book_is_served_and_posted_to(files: Path, engine: Engine) -> None:
    rows = seed_book(engine, files, DAY, NOW)
    assert (rows["customers"], rows["applications"]) == (20, 30)
    with client_on(engine.url.render_as_string(hide_password=False)) as book:
        assert book.ok("GET", "/api/customers/1102")["employment"] is not None
        summary = book.ok("GET", "/api/portfolio/summary")
        assert summary["loan_statistics"]["total_loans"] == rows["loans"]
        name = book.ok("GET", "/api/loans/loans?status=active&limit=1")["loans"][0]["loan_id"]
        before = book.loan(name)
        paid = book.ok("POST", f"/v1/loans/{name}:repay", {"amount": "1"})["loan"]
        assert paid["version"] == before["version"] + 1
        assert paid["outstanding_principal"] == before["outstanding_principal"]
    with pytest.raises(TransitionError, match="the book is not empty"):
        seed_book(engine, files, DAY, NOW)


def test_a_seeded_book_has_statistics_before_anybody_waits_for_them(
    files: Path, engine: Engine
) -> None:
    counts = seed_book(engine, files, DAY, NOW)
    rows = "SELECT relname, reltuples FROM pg_class WHERE relname = ANY(:names)"
    with engine.connect() as connection:
        read = connection.execute(text(rows), {"names": list(counts)}).all()
    estimated = {row.relname: row.reltuples for row in read}
    assert estimated == counts


def test_a_book_is_the_same_however_many_borrowers_are_read_at_a_time(
    files: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seed_files, "BATCH", 3)
    rows = seed_book(engine, files, DAY, NOW)
    assert (rows["customers"], rows["applications"]) == (20, 30)
    with closed(Database(engine.url.render_as_string(hide_password=False), 1)) as database:
        checked = check_book(database)
    assert (checked.loans, checked.differences) == (rows["loans"], [])


def test_several_processes_load_the_same_book_under_the_same_keys_and_indexes(
    postgres: str, engine: Engine, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seed_files, "BATCH", 7)
    monkeypatch.setattr(seeding, "FEW_CUSTOMERS", 0)
    before = definitions(engine)
    rows = seed_book(engine, files, DAY, NOW, processes=2)
    assert definitions(engine) == before
    with fresh_database(postgres) as url:
        other = create_engine(url)
        upgrade(other)
        assert seed_book(other, files, DAY, NOW) == rows
        for name in seeding.ORDER:
            assert content(engine, name) == content(other, name), name
        other.dispose()


def definitions(engine: Engine) -> list[str]:
    """Every key, constraint and index of the database."""
    query = """
        SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
            FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"""
    with engine.connect() as connection:
        return list(connection.execute(text(query)).scalars())


def content(engine: Engine, name: str) -> list[str]:
    """Every row of a table but for its random identifiers."""
    with engine.connect() as connection:
        rows = connection.execute(text(f"SELECT * FROM {name}")).all()  # noqa: S608 -- our tables
    return sorted(str([v for v in row if not isinstance(v, UUID)]) for row in rows)


def test_every_seeded_state_is_what_its_facts_say(files: Path, engine: Engine) -> None:
    seed_book(engine, files, DAY, NOW)
    with engine.connect() as connection:
        names: list[UUID] = list(connection.execute(text("SELECT id FROM loans")).scalars())
        assert names
        for name in names:
            record = read_record(connection, name)
            loan = record.loan(record.facts)
            assert loan is not None
            alone = derive_loans({"loan": loan}, date(2026, 11, 29), record.rules)["loan"].state
            assert record.row.outstanding_principal == alone.balances.outstanding_principal
            assert record.row.days_past_due == alone.days_past_due
            if record.row.npa_since is None:
                assert corrections(read_stored(connection, name).journal, alone.journal) == ()


@pytest.mark.parametrize("name", ["customers", "disbursements"])
def test_files_that_do_not_fit_each_other_load_nothing(
    name: str, files: Path, engine: Engine
) -> None:
    file = files / f"{name}.csv"
    lines = file.read_text().splitlines()
    file.write_text("\n".join(lines[:1] + lines[-1:]))
    with pytest.raises(DataError, match=r"is not in"):
        seed_book(engine, files, DAY, NOW)
    file.unlink()
    with pytest.raises(DataError, match=r"training generate --source book"):
        seed_book(engine, files, DAY, NOW)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM customers")).scalar_one() == 0
