"""A day of 1,000,000 payments from PostgreSQL to features: seconds, processor time and memory.

python tests/benchmarks/pipeline.py [--quick]

Writes docs/figures/pipeline.json and its section of docs/benchmarks.md. Each step is the command
that a schedule runs; the server and its rows are made before, and are not measured.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

from sqlalchemy import create_engine, text  # noqa: E402 -- after the path

from infra.local.cost import fill, table  # noqa: E402
from infra.local.postgres import running_postgres  # noqa: E402
from tests.benchmarks.report import (  # noqa: E402
    BENCH,
    DOCUMENT,
    Measured,
    Section,
    about,
    circumstances,
    command_line,
)

SECTION = Section("make bench, the data pipeline", BENCH.figures.with_name("pipeline.json"))
SECONDS, PROCESSOR, MEMORY = "by the clock, s", "of our processors, s", "memory at most, MiB"
DAY = date(2026, 11, 28)
PAYMENTS, CUSTOMERS = 1_000_000, 200_000
MOST_SECONDS, MOST_MIB = 60, 2_048
SOURCES = """
[sources.bank]
kind = "database"
tables.payments.query = "SELECT * FROM payments WHERE :day = DATE '2026-11-28'"
tables.customers.query = "SELECT * FROM customers WHERE :day = DATE '2026-11-28'"
"""
# Made by the server, so that nothing of it passes through this process.
ROWS = (
    """
    CREATE TABLE customers AS
    SELECT 'C' || lpad(n::text, 6, '0') AS customer_id, DATE '1980-01-01' AS birth_date,
        50000.00::numeric(14, 2) AS annual_income, DATE '2015-01-01' AS employed_since,
        'master' AS education, 'north' AS region
    FROM generate_series(1, :customers) AS n
    """,
    """
    CREATE TABLE payments AS
    SELECT 'P' || lpad(n::text, 7, '0') AS payment_id, 'A1' AS account_id,
        'C' || lpad((1 + n % :customers)::text, 6, '0') AS customer_id,
        DATE '2026-11-28' - (n % 60) AS due_date,
        (5 + n % 495 + 0.25)::numeric(14, 2) AS amount_due,
        CASE WHEN n % 5 > 0 THEN DATE '2026-11-28' END AS paid_on,
        (n % 500)::numeric(14, 2) AS amount_paid
    FROM generate_series(1, :payments) AS n
    """,
)
ABSENT = ("accounts", "inquiries", "bureau_scores", "macro_indicators")


@dataclass(frozen=True, slots=True)
class Step:
    """What one command took: by the clock, of the processors, and memory at most."""

    name: str
    seconds: float
    processor_seconds: float
    mib: float


def make_tables(url: str, payments: int, customers: int) -> None:
    """Make both tables of the source."""
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in ROWS:
            sizes = {"payments": payments, "customers": customers}
            names = {name: size for name, size in sizes.items() if f":{name}" in statement}
            connection.execute(text(statement), names)
    engine.dispose()


def run_steps(folder: Path, url: str) -> list[Step]:
    """Run the steps of the day, and measure each."""
    (folder / "sources.toml").write_text(SOURCES)
    variables = dict(os.environ) | {
        "LAKE_URI": (folder / "lake").as_uri(),
        "WAREHOUSE_URL": f"duckdb:///{folder / 'w.duckdb'}",
        "PIPELINE_SOURCES": str(folder / "sources.toml"),
        "SOURCE_URL_BANK": url,
    }
    accepted = [part for table in ABSENT for part in ("--accept", f"{table}.arrived")]
    commands = {"ingest": ("--source", "bank"), "quality": (), "features": accepted}
    return [
        measure(name, [name, *arguments, "--day", str(DAY)], variables, 2 * (name == "quality"))
        for name, arguments in commands.items()
    ]


def measure(name: str, arguments: Sequence[str], variables: Mapping[str, str], code: int) -> Step:
    """Run one command, which must end with an exit code."""
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "training", *arguments],
        cwd=REPOSITORY,
        env=variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != code:
        message = f"{name} ended with exit code {process.returncode}"
        raise RuntimeError(message)
    used = usage.ru_utime + usage.ru_stime
    return Step(name, round(seconds, 1), round(used, 1), round(usage.ru_maxrss / 1024))


def rendered(measured: Measured) -> str:
    """The section of the document."""
    medians = measured.medians
    columns = (SECONDS, PROCESSOR, MEMORY)
    lines = [
        [f"`{step}`", *(f"{medians[column][step]:,.1f}" for column in columns)]
        for step in medians[SECONDS]
    ]
    seconds, memory = sum(medians[SECONDS].values()), max(medians[MEMORY].values())
    most = (f"≤ {MOST_SECONDS} s", f"≤ {MOST_MIB:,} MiB")
    budget = [
        ["the three steps", f"{seconds:.1f} s", most[0], judge(seconds, MOST_SECONDS)],
        ["memory", f"{memory:,.0f} MiB", most[1], judge(memory, MOST_MIB)],
    ]
    return "\n\n".join(
        [
            circumstances(measured.about),
            table(("what", "measured", "budget", ""), budget),
            table(("step", *columns), lines),
        ]
    )


def judge(value: float, limit: float) -> str:
    """Say whether a budget was kept; a loss is shown."""
    return "reached" if value <= limit else "**missed**"


def main() -> None:
    """Measure, show and, unless it was quick, write."""
    quick = command_line(__doc__).quick
    payments, customers = (10_000, 2_000) if quick else (PAYMENTS, CUSTOMERS)
    machine = about()
    with tempfile.TemporaryDirectory(prefix="pipeline-") as name:
        folder = Path(name)
        with running_postgres(folder / "server") as url:
            make_tables(url, payments, customers)
            steps = run_steps(folder, url)
    figures = {
        SECONDS: {step.name: [step.seconds] for step in steps},
        PROCESSOR: {step.name: [step.processor_seconds] for step in steps},
        MEMORY: {step.name: [step.mib] for step in steps},
    }
    measured = Measured.of(machine, figures)
    print(rendered(measured))
    if not quick:
        SECTION.figures.write_text(json.dumps(asdict(measured), indent=1) + "\n")
        DOCUMENT.write_text(fill(DOCUMENT.read_text(), SECTION.mark, rendered(measured)))


if __name__ == "__main__":
    main()
