"""The schema: up, down and up again; what the database itself refuses; tables of the code."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, create_engine, inspect, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError

from functions.lending.storage import alert_tables, analytics_tables, risk_tables, tables
from functions.lending.storage.migrate import downgrade, newest_revision, upgrade
from tests.support.environments import build_environment
from tests.support.lending import client_on, fresh_database
from tests.support.running import REPOSITORY

SQUAWK = "squawk-cli==2.70.0"
MIGRATIONS = REPOSITORY / "functions/lending/storage/migrations/versions"
# Rules of squawk that do not apply here, and why.
EXCLUDED = {
    "prefer-bigint-over-int": "these numbers are versions, counts of one loan, and days",
    "prefer-bigint-over-smallint": "these numbers are branches, months, and places in a list",
    "ban-create-domain-with-constraint": "no constraint of a domain is ever changed",
    "require-lock-timeout": "`upgrade` sets it for the transaction",
    "require-statement-timeout": "a migration that counts a large book takes its time once",
}
DEBIAN = Path("/usr/lib/postgresql/15/bin")
DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


@pytest.fixture(scope="module")
def engine(postgres: str, template: str) -> Iterator[Engine]:
    """A book with one disbursed loan, which no test here changes: whatever it does is refused."""
    with fresh_database(postgres, template) as url:
        with client_on(url) as book:
            book.disburse()
        engine = create_engine(url)
        yield engine
        engine.dispose()


def names(engine: Engine) -> set[str]:
    """Everything that a migration creates."""
    query = """
        SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
        UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        UNION ALL SELECT typname FROM pg_type WHERE typtype = 'd'
            AND typnamespace = 'public'::regnamespace"""
    with engine.connect() as connection:
        return set(connection.execute(text(query)).scalars())


def migrate_there_and_back(url: str) -> None:
    engine = create_engine(url)
    upgrade(engine)
    first = names(engine)
    upgrade(engine)  # which finds nothing to do
    downgrade(engine)
    assert names(engine) == {"alembic_version", "alembic_version_pkc"}
    upgrade(engine)
    assert names(engine) == first
    with engine.connect() as connection:
        version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    assert version == newest_revision()
    engine.dispose()


def test_up_down_and_up_again_on_postgresql_18(postgres: str) -> None:
    with fresh_database(postgres) as url:
        migrate_there_and_back(url)


@pytest.fixture
def debian_postgres() -> Iterator[str]:
    """Debian's PostgreSQL 15, in a folder of its own."""
    if not (DEBIAN / "initdb").exists():
        pytest.skip("PostgreSQL 15 of Debian is not installed")
    with TemporaryDirectory(prefix="book15-") as name:
        folder = Path(name)
        as_owner: list[str] = []
        if folder.owner() == "root":  # which PostgreSQL refuses to run as
            shutil.chown(folder, "postgres")
            as_owner = ["runuser", "-u", "postgres", "--"]
        data, log = folder / "data", folder / "log"
        first = ["initdb", "-A", "trust", "-U", "postgres", "-D", str(data)]
        run_quietly(*as_owner, str(DEBIAN / first[0]), *first[1:])
        options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
        control = [*as_owner, str(DEBIAN / "pg_ctl"), "-D", str(data), "-l", str(log), "-w"]
        run_quietly(*control, "-o", options, "start")
        try:
            yield f"postgresql+psycopg://postgres@/postgres?host={folder}"
        finally:
            run_quietly(*control, "-m", "immediate", "stop")


def run_quietly(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def test_up_down_and_up_again_on_postgresql_15(debian_postgres: str) -> None:
    migrate_there_and_back(debian_postgres)


@pytest.fixture(scope="module")
def squawk() -> Path:
    """The linter of migrations, in an environment of its own."""
    folder = REPOSITORY / "var" / "squawk"
    folder.mkdir(parents=True, exist_ok=True)
    requirements = folder / "requirements.txt"
    requirements.write_text(SQUAWK + "\n")
    try:
        build_environment(folder / "environment", requirements)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"{SQUAWK} cannot be installed: {error.stderr.strip()[-200:]}")
    return folder / "environment/bin/squawk"


@pytest.mark.environments
def test_squawk_has_no_warning_about_any_migration(squawk: Path) -> None:
    files = sorted(p for p in MIGRATIONS.glob("*.sql") if not p.stem.endswith("_down"))
    assert [p.name[:4] for p in files] == ["0001", "0001", *migration_numbers()[1:]]
    command = [str(squawk), "--pg-version", "15", "--assume-in-transaction"]
    command += [f"--exclude={rule}" for rule in EXCLUDED]
    done = subprocess.run([*command, *map(str, files)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def migration_numbers() -> list[str]:
    """The revisions, in their order."""
    return sorted(p.name[1:5] for p in MIGRATIONS.glob("v*.py"))


def test_the_tables_of_the_code_are_those_of_the_database(engine: Engine) -> None:
    assert risk_tables.risk_reports.metadata is tables.METADATA
    assert alert_tables.book_alerts.metadata is tables.METADATA
    inspector = inspect(engine)
    assert set(inspector.get_table_names()) == {*tables.METADATA.tables, "alembic_version"}
    assert analytics_tables.loan_months.name in tables.METADATA.tables
    for name, table in tables.METADATA.tables.items():
        stored = {c["name"]: type_name(c["type"]) for c in inspector.get_columns(name)}
        assert stored == {c.name: type_name(c.type) for c in table.columns}, name


def type_name(kind: Any) -> str:  # noqa: ANN401 -- a type of SQLAlchemy
    """A type as PostgreSQL calls it, without its precision; domains as what they restrict."""
    name = str(getattr(kind, "data_type", kind).compile(DIALECT)).split("(")[0].split(" COLLATE")[0]
    return "TEXT" if name == "CHAR" else name


APPENDED = (
    *("disbursements", "repayments", "charges", "adjustments", "allocations", "journal_entries"),
    *("journal_lines", "decisions", "audit", "employment", "kyc", "customer_versions", "products"),
    "external_checks",
    *("risk_reports", "risk_loans", "risk_cells", "risk_movements"),
)


@pytest.mark.parametrize("name", APPENDED)
def test_rows_that_are_evidence_are_only_appended(name: str, engine: Engine) -> None:
    first = next(iter(tables.METADATA.tables[name].columns)).name
    for statement in (
        f"UPDATE {name} SET {first} = {first}",  # noqa: S608 -- names of ours
        f"DELETE FROM {name}",  # noqa: S608 -- likewise
        f"TRUNCATE {name} CASCADE",
    ):
        with engine.connect() as connection, pytest.raises(DBAPIError, match="only appended"):
            connection.execute(text(statement))


@pytest.fixture
def loan(engine: Engine) -> str:
    """The key of the loan."""
    with engine.connect() as connection:
        return str(connection.execute(text("SELECT id FROM loans")).scalar_one())


def insert_repayment(connection: Connection, loan: str, amount: str) -> None:
    statement = """
        INSERT INTO repayments (id, loan_id, branch_id, reference, value_date, amount, posted_by,
            business_date, created_at)
        VALUES (gen_random_uuid(), :loan, 1, 'x', '2026-01-05', CAST(:amount AS numeric), 'test',
            '2026-01-05', now())"""
    connection.execute(text(statement), {"loan": loan, "amount": amount})


@pytest.mark.parametrize("amount", ["NaN", "-0.01", "0", "1e15", "Infinity"])
def test_the_database_refuses_what_is_no_payment(amount: str, loan: str, engine: Engine) -> None:
    with engine.connect() as connection, pytest.raises(DBAPIError):
        insert_repayment(connection, loan, amount)


def test_an_amount_just_below_the_limit_is_accepted(loan: str, engine: Engine) -> None:
    with engine.connect() as connection:
        insert_repayment(connection, loan, "999999999999999.99")


def insert_line(connection: Connection, loan: str, values: str) -> None:
    number = "SELECT max(number) FROM journal_entries"
    statement = f"INSERT INTO journal_lines SELECT :loan, 1, ({number}), {values}"
    connection.execute(text(statement), {"loan": loan})


@pytest.mark.parametrize("values", ["1, 'bank', 1, 0", "9, 'bank', 1, 1", "9, 'bank', 0, 0"])
def test_a_line_has_a_place_and_one_side(values: str, loan: str, engine: Engine) -> None:
    with engine.connect() as connection, pytest.raises(DBAPIError):
        insert_line(connection, loan, values)


def test_an_entry_that_does_not_balance_is_refused_at_the_commit(loan: str, engine: Engine) -> None:
    with engine.connect() as connection:
        insert_line(connection, loan, "9, 'bank', 0.01, 0")
        with pytest.raises(DBAPIError, match=r"debits 120000\.01, credits 120000"):
            connection.commit()


def test_an_entry_without_lines_is_refused_at_the_commit(loan: str, engine: Engine) -> None:
    statement = """
        INSERT INTO journal_entries
        VALUES (:loan, 1, 99, '2026-01-05', 'fee', '', false, '2026-01-05', now())"""
    with engine.connect() as connection:
        connection.execute(text(statement), {"loan": loan})
        with pytest.raises(DBAPIError, match="does not balance: debits 0, credits 0"):
            connection.commit()


def test_one_business_day_is_open(engine: Engine) -> None:
    statement = text("INSERT INTO business_dates VALUES ('2026-01-06', now(), NULL)")
    with engine.connect() as connection, pytest.raises(DBAPIError, match="one_open"):
        connection.execute(statement)
