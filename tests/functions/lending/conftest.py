"""What tests of the loan book share: one server, a migrated template, a copy for each test."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from tests.support.lending import BookClient, client_on, fresh_database, prepare_book
from tests.support.lending_year import YEAR, close_on, live_through
from tests.support.postgres import running_postgres

TEMPLATE = "book_template"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a server from pip."""
    # Not below pytest's folder: as root the server runs as somebody else, who may not enter it.
    with TemporaryDirectory(prefix="book-") as folder, running_postgres(Path(folder)) as url:
        engine = create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            # No test cuts the power; many commit.
            connection.execute(text("ALTER SYSTEM SET fsync = off"))
            connection.execute(text("SELECT pg_reload_conf()"))
        engine.dispose()
        yield url


@pytest.fixture(scope="session")
def template(postgres: str) -> str:
    """A migrated database, open on 5 January 2026, that is copied in a moment."""
    engine = create_engine(postgres, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {TEMPLATE}"))
    engine.dispose()
    prepare_book(make_url(postgres).set(database=TEMPLATE).render_as_string(hide_password=False))
    return TEMPLATE


@pytest.fixture
def database_url(postgres: str, template: str) -> Iterator[str]:
    """A book of its own, without customers."""
    with fresh_database(postgres, template) as url:
        yield url


@pytest.fixture
def book(database_url: str) -> Iterator[BookClient]:
    """The application on that book, for anybody."""
    with client_on(database_url) as client:
        yield client


@pytest.fixture(scope="session")
def year(postgres: str, template: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Five loans of 120,000 over a year; tests only read it.

    `paying` pays each instalment on its day. `late` never pays. `back_dated` seems to miss April:
    the payment is posted in June, for 5 April. `undone` seems to pay March, which is taken back in
    May. `grown` gets its loan in July, and never pays.
    """
    with fresh_database(postgres, template) as url:
        with client_on(url) as book:
            names = ("paying", "late", "back_dated", "undone")
            loans = {name: book.disburse() for name in names}
            for month in YEAR:
                live_through(book, loans, month)
                close_on(book, month)
        yield url, loans


@pytest.fixture
def year_book(year: tuple[str, dict[str, str]]) -> Iterator[BookClient]:
    """The application on that book."""
    with client_on(year[0]) as book:
        yield book
