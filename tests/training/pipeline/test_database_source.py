"""Rows of a SQL database, here SQLite; PostgreSQL is read by the tests of the local sources."""

import socket
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import URL, Engine, create_engine, text

from models.errors import DataError
from tests.support.postgres import running_postgres
from training.pipeline import database_source
from training.pipeline.database_source import open_database, read_database
from training.pipeline.delivery import Address
from training.pipeline.source_file import QueryTable

DAY = date(2026, 6, 1)
QUERY = QueryTable(query="SELECT name, amount FROM visits WHERE visited_on = :day ORDER BY name")


@pytest.fixture
def address(tmp_path: Path) -> Address:
    url = f"sqlite:///{tmp_path / 'bank.db'}"
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE visits (name TEXT, amount REAL, visited_on TEXT)"))
        rows = [
            {"n": name, "day": day}
            for name, day in (("a", "2026-06-01"), ("b", "2026-06-01"), ("c", "2026-06-02"))
        ]
        connection.execute(text("INSERT INTO visits VALUES (:n, 1.5, :day)"), rows)
    engine.dispose()
    return Address("bank", url)


def test_the_rows_of_a_day_come_in_batches(
    address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_source, "BATCH_ROWS", 1)
    with open_database(address) as engine:
        batches = list(read_database(engine, "bank.visits", QUERY, DAY).batches)
    assert [batch.rows for batch in batches] == [0, 1, 1]
    assert [list(batch.columns["name"]) for batch in batches] == [[], ["a"], ["b"]]


def test_a_day_without_rows_has_columns(address: Address) -> None:
    with open_database(address) as engine:
        [batch] = read_database(engine, "bank.visits", QUERY, date(2020, 1, 1)).batches
    assert (batch.rows, list(batch.columns)) == (0, ["name", "amount"])


def test_a_query_that_the_database_refuses_is_named(address: Address) -> None:
    changed = QueryTable(query="SELECT nickname FROM visits WHERE visited_on = :day")
    with (
        open_database(address) as engine,
        pytest.raises(
            DataError, match=r"bank.visits: .* refuses the query or is down: no such col"
        ),
    ):
        list(read_database(engine, "bank.visits", changed, DAY).batches)


def test_a_database_that_is_down_is_named_without_its_password() -> None:
    address = Address("bank", "postgresql+psycopg://user:secret@127.0.0.1:1/bank")
    with (
        open_database(address) as engine,
        pytest.raises(DataError, match="refuses the query or is down") as caught,
    ):
        list(read_database(engine, "bank.visits", QUERY, DAY).batches)
    assert "secret" not in str(caught.value)


def test_a_database_that_is_slow_or_keeps_silent_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(database_source, "STATEMENT_SECONDS", 0.2)
    slow = QueryTable(query="SELECT pg_sleep(30) AS slept WHERE :day IS NOT NULL")
    with (
        TemporaryDirectory(prefix="slow-") as folder,
        running_postgres(Path(folder)) as url,
        open_database(Address("bank", url)) as engine,
        pytest.raises(DataError, match=r"bank.visits: .*statement timeout"),
    ):
        list(read_database(engine, "bank.visits", slow, DAY).batches)
    monkeypatch.setattr(database_source, "CONNECT_SECONDS", 2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql+psycopg://user:secret@127.0.0.1:{silent.getsockname()[1]}/bank"
        with (
            open_database(Address("bank", url)) as engine,
            pytest.raises(DataError, match=r"is down: .*timeout"),
        ):
            list(read_database(engine, "bank.visits", QUERY, DAY).batches)


def test_what_the_url_states_itself_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[dict[str, object]] = []

    def watch(url: URL, connect_args: dict[str, object]) -> Engine:
        made.append(connect_args)
        return create_engine(url, connect_args=connect_args)

    monkeypatch.setattr(database_source, "create_engine", watch)
    for query in ("", "?connect_timeout=60&options=-csearch_path%3Dbank", "?keepalives_idle=9"):
        with open_database(Address("bank", f"postgresql+psycopg://user@host/bank{query}")):
            pass
    first, second, third = made
    assert first["connect_timeout"] == 10
    assert set(first) - set(second) == {"connect_timeout"}
    assert set(first) - set(third) == {"keepalives_idle"}
    assert "options" not in first  # a pooler refuses it


@pytest.mark.parametrize("url", ["no url", "nodialect://user:secret@host/db"])
def test_what_is_no_url_is_named_by_its_variable_and_not_repeated(url: str) -> None:
    expected = "SOURCE_URL_BANK is not the URL of a database"
    with pytest.raises(DataError, match=expected) as caught, open_database(Address("bank", url)):
        pass
    assert url not in str(caught.value)
