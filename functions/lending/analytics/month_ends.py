"""Month ends: recorded once when a month is closed, restated by revisions, remade from facts."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, text

from functions.lending.analytics import month_end_sql as sql
from functions.lending.analytics.month_end_rows import rows_as_posted
from functions.lending.checking import Differences
from functions.lending.errors import TransitionError
from functions.lending.storage import cells
from functions.lending.storage.database import WHOLE_BOOK, Database
from functions.lending.storage.transaction import open_business_date
from models.lending.dates import date_in_month

BATCH = 200
WAIT_SECONDS = 20.0
REPORTED, RESTATED = "reported", "restated"
STATE = (
    *("status", "disbursed", "outstanding", "arrears", "written_off", "days_past_due"),
    *("asset_class", "npa_since", "rule_set"),
)
RULE_SETS = """
SELECT coalesce(jsonb_agg(DISTINCT rule_set), '[]') FROM loan_months WHERE month_end = :month
"""


@dataclass(slots=True)
class RemadeMonth(Differences):
    """A month made again from what was posted by its end, beside what was reported then."""

    month_end: date
    loans: int = 0
    restated_loans: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthEnds:
    """The month ends of one book; `now` is when rows are written, never what month it is."""

    database: Database
    now: Callable[[], datetime]

    def record_through(self, month: date) -> dict[date, int]:
        """Record a month, and those before it that are missing; nothing that was recorded before.

        Returns the number of loans by month end. The first month of a book is the one asked for.

        Raises
        ------
        TransitionError
            If the month is not closed, or lies before the first one that was recorded.
        """
        recorded = {}
        latest, first, open_day = self.database.read(WHOLE_BOOK, _read_months)
        if month >= open_day:
            message = f"{month} is not closed, {open_day} is open: close the month first"
            raise TransitionError(message)
        if first and month < first:
            message = f"{month} is before {first}, the first month end of this book"
            raise TransitionError(message)
        next_month = following(latest) if latest else month
        while next_month <= month:
            recorded[next_month] = self._record(next_month, latest)
            latest, next_month = next_month, following(next_month)
        return recorded

    def is_behind(self, month: date) -> bool:
        """Whether months are recorded, and this one is not yet."""
        latest, _, _ = self.database.read(WHOLE_BOOK, _read_months)
        return latest is not None and latest < month

    def _record(self, month: date, previous: date | None) -> int:
        self._wait_for_older()
        work = partial(_record_month, month, previous, self.now())
        return self.database.write(WHOLE_BOOK, work, is_repeatable=True)

    def _wait_for_older(self) -> None:
        """Wait for postings that began on a day that is closed by now.

        Requests have limits of time far below this one. What is still open then is no posting.
        """
        oldest = "SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)"
        newest = "SELECT CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint)"
        deadline = time.monotonic() + WAIT_SECONDS
        until = self.database.read(WHOLE_BOOK, partial(_scalar, newest))
        while self.database.read(WHOLE_BOOK, partial(_scalar, oldest)) < until:
            if time.monotonic() > deadline:
                return
            time.sleep(0.05)

    def remake(self, month: date) -> RemadeMonth:
        """Derive every loan again from what was posted by the month's end; compare, change nothing.

        Raises
        ------
        TransitionError
            If the month was never recorded.
        """
        remade = RemadeMonth(month)
        last = 0
        if not self.database.read(WHOLE_BOOK, partial(_is_recorded, month)):
            message = f"{month} was not recorded: there is nothing to compare it with"
            raise TransitionError(message)
        while True:
            customers = self.database.snapshot(partial(_remake_batch, remade, last))
            if len(customers) < BATCH:
                return remade
            last = customers[-1]


def following(month: date) -> date:
    """Return the month end after one."""
    return month_end(month + timedelta(days=1))


def month_end(day: date) -> date:
    """Return the last day of a day's month."""
    return date_in_month(day.year, day.month, 31)


def _read_months(connection: Connection) -> tuple[date | None, date | None, date]:
    query = "SELECT max(month_end), min(month_end) FROM month_ends"
    latest, first = connection.execute(text(query)).one()
    return latest, first, open_business_date(connection)


def _scalar(query: str, connection: Connection) -> Any:  # noqa: ANN401 -- one value
    return connection.execute(text(query)).scalar_one()


def _is_recorded(month: date, connection: Connection) -> bool:
    query = text("SELECT count(*) FROM month_ends WHERE month_end = :month")
    return bool(connection.execute(query, {"month": month}).scalar_one())


def _record_month(month: date, previous: date | None, now: datetime, connection: Connection) -> int:
    """Record a month in one transaction: all or nothing."""
    cells.without_limit(connection)
    # So that a month and the one before it are joined in memory.
    connection.execute(text("SELECT set_config('work_mem', '64MB', true)"))
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": cells.LOCK})
    if _is_recorded(month, connection):
        return 0
    connection.execute(text("SELECT create_month(:month)"), {"month": month})
    values = {"month": month, "previous": previous, "recorded_on": open_business_date(connection)}
    loans: int = connection.execute(text(sql.RECORD), values).rowcount
    later = "SELECT DISTINCT customer_id FROM loans WHERE as_of > :month ORDER BY 1"
    customers = connection.execute(text(later), {"month": month}).scalars().all()
    for batch in _batches(customers):
        rows = [r for r in rows_as_posted(connection, batch, month, month) if r["is_later"]]
        rows = [row for row in rows if row["disbursed"]]
        loans += connection.execute(text(sql.RECORD_DERIVED), values | _as_value(rows)).rowcount
    connection.execute(
        text(f"INSERT INTO month_ends VALUES (:month, :loans, ({RULE_SETS}), :now)"),  # noqa: S608 -- a constant
        {"month": month, "loans": loans, "now": now},
    )
    _sum_up(connection, month, REPORTED, has_previous=previous is not None)
    if previous:
        _restate(connection, month, previous, now)
    return loans


def _sum_up(connection: Connection, month: date, basis: str, *, has_previous: bool) -> None:
    values = {"month": month, "basis": basis}
    for name in ("roll_cells", "vintage_cells", "month_cells"):
        statement = f"DELETE FROM {name} WHERE month_end = :month AND basis = :basis"  # noqa: S608 -- names of ours
        connection.execute(text(statement), values)
    connection.execute(text(sql.VINTAGE_CELLS), values)
    if has_previous:
        connection.execute(text(sql.ROLL_CELLS), values)
    for figure, members in sql.MEMBERS.items():
        if has_previous or figure not in sql.NEEDS_PREVIOUS:
            statement = sql.MONTH_CELLS.format(members=members)
            connection.execute(text(statement), values | {"figure": figure})


def _restate(connection: Connection, month: date, previous: date, now: datetime) -> None:
    """Add revisions of recorded months for borrowers with back-dated postings of this month."""
    values = {"month": month, "previous": previous}
    affected = connection.execute(text(sql.BACK_DATED), values).all()
    if not affected:
        return
    query = text("SELECT month_end FROM month_ends WHERE month_end >= :since ORDER BY month_end")
    since = {"since": min(row.since for row in affected)}
    months = connection.execute(query, since).scalars().all()
    first = connection.execute(text("SELECT min(month_end) FROM month_ends")).scalar_one()
    customers = [row.customer_id for row in affected]
    for past in months:
        before = past.replace(day=1) - timedelta(days=1)
        scope = {"month": past, "previous": before, "recorded_on": month}
        added = sum(
            _restate_batch(connection, batch, scope, month) for batch in _batches(customers)
        )
        if added:
            note = (
                "UPDATE month_ends SET restated_at = :now, restated_loans = (SELECT count(DISTINCT"
            )
            note += " loan_id) FROM loan_months WHERE month_end = :month AND revision > 0)"
            connection.execute(text(f"{note} WHERE month_end = :month"), scope | {"now": now})
            _sum_up(connection, past, RESTATED, has_previous=past > first)


def _restate_batch(
    connection: Connection, customers: Sequence[int], scope: dict[str, Any], posted_by: date
) -> int:
    rows = rows_as_posted(connection, customers, scope["month"], posted_by)
    loans = [row["loan_id"] for row in rows]
    last = text("""SELECT loan_id, max(revision) FROM loan_months
        WHERE month_end = :month AND loan_id = ANY (:loans) GROUP BY loan_id""")
    values = {"month": scope["month"], "loans": loans}
    revisions = {row[0]: row[1] for row in connection.execute(last, values)}
    for row in rows:
        row["revision"] = revisions.get(row["loan_id"], 0) + 1
    done = connection.execute(text(sql.RESTATE), scope | _as_value(rows) | {"loans": loans})
    return done.rowcount


def _remake_batch(remade: RemadeMonth, last: int, connection: Connection) -> Sequence[int]:
    month = remade.month_end
    query = text("""SELECT DISTINCT customer_id FROM loans WHERE customer_id > :last
        ORDER BY customer_id LIMIT :batch""")
    customers = connection.execute(query, {"last": last, "batch": BATCH}).scalars().all()
    derived = {
        row["loan_id"]: row
        for row in rows_as_posted(connection, customers, month, month)
        if row["disbursed"]
    }
    stored = text("""
        SELECT *, CASE bucket WHEN 'closed' THEN 'closed' WHEN 'written_off' THEN 'written_off'
            ELSE 'active' END AS status FROM loan_months
        WHERE month_end = :month AND customer_id = ANY (:customers)
        ORDER BY loan_id, revision""")
    rows = connection.execute(stored, {"month": month, "customers": list(customers)})
    reported = {}
    for loan_id, group in groupby(rows.mappings(), key=lambda row: row["loan_id"]):
        first, *later = group
        remade.restated_loans += bool(later) or first["revision"] > 0
        if first["revision"] == 0:
            reported[loan_id] = first
    for loan_id in sorted({*derived, *reported}):
        remade.loans += loan_id in reported
        for difference in _differences(reported.get(loan_id), derived.get(loan_id)):
            remade.note(f"loan {loan_id}: {difference}")
    return customers


def _differences(reported: Any, derived: dict[str, Any] | None) -> Iterator[str]:  # noqa: ANN401 -- a row
    if reported is None or derived is None:
        yield "is in the snapshot alone" if derived is None else "is missing in the snapshot"
        return
    for name in STATE:
        value = derived[name]
        if name == "status" and value == "settled":
            value = "written_off"
        if reported[name] != value:
            yield f"{name} was reported as {reported[name]}, its facts say {value}"


def _batches(customers: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(customers), BATCH):
        yield customers[start : start + BATCH]


def _as_value(rows: Sequence[dict[str, Any]]) -> dict[str, str]:
    from pydantic_core import to_json  # noqa: PLC0415 -- as amounts are written everywhere

    return {"rows": to_json(rows).decode()}
