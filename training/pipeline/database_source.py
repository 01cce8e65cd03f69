"""Rows of a SQL database, a batch at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from sqlalchemy import URL, Engine, create_engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from models.errors import DataError
from training.pipeline.delivery import BATCH_ROWS, Address, Batch, Delivery
from training.pipeline.source_file import QueryTable

CONNECT_SECONDS = 10  # at least 2, for libpq
STATEMENT_SECONDS = 600.0  # of a query until its first batch, and of each batch

# A server that keeps silent must end a night's job with its name, not with the job's own limit.
POSTGRESQL = "postgresql"


@contextmanager
def open_database(address: Address) -> Iterator[Engine]:
    """Open the database of a source. It is asked when rows are read.

    Raises
    ------
    DataError
        If the address is not the URL of a database. The message does not repeat it.
    """
    try:
        url = make_url(address.url)
        engine = create_engine(url, connect_args=_time_limits(url))
    except (SQLAlchemyError, ImportError, ValueError) as error:
        message = (
            f"SOURCE_URL_{address.source.upper()} is not the URL of a database: "
            f"{type(error).__name__}"
        )
        raise DataError(message) from error
    try:
        yield engine
    finally:
        engine.dispose()


def _time_limits(url: URL) -> dict[str, object]:
    """Options of the driver; other databases keep their own limits, as the URL states them."""
    if url.get_backend_name() != POSTGRESQL or "options" in url.query:
        return {}
    milliseconds = round(1000 * STATEMENT_SECONDS)
    return {
        "connect_timeout": CONNECT_SECONDS,
        "options": f"-c statement_timeout={milliseconds}",
        "tcp_user_timeout": milliseconds,
    }


def read_database(engine: Engine, place: str, table: QueryTable, day: date) -> Delivery:
    """Return the rows of a query for a day. The server is asked when the batches are taken."""
    return Delivery(_read(engine, place, table, day))


def _read(engine: Engine, place: str, table: QueryTable, day: date) -> Iterator[Batch]:
    try:
        with engine.connect() as connection:
            streamed = connection.execution_options(stream_results=True, yield_per=BATCH_ROWS)
            result = streamed.execute(text(table.query), {"day": day})
            names = list(result.keys())
            # Also without a row, so that a changed schema is noticed on an empty day.
            yield Batch(dict.fromkeys(names, ()), 0)
            for rows in result.partitions():
                yield Batch(dict(zip(names, zip(*rows, strict=True), strict=True)), len(rows))
    except SQLAlchemyError as error:
        # The driver's own message names hosts, tables and columns, and neither rows nor the URL.
        reason = str(getattr(error, "orig", None) or type(error).__name__).strip()
        message = f"{place}: the database refuses the query or is down: {reason}"
        raise DataError(message) from error
