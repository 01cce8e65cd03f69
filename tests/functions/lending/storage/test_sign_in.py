"""Signing in without a password: a token for each new connection, a server that is verified."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import google.auth
import pytest
from google.auth.exceptions import DefaultCredentialsError
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from functions.lending import cli
from functions.lending.errors import BookUnavailableError
from functions.lending.storage.database import WHOLE_BOOK, Database, create_pool
from functions.lending.storage.sign_in import SCOPE, AccessToken, faults_in_url, sign_in_from_url
from tests.support.lending import fresh_database

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
ADDRESS = "postgresql+psycopg://lender@10.0.0.2/book"
SERVICE, JOBS, MIGRATION = (f"prod-{name}@example.iam" for name in ("lending", "close", "migrate"))


def test_a_url_without_our_parameters_stays_as_it_is() -> None:
    url = make_url(f"{ADDRESS}?sslmode=require")
    assert sign_in_from_url(url).url == url
    assert not sign_in_from_url(url).with_token


def test_the_servers_certificate_must_come_from_the_authority_that_the_url_names() -> None:
    sign_in = sign_in_from_url(make_url(f"{ADDRESS}?auth=iam&ca={quote(CERTIFICATE)}"))
    assert sign_in.with_token
    assert set(sign_in.url.query) == {"sslmode", "sslrootcert"}
    assert sign_in.url.query["sslmode"] == "verify-ca"
    file = Path(str(sign_in.url.query["sslrootcert"]))
    assert file.read_text() == CERTIFICATE
    again = sign_in_from_url(make_url(f"{ADDRESS}?ca={quote(CERTIFICATE)}"))
    assert again.url.query["sslrootcert"] == str(file)


@pytest.mark.parametrize(
    "query", [f"auth=iam&ca={quote(CERTIFICATE)}", "auth=iam&sslmode=verify-full", "sslmode=prefer"]
)
def test_a_token_goes_to_a_server_that_is_verified(query: str) -> None:
    assert list(faults_in_url(make_url(f"{ADDRESS}?{query}"))) == []


def test_each_new_connection_has_a_token_of_its_own(database_url: str) -> None:
    tokens = iter(["first", "second"])
    url = make_url(database_url).update_query_dict({"auth": "iam"})
    engine = create_pool(url.render_as_string(hide_password=False), 2, lambda: next(tokens))
    with engine.connect() as one, engine.connect() as other:
        drivers = [connection.connection.driver_connection for connection in (one, other)]
        assert [driver.info.password for driver in drivers if driver] == ["first", "second"]
    engine.dispose()


def test_without_an_account_the_database_counts_as_not_answering(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_account(**_options: object) -> None:
        raise DefaultCredentialsError

    monkeypatch.setattr(google.auth, "default", no_account)
    url = make_url(database_url).update_query_dict({"auth": "iam"})
    database = Database(url.render_as_string(hide_password=False), 1)
    with pytest.raises(BookUnavailableError, match="does not answer") as caught:
        database.read(WHOLE_BOOK, lambda _connection: None)
    assert "no access token for the database: DefaultCredentialsError" in str(
        caught.value.__cause__
    )
    database.close()


def test_a_token_is_used_until_it_expires_and_can_only_sign_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Credentials:
        valid = False
        token = ""
        refreshed = 0

        def refresh(self, _request: object) -> None:
            self.refreshed += 1
            self.token, self.valid = f"token {self.refreshed}", True

    credentials, scopes = Credentials(), []

    def account(**options: list[str]) -> tuple[Credentials, str]:
        scopes.append(options["scopes"])
        return credentials, "example"

    monkeypatch.setattr(google.auth, "default", account)
    token = AccessToken()
    assert [token(), token()] == ["token 1", "token 1"]
    credentials.valid = False
    assert token() == "token 2"
    assert scopes == [[SCOPE]]


@pytest.fixture
def cloud_sql(postgres: str) -> Iterator[str]:
    """A database as Cloud SQL makes one: its owner is no superuser, and users own nothing."""
    owner = "cloudsqlsuperuser"
    with fresh_database(postgres) as url:
        engine = create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE ROLE {owner} CREATEROLE CREATEDB NOLOGIN"))
            for user in (SERVICE, JOBS, MIGRATION):
                connection.execute(text(f'CREATE ROLE "{user}" LOGIN'))
            connection.execute(text(f'GRANT {owner} TO "{MIGRATION}"'))
            database = make_url(url).database
            connection.execute(text(f"ALTER DATABASE {database} OWNER TO {owner}"))
            # Another book on this server made them; on a new one the migration does.
            for role in ("branch", "book", "reader", "client"):
                connection.execute(text(f"GRANT lending_{role} TO {owner} WITH ADMIN OPTION"))
        yield url
        with engine.connect() as connection:
            connection.execute(text(f"REASSIGN OWNED BY {owner} TO CURRENT_USER"))
            connection.execute(text(f"DROP OWNED BY {owner} CASCADE"))
            for user in (SERVICE, JOBS, MIGRATION, owner):
                connection.execute(text(f'DROP ROLE "{user}"'))
        engine.dispose()


def user_url(url: str, user: str, **query: str) -> str:
    changed = make_url(url).set(username=user).update_query_dict(query)
    return changed.render_as_string(hide_password=False)


@pytest.mark.usefixtures("template")  # whose migration makes the roles, as this server's superuser
def test_three_users_of_cloud_sql_migrate_serve_and_close_and_none_has_a_password(
    cloud_sql: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = "-c role=cloudsqlsuperuser"
    monkeypatch.setenv("DATABASE_URL", user_url(cloud_sql, MIGRATION, options=options))
    grants = ["--service-user", SERVICE, "--job-user", JOBS]
    for _ in range(2):  # a second release finds nothing to do
        assert cli.main(["migrate", *grants]) == 0
    monkeypatch.setenv("DATABASE_URL", user_url(cloud_sql, JOBS))
    assert cli.main(["open", "--date", "2026-01-05"]) == 0
    assert cli.main(["close", "--date", "2026-01-05"]) == 0
    assert cli.main(["check"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["different"] == 0
    engine = create_engine(user_url(cloud_sql, JOBS))
    with engine.connect() as connection:
        for refused in ("SET ROLE lending_client", "CREATE TABLE t ()", "DROP TABLE loans"):
            with pytest.raises(DBAPIError, match=r"permission denied|must be owner"):
                connection.execute(text(refused))
            connection.rollback()
    engine.dispose()
    database = Database(user_url(cloud_sql, SERVICE), 1)
    assert database.read(WHOLE_BOOK, lambda c: c.execute(text("SELECT 1")).scalar()) == 1
    database.close()


def test_a_user_that_is_not_there_is_named(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    assert cli.main(["migrate", "--service-user", "nobody@example.iam"]) == 2
    assert "the database has no user nobody@example.iam: make it first" in capsys.readouterr().err
