"""Rows of a SQL database, a batch at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from models.errors import DataError
from training.pipeline.delivery import BATCH_ROWS, Address, Batch, Delivery
from training.pipeline.source_file import QueryTable


@contextmanager
def open_database(address: Address) -> Iterator[Engine]:
    """Open the database of a source. It is asked when rows are read.

    Raises
    ------
    DataError
        If the address is not the URL of a database. The message does not repeat it.
    """
    try:
        engine = create_engine(address.url)
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
