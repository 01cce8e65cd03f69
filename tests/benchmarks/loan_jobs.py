"""The part of `make bench` about jobs: a day's close and the report of expected loss, as commands.

The close is that of a day on which nothing new falls due: the borrowers who are late, all of them.
The month end that falls on it is measured by itself, and counts as recorded meanwhile.
"""

import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from tests.benchmarks.measuring import Figures
from tests.benchmarks.risk_reports import SCORES
from tests.support.running import REPOSITORY

SECONDS, MEMORY, CLOSED = "a job, s", "memory of a job's largest process, MB", "loans of a close"
CLOSE, REPORT = "daily close", "report of expected loss"
PAUSE_SECONDS = 0.05


def close(engine: Engine, day: date) -> Figures:
    """Close the open day."""
    late = "SELECT count(*) FROM loans WHERE next_event_on <= :day AND as_of <= :day"
    with engine.connect() as connection:
        loans = connection.execute(text(late), {"day": day}).scalar_one()
    with _without_month_end(engine, day):
        seconds, megabytes = _run(engine, "close", day)
    return {
        SECONDS: {CLOSE: [seconds]},
        MEMORY: {CLOSE: [megabytes]},
        CLOSED: {"late": [float(loans)]},
    }


def report(engine: Engine, day: date) -> Figures:
    """Score every loan, and make the report of a closed day."""
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(SCORES)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM (ANALYZE) decisions"))
    seconds, megabytes = _run(engine, "expected-loss", day)
    return {SECONDS: {REPORT: [seconds]}, MEMORY: {REPORT: [megabytes]}}


@contextmanager
def _without_month_end(engine: Engine, day: date) -> Iterator[None]:
    statement = "INSERT INTO month_ends VALUES (:day, 0, '[]', now())"
    with engine.begin() as connection:
        connection.execute(text(statement), {"day": day})
    yield
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM month_ends"))


def _run(engine: Engine, command: str, day: date) -> tuple[float, float]:
    """Seconds of a command, which must succeed, and megabytes of the largest of its processes."""
    url = engine.url.render_as_string(hide_password=False)
    arguments = [sys.executable, "-m", "functions.lending", command, "--date", day.isoformat()]
    most, began = 0.0, time.perf_counter()
    with subprocess.Popen(
        arguments, cwd=REPOSITORY, env={"DATABASE_URL": url}, stdout=subprocess.DEVNULL
    ) as process:
        while process.poll() is None:
            most = max(most, _peak_mebibytes(process.pid))
            time.sleep(PAUSE_SECONDS)
    if process.returncode:
        message = f"{command} ended with {process.returncode}"
        raise RuntimeError(message)
    return time.perf_counter() - began, most


def _peak_mebibytes(pid: int) -> float:
    """Return the most that a process has held so far, or one of its own processes; 0 after it."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0.0
    own = re.search(r"VmHWM:\s+(\d+) kB", status)
    peaks = (_peak_mebibytes(int(child)) for child in children)
    return max(int(own[1]) / 1024 if own else 0.0, *peaks, 0.0)


def budgets(medians: Mapping[str, Mapping[str, float]]) -> list[tuple[str, float, float]]:
    """What the issue promised of jobs: what, milliseconds, budget."""
    if SECONDS not in medians:
        return []
    seconds, late = medians[SECONDS], medians[CLOSED]["late"]
    return [
        (f"a daily close of 1,000,000 loans, {late:,.0f} late", 1000 * seconds[CLOSE], 120_000),
        ("expected loss of 1,000,000 loans", 1000 * seconds[REPORT], 600_000),
    ]


def joined(*parts: Mapping[str, Mapping[str, Any]]) -> Figures:
    """Join figures of the same things."""
    figures: Figures = {}
    for part in parts:
        for name, values in part.items():
            figures[name] = figures.get(name, {}) | dict(values)
    return figures
