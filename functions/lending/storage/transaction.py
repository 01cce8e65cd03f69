"""One transaction of a request: who acts, when, on which business day; and its evidence."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from sqlalchemy import Connection, Table

from functions.lending.errors import BookUnavailableError
from functions.lending.storage import tables
from functions.lending.storage.database import OPEN_DAY, WHOLE_BOOK, Database, opened
from functions.lending.storage.identifiers import new_id, public_id
from functions.lending.storage.round_trips import Statement, insertion, send, update_rows

Result = TypeVar("Result")
NO_DATE = "no business day is open: run `python -m functions.lending seed`, or open one with `open`"
LOCAL = "local"  # who acts where nobody is authenticated


class LoanEvent(NamedTuple):
    """What happened to which loan; `sequence` counts the events of the loan, which is locked."""

    loan_id: UUID
    branch_id: int
    sequence: int
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """A connection inside a transaction, and what every row it writes repeats.

    `business_date` is the lender's open day. No code below reads a clock. What is added here is
    sent with the commit, in one round trip: whoever reads it back before calls `flush`.
    """

    connection: Connection
    principal: str
    request_id: str
    now: datetime
    business_date: date
    unsent: list[Statement] = field(default_factory=list, repr=False)

    def read(self, statements: Sequence[Statement]) -> list[list[Any]]:
        """Return the rows of statements, which may have been sent when the transaction began."""
        began = opened(self.connection).first
        if began and began[0][0] == list(statements):
            return began.pop()[1]
        return send(self.connection, statements)

    def add(self, table: Table, *rows: Mapping[str, Any]) -> None:
        """Insert rows, which all have the same columns, with whatever is sent next."""
        if rows:
            self.unsent.append(insertion(table, rows))

    def update(self, table: Table, keys: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
        """Change rows, found by their keys, with whatever is sent next."""
        if rows:
            self.unsent.append(update_rows(table, keys, rows))

    def change(self, statement: Statement) -> None:
        """Run a statement with whatever is sent next."""
        self.unsent.append(statement)

    def flush(self) -> None:
        """Send what was added."""
        if self.unsent:
            send(self.connection, self.unsent)
            self.unsent.clear()

    def audit(
        self,
        action: str,
        subject: str,
        branch_id: int | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Record who did what to whom; `detail` never holds personal data."""
        row = {
            "id": new_id(),
            "at": self.now,
            "principal": self.principal,
            "action": action,
            "subject": subject,
            "branch_id": branch_id,
            "request_id": self.request_id,
            "detail": dict(detail or {}),
        }
        self.add(tables.audit, row)

    def publish(self, event: LoanEvent, data: Mapping[str, Any]) -> None:
        """Put an event into the outbox."""
        loan_id, branch_id, sequence, kind = event
        identifier = new_id()
        body = {
            "type": kind,
            "timestamp": self.now.isoformat().replace("+00:00", "Z"),
            "data": {"loan_id": public_id("loan", loan_id), "sequence": sequence, **data},
        }
        row = {"id": identifier, "loan_id": loan_id, "branch_id": branch_id}
        row |= {"sequence": sequence, "type": kind, "body": body, "created_at": self.now}
        self.add(tables.outbox, row)


def open_business_date(connection: Connection) -> date:
    """Return the lender's open day.

    Raises
    ------
    BookUnavailableError
        If no day was ever opened.
    """
    [rows] = send(connection, [Statement(OPEN_DAY, {})])
    return _require_day(rows[0].business_date if rows else None)


def _require_day(day: date | None) -> date:
    if day is None:
        raise BookUnavailableError(NO_DATE, 60)
    return day


def begun(connection: Connection, principal: str, request_id: str, now: datetime) -> Transaction:
    """Return the transaction that has begun on a connection, on the day that was open then.

    Raises
    ------
    BookUnavailableError
        If no day was ever opened.
    """
    beginning = opened(connection)
    return Transaction(
        connection=connection,
        principal=principal,
        request_id=request_id,
        now=now,
        business_date=_require_day(beginning.business_date),
        unsent=beginning.unsent,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A program that acts on the whole book in its own name; `now` is when its rows are written."""

    database: Database
    principal: str
    now: Callable[[], datetime]

    def run(self, action: Callable[[Transaction], Result]) -> Result:
        """Run an action in a transaction of its own; a second run must do nothing new."""

        def work(connection: Connection) -> Result:
            return action(begun(connection, self.principal, self.principal, self.now()))

        return self.database.write(WHOLE_BOOK, work, is_repeatable=True)
