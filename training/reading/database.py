"""Rows of a SQL database: the result of one query, over a SQLAlchemy URL."""

from dataclasses import dataclass, field

import pandas as pd
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from models.errors import DataError
from models.reading.columns import refuse_repeated


@dataclass(frozen=True, slots=True)
class Query:
    """A query and the URL of its database. The URL may have a password, so it is never shown."""

    sql: str
    url: str = field(repr=False)


def read_query(query: Query) -> pd.DataFrame:
    """Return the rows of a query, numbered from 1.

    Raises
    ------
    DataError
        If the database cannot be reached or refuses the query. The message has no credentials.
    """
    try:
        engine = create_engine(query.url)
    except (SQLAlchemyError, ImportError, ValueError) as error:
        message = f"DATA_URL is not the URL of a database: {type(error).__name__}"
        raise DataError(message) from error
    try:
        with engine.connect() as connection:
            result = connection.execution_options(stream_results=True).execute(text(query.sql))
            names = list(result.keys())
            frame = pd.DataFrame(result.fetchall(), columns=names)
    except SQLAlchemyError as error:
        # The driver's own message names tables and columns, and neither rows nor the URL.
        message = f"--query: {str(getattr(error, 'orig', None) or type(error).__name__).strip()}"
        raise DataError(message) from error
    finally:
        engine.dispose()
    refuse_repeated(names, "--query: it has", "name one by AS")
    frame.index = pd.RangeIndex(1, len(frame) + 1)
    return frame
