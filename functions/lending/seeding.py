"""Seeding: a whole book loaded into an empty database by COPY, and checked as a whole."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, Engine, func, insert, select, text

from functions.lending.errors import TransitionError
from functions.lending.posting.loan_records import product_from_row
from functions.lending.seed_files import read_batches, stage_files
from functions.lending.seed_loading import Chunks, copy_chunk, derive_all, without_indexes
from functions.lending.seed_rows import Seed
from functions.lending.storage import cells, tables
from functions.lending.storage.opening import prepare

# In this order each table finds what it refers to.
ORDER = (
    *("customers", "employment", "kyc", "applications", "decisions", "loans", "disbursements"),
    *("repayments", "schedule_versions", "instalments", "journal_entries", "journal_lines"),
    "allocations",
)
FEW_CUSTOMERS = 2_000  # whom one process has loaded before others have started
COUNTED = ("applications", "loans", "repayments", "instalments")
UNBALANCED = text("""
SELECT count(*) FROM (SELECT FROM journal_lines GROUP BY loan_id, number
    HAVING sum(debit) <> sum(credit)) AS entries
""")


def seed_book(
    engine: Engine, folder: Path, day: date, now: datetime, processes: int = 1
) -> dict[str, int]:
    """Load the book of a folder of files, open its next business day, return rows by table.

    All or nothing, and some borrowers at a time; a large book is derived by several processes. By
    the owner of the tables, whom no row policy restricts.

    Raises
    ------
    TransitionError
        If the book has customers already.
    DataError
        If the files do not fit each other.
    """
    with engine.begin() as connection:
        _require_empty(connection)
        prepare(connection)
        product = product_from_row(connection.execute(select(tables.products)).one())
        people = stage_files(connection, folder)
        # Millions of checks one by one take hours; one question at the end takes seconds.
        _switch_triggers(connection, "DISABLE")
        seed = Seed(product=product, day=day, now=now)
        workers = processes if people > FEW_CUSTOMERS else 1
        with without_indexes(connection, ORDER):
            counts = _load(connection, derive_all(read_batches(connection), seed, workers))
        if connection.execute(UNBALANCED).scalar_one():
            raise AssertionError
        _switch_triggers(connection, "ENABLE")
        # The server gathers statistics only some time later; a close may come before.
        connection.execute(text(f"ANALYZE {', '.join(ORDER)}"))
        cells.rebuild(connection, day - timedelta(days=1))
        connection.execute(insert(tables.business_dates), {"business_date": day, "opened_at": now})
    return counts


def _switch_triggers(connection: Connection, state: str) -> None:
    for name in ("journal_entries", "journal_lines", *COUNTED):
        connection.execute(text(f"ALTER TABLE {name} {state} TRIGGER USER"))


def _load(connection: Connection, batches: Iterable[Chunks]) -> dict[str, int]:
    counts = dict.fromkeys(ORDER, 0)
    for chunks in batches:
        for name, chunk in chunks.items():
            copy_chunk(connection, name, chunk)
            counts[name] += chunk.rows
    return counts


def _require_empty(connection: Connection) -> None:
    customers = select(func.count()).select_from(tables.customers)
    days = select(func.count()).select_from(tables.business_dates)
    if connection.execute(customers).scalar_one() or connection.execute(days).scalar_one():
        message = "the book is not empty: seed a new database"
        raise TransitionError(message)
