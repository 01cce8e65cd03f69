"""Rows of fixed width between PostgreSQL and numpy, by COPY in its binary format.

Every value has a fixed size and none is NULL, so that a row is a record of numpy: a million rows
are read as one array, without a Python object for each value. Source: PostgreSQL, COPY, "Binary
Format": 19 bytes of header; of each row the number of fields, then each value after its length.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

Rows = NDArray[np.void]
Kind = Literal["identifier", "small", "integer"]
FORMATS: Mapping[Kind, str] = {"identifier": "V16", "small": ">i2", "integer": ">i8"}
HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"


class FixedColumn(NamedTuple):
    """A column and how its values are stored."""

    name: str
    kind: Kind


def integers(*names: str) -> tuple[FixedColumn, ...]:
    """Return columns of bigint."""
    return tuple(FixedColumn(name, "integer") for name in names)


def row_type(columns: tuple[FixedColumn, ...]) -> np.dtype[np.void]:
    """Return the record that one row is, with the counts and lengths between its values."""
    parts: list[tuple[str, str]] = [("fields of a row", ">i2")]
    for column in columns:
        parts += [(f"length of {column.name}", ">i4"), (column.name, FORMATS[column.kind])]
    return np.dtype(parts)


def read_rows(
    connection: Connection,
    query: str,
    values: Mapping[str, Any],
    columns: tuple[FixedColumn, ...],
) -> Rows:
    """Return the rows of a query, whose columns are these in this order.

    Raises
    ------
    ValueError
        If a value is NULL or has another size: the query and the columns do not fit each other.
    """
    driver: Any = connection.connection.driver_connection
    with (
        driver.cursor() as cursor,
        cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT BINARY)", values) as copy,
    ):
        data = b"".join(bytes(part) for part in copy)
    kind = row_type(columns)
    body = data[len(HEADER) : -len(TRAILER)]
    if len(body) % kind.itemsize:
        message = f"rows of {len(body)} bytes are not rows of {kind.itemsize}: a value is NULL"
        raise ValueError(message)
    rows = np.frombuffer(body, dtype=kind)
    expected = _blank(kind, columns, 1)
    for name in _framing(kind):
        if (rows[name] != expected[name][0]).any():
            message = f"the {name} is not what the columns say: cast it, and let none be NULL"
            raise ValueError(message)
    return rows


def write_rows(
    connection: Connection,
    table: str,
    columns: tuple[FixedColumn, ...],
    arrays: Mapping[str, NDArray[Any]],
) -> None:
    """Append rows to a table, one array for each column."""
    rows = _blank(row_type(columns), columns, len(next(iter(arrays.values()))))
    for column in columns:
        rows[column.name] = arrays[column.name]
    names = ", ".join(column.name for column in columns)
    driver: Any = connection.connection.driver_connection
    statement = f"COPY {table} ({names}) FROM STDIN (FORMAT BINARY)"
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(HEADER + rows.tobytes() + TRAILER)


def _blank(kind: np.dtype[np.void], columns: tuple[FixedColumn, ...], count: int) -> Rows:
    rows = np.zeros(count, dtype=kind)
    rows["fields of a row"] = len(columns)
    for column in columns:
        rows[f"length of {column.name}"] = np.dtype(FORMATS[column.kind]).itemsize
    return rows


def _framing(kind: np.dtype[np.void]) -> list[str]:
    names = kind.names or ()
    return [name for name in names if name.startswith(("fields of", "length of"))]
