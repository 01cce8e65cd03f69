"""The month-end job on copies of a seeded book: seconds, and memory before and after.

`python -m tests.benchmarks.risk_reports --loans 1000000` takes half an hour, most of it to copy.
"""

import argparse
import json
import resource
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection, create_engine, text

from functions.lending.actions.stress import StressRequest, stress_book
from functions.lending.risk_reports import ReportRequest, make_report, verify_report
from functions.lending.seeding import seed_book
from functions.lending.storage.database import Database
from functions.lending.storage.migrate import upgrade
from functions.lending.storage.transaction import Job
from models.lending.expected_loss_rules import IFRS_9
from models.lending.stress import STANDARD_SCENARIOS
from tests.benchmarks.loan_copies import NEW, WITH_ID, copy_rows
from tests.support.postgres import running_postgres
from training.reading.sources import write_book

DAY = date(2026, 11, 30)
CUSTOMERS = 1_000
COPIES = text("""
CREATE TEMPORARY TABLE copies AS
    SELECT id AS old, gen_random_uuid() AS new, n % 20 + 1 AS branch
    FROM loans, generate_series(1, :copies) AS n WHERE status = 'active'
""")
COPIED = (
    ("loans", "id", {"id": "c.new", "application_id": "c.new", "branch_id": "c.branch"}),
    ("instalments", "loan_id", NEW),
    ("disbursements", "loan_id", WITH_ID),
)
SCORES = text("""
INSERT INTO decisions (id, application_id, customer_id, branch_id, decided_by, is_automated,
        outcome, model, model_version, probability_of_default, created_at)
    SELECT gen_random_uuid(), application_id, customer_id, branch_id, 'benchmark', false,
        'approved', 'instalment', 'v1', 0.005 + 0.2 * random(), now() FROM loans
""")


def main() -> None:
    """Measure, and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loans", type=int, default=1_000_000)
    loans = parser.parse_args().loans
    with (
        TemporaryDirectory(prefix="bench-") as data,
        TemporaryDirectory() as files,
        running_postgres(Path(data)) as url,
    ):
        copy_book(url, Path(files), loans)
        print(json.dumps(measure(url), default=str, indent=1))


def copy_book(url: str, files: Path, loans: int) -> None:
    """Seed a book, copy its active loans until there are so many, and score each of them."""
    write_book(files, 42, CUSTOMERS, DAY - timedelta(days=1))
    engine = create_engine(url)
    upgrade(engine)
    seed_book(engine, files, DAY, datetime.now(UTC))
    with engine.begin() as connection:
        _copy(connection, loans)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    engine.dispose()


def _copy(connection: Connection, loans: int) -> None:
    active = text("SELECT count(*) FROM loans WHERE status = 'active'")
    copies = loans // connection.execute(active).scalar_one()
    connection.execute(COPIES, {"copies": copies})
    connection.execute(text("SET LOCAL session_replication_role = replica"))
    for table, key, new in COPIED:
        copy_rows(connection, table, new, key=key)
    connection.execute(SCORES)
    connection.execute(text("SET LOCAL session_replication_role = origin"))


def measure(url: str) -> dict[str, Any]:
    """Make a report, make it again, and stress it."""
    day, database = DAY - timedelta(days=1), Database(url, 2)
    job = Job(database=database, principal="benchmark", now=lambda: datetime.now(UTC))
    stress = StressRequest(STANDARD_SCENARIOS["all_three"], is_limited=False)
    before, figures = _resident(), dict[str, Any]()
    for name, work in (
        ("report", lambda: make_report(database, ReportRequest(day=day, rules=IFRS_9), job.now())),
        ("verify", lambda: verify_report(database, "ifrs9", day)),
        ("stress", lambda: job.run(lambda transaction: stress_book(stress, transaction))["loans"]),
    ):
        began, cpu = time.perf_counter(), time.process_time()
        done = work()
        seconds, own = time.perf_counter() - began, time.process_time() - cpu
        figures[name] = {"seconds": round(seconds, 1), "own_cpu": round(own, 1), "result": done}
    database.close()
    return figures | {"resident_mb_before": before, "resident_mb_most": _resident()}


def _resident() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()
