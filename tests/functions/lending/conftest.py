"""What tests of the loan book share: one server, a migrated template, a copy for each test."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from tests.support.lending import BookClient, client_on, fresh_database, prepare_book
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
