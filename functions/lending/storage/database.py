"""The database as requests use it: pooled connections, transactions that are safe to repeat.

A transaction acts as one database role, whose row policies decide which branches it sees.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, TypeVar

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from functions.lending.errors import (
    BookUnavailableError,
    BusyError,
    NotAllowedError,
    UnknownOutcomeError,
)
from functions.lending.storage.round_trips import Statement, send, send_and_commit
from functions.lending.storage.sign_in import AccessToken, Token, sign_in_from_url

TRIES = 6
PAUSE_SECONDS = 0.01
POOL_SECONDS = 5.0
RETRY_AFTER_SECONDS = 5
LOCK_TIMEOUT = "2s"
STATEMENT_TIMEOUT = "15s"
SERIALIZATION_FAILURE, DEADLOCK, LOCK_NOT_AVAILABLE = "40001", "40P01", "55P03"
# A table or a column is missing, or the role that the transaction acts as.
NOT_MIGRATED = frozenset({"42P01", "42703", "22023"})
# Two requests with one key at a time: whoever comes second finds what the first one stored.
RACES = frozenset({"applications_requested_by_request_key_key"})
NOT_ALLOWED = "42501"
OPEN_DAY = "SELECT business_date FROM business_dates WHERE closed_at IS NULL"
BEGIN = """
SELECT set_config('role', %(role)s, true) AS role,
    set_config('lending.branches', %(branches)s, true) AS branches,
    set_config('lending.customer', %(customer)s, true) AS customer,
    set_config('lock_timeout', %(lock)s, true) AS lock,
    set_config('statement_timeout', %(statement)s, true) AS statement,
    set_config('timezone', 'UTC', true) AS timezone
"""

Result = TypeVar("Result")
DatabaseRole = Literal["lending_branch", "lending_book", "lending_reader", "lending_client"]
Work = Callable[[Connection], Result]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowAccess:
    """Which rows a transaction sees: by database role, and by branches or customer."""

    role: DatabaseRole = "lending_book"
    branches: tuple[int, ...] = ()
    customer: int | None = None

    @property
    def variables(self) -> Mapping[str, str]:
        """What the row policies read."""
        return {
            "role": self.role,
            "branches": ",".join(map(str, self.branches)),
            "customer": "" if self.customer is None else str(self.customer),
        }


WHOLE_BOOK = RowAccess()


class Database:
    """The loan book's database; threads may share it."""

    def __init__(self, url: str, connections: int = 5) -> None:
        self.url = url
        self.engine = create_pool(url, connections)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def read(self, access: RowAccess, work: Work[Result]) -> Result:
        """Run a transaction that writes nothing a second run would repeat."""
        return self._run(access, work, is_repeatable=True)

    def snapshot(self, work: Work[Result]) -> Result:
        """Read the whole book, every statement as of the same moment, without a lock."""
        with self.engine.connect() as connection:
            snapshot = connection.execution_options(isolation_level="REPEATABLE READ")
            begin(snapshot, WHOLE_BOOK)
            return work(snapshot)

    def write(
        self,
        access: RowAccess,
        work: Work[Result],
        *,
        is_repeatable: bool,
        first: Sequence[Statement] = (),
    ) -> Result:
        """Run a transaction, again after a deadlock or a serialization failure.

        `is_repeatable` says that the work begins with an idempotency key: if the connection is
        lost, even during the commit, the next run finds what the key stands for. The statements
        of `first` go with the beginning: `Transaction.read` returns their rows.

        Raises
        ------
        BusyError
            If another transaction held what this one needs for too long.
        UnknownOutcomeError
            If the connection was lost during the commit of work that cannot be repeated.
        BookUnavailableError
            If the database does not answer.
        """
        return self._run(access, work, is_repeatable=is_repeatable, first=first)

    def _run(
        self,
        access: RowAccess,
        work: Work[Result],
        *,
        is_repeatable: bool,
        first: Sequence[Statement] = (),
    ) -> Result:
        for attempt in range(1, TRIES + 1):
            is_committing = False
            try:
                with self.engine.connect() as connection:
                    begin(connection, access, first)
                    result = work(connection)
                    is_committing = True
                    send_and_commit(connection, opened(connection).unsent)
                    return result
            except PoolTimeoutError as error:
                raise BusyError(connections=True) from error
            except DBAPIError as error:
                is_lost = error.connection_invalidated or _is_connection_failure(error)
                if is_lost and is_committing and not is_repeatable:
                    raise UnknownOutcomeError from error
                if not (is_repeatable and constraint_name(error) in RACES and attempt < TRIES):
                    _raise_unless_passing(error, is_lost=is_lost, is_last=attempt == TRIES)
            time.sleep(PAUSE_SECONDS * 2**attempt * random.random())  # noqa: S311 -- jitter
        raise AssertionError


def create_pool(url: str, connections: int = 5, token: Token | None = None) -> Engine:
    """Create an engine whose connections are few, short-lived and checked by use."""
    sign_in = sign_in_from_url(make_url(normalise_url(url)))
    engine = create_engine(
        sign_in.url,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=POOL_SECONDS,
        pool_recycle=300,
        connect_args={"connect_timeout": int(POOL_SECONDS), "application_name": "lending"},
    )
    if sign_in.with_token:
        _sign_in_with(engine, token or AccessToken())
    return engine


def _sign_in_with(engine: Engine, token: Token) -> None:
    """Ask for a token at each new connection: one lives for an hour, a pool for longer."""

    def add_token(*details: Any) -> None:  # noqa: ANN401 -- SQLAlchemy's signature
        details[-1]["password"] = token()

    event.listen(engine, "do_connect", add_token)


def normalise_url(url: str) -> str:
    """Name the driver in a PostgreSQL URL."""
    parsed = make_url(url)
    return parsed.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What a transaction began with, and what it has yet to send.

    `business_date` was open when it began, if any day was. `first` holds statements that were sent
    with the beginning, each with its rows, until they are read. `unsent` goes with the commit.
    """

    business_date: date | None
    first: list[tuple[list[Statement], list[list[Any]]]] = field(default_factory=list)
    unsent: list[Statement] = field(default_factory=list)


def begin(connection: Connection, access: RowAccess, first: Sequence[Statement] = ()) -> None:
    """Act as a role and with limits of time, until the transaction ends.

    The open business day is read in the same round trip, and what `first` reads: see `opened`.
    """
    limits = {"lock": LOCK_TIMEOUT, "statement": STATEMENT_TIMEOUT}
    connection.begin()
    settings = Statement(BEGIN, {**access.variables, **limits})
    _, days, *rows = send(connection, [settings, Statement(OPEN_DAY, {}), *first])
    beginning = Opened(
        business_date=days[0].business_date if days else None,
        first=[(list(first), rows)] if first else [],
    )
    connection.execution_options(opened=beginning)


def opened(connection: Connection) -> Opened:
    """Return what the transaction on a connection began with."""
    beginning: Opened = connection.get_execution_options()["opened"]
    return beginning


def sql_state(error: SQLAlchemyError) -> str | None:
    """Return the five characters by which PostgreSQL names an error."""
    state: str | None = getattr(getattr(error, "orig", None), "sqlstate", None)
    return state


def constraint_name(error: SQLAlchemyError) -> str | None:
    """Return the constraint that was broken."""
    diagnostics = getattr(getattr(error, "orig", None), "diag", None)
    name: str | None = getattr(diagnostics, "constraint_name", None)
    return name


def _is_connection_failure(error: DBAPIError) -> bool:
    state = sql_state(error)
    is_operational = isinstance(error.orig, psycopg.OperationalError)
    # Without a state the server never answered; 57P is its shutdown, 08 a broken connection.
    return is_operational and (state is None or state.startswith(("08", "57P", "53300")))


def _raise_unless_passing(error: DBAPIError, *, is_lost: bool, is_last: bool) -> None:
    """Return if another try may succeed."""
    state = sql_state(error)
    if state == LOCK_NOT_AVAILABLE:
        raise BusyError from error
    if state in NOT_MIGRATED:
        message = "the database lacks a migration: run `python -m functions.lending migrate`"
        raise BookUnavailableError(message, RETRY_AFTER_SECONDS) from error
    if state == NOT_ALLOWED:
        raise NotAllowedError from error
    if is_last and (is_lost or state in {SERIALIZATION_FAILURE, DEADLOCK}):
        message = "the loan book's database does not answer"
        raise BookUnavailableError(message, RETRY_AFTER_SECONDS) from error
    if not is_lost and state not in {SERIALIZATION_FAILURE, DEADLOCK}:
        raise error
