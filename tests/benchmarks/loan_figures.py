"""The part of `make bench` about figures: every one over a million loans, and a month end.

The copied loans get disbursements over two years; then three month ends are recorded, two of them
with a month before.
"""

import statistics
import time
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any, Protocol

from sqlalchemy import Engine, text

from functions.lending.analytics import early_warnings
from functions.lending.analytics.answers import FIGURES
from functions.lending.analytics.month_ends import MonthEnds
from functions.lending.storage.database import Database
from tests.benchmarks.measuring import Figures, in_turn

REQUESTED, MONTH, WARNINGS = "figure, ms", "month end, ms", "early warnings, ms"
LIST = "loans of a line, ms"
MONTHS = (date(2026, 11, 30), date(2026, 12, 31), date(2027, 1, 31))
OPEN = date(2027, 2, 1)
DISBURSE = text("""
INSERT INTO disbursements SELECT gen_random_uuid(), id, branch_id, 'copied', paid, amount,
    paid + 31, 1, 'bench', paid, now()
FROM (SELECT *, DATE '2026-10-15' - 30 * abs(hashtext(CAST(id AS text)) % 24) AS paid FROM loans) l
WHERE disbursed > 0
    AND NOT EXISTS (SELECT FROM disbursements d WHERE d.loan_id = l.id)
""")
QUERIES = (
    *FIGURES,
    "concentration?by=employer",
    "concentration?by=borrower",
    "roll-rates?basis=restated",
    "cohorts?by=score_band",
)


class Caller(Protocol):
    """A connection to the loan book that times its requests."""

    def connect(self) -> None:
        """Open it again."""

    def __call__(self, method: str, path: str) -> tuple[float, Any]:
        """Milliseconds of one request, and its answer."""


def measure(engine: Engine, ask: Caller, rounds: int) -> Figures:
    """Record month ends over whatever loans there are, and ask for every figure."""
    figures: Figures = {MONTH: {}, WARNINGS: {"close": []}, REQUESTED: {}, LIST: {}}
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(DISBURSE)
        connection.execute(text("UPDATE business_dates SET closed_at = now()"))
        values = {"day": OPEN}
        connection.execute(text("INSERT INTO business_dates VALUES (:day, now())"), values)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # A book that came to be within minutes has no statistics; one that grows has them.
        connection.execute(text("ANALYZE"))
    database = Database(engine.url.render_as_string(hide_password=False), 1)
    months = MonthEnds(database=database, now=lambda: datetime.now(UTC))
    for month in MONTHS:
        took = _timed(lambda month=month: months.record_through(month))  # type: ignore[misc]
        figures[MONTH]["the first" if month == MONTHS[0] else f"{month:%B}"] = [took]
    with engine.begin() as connection:
        took = _timed(lambda: early_warnings.refresh(connection, MONTHS[-1]))
        figures[WARNINGS]["close"] = [took]
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM (ANALYZE) loans"))
        connection.execute(text("VACUUM (ANALYZE) loan_months"))
    database.close()
    ask.connect()
    for query in QUERIES:
        figures[REQUESTED][query], figures[LIST][query] = _ask(ask, query, rounds)
    return figures


def _ask(ask: Caller, query: str, rounds: int) -> tuple[list[float], list[float]]:
    """Milliseconds of a figure, and of the first page of its last line."""
    path = f"/v1/portfolio/{query}"
    took, pages = [], []
    for round_ in in_turn(rounds + 1, query):
        one, reply = ask("GET", path)
        if round_:
            took.append(one)
        if round_ and reply["lines"]:
            pages.append(ask("GET", reply["lines"][-1]["loans"])[0])
    return took, pages or [0.0]


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - began)


def budgets(medians: Mapping[str, Mapping[str, float]]) -> list[tuple[str, float, float]]:
    """What the issue promised of figures, if they were measured: what, milliseconds, budget."""
    if REQUESTED not in medians:
        return []
    figures, lists = medians[REQUESTED], medians[LIST]
    slowest = max(figures, key=lambda name: figures[name])
    page = max(lists, key=lambda name: lists[name])
    return [
        (
            f"the slowest figure of 1,000,000 loans (`{slowest}`), p50",
            figures[slowest],
            300,
        ),
        (f"the slowest list of its loans (`{page}`), p50", lists[page], 300),
        ("a month end of 1,000,000 loans", statistics.median(medians[MONTH].values()), 60_000),
        ("early warnings of 1,000,000 loans", medians[WARNINGS]["close"], 60_000),
    ]
