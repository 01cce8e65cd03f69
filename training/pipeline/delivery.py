"""What a source delivers for one table and one day."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import pyarrow as pa

BATCH_ROWS = 10_000
MISSING = object()  # in place of a value that a row does not have

Values: TypeAlias = Sequence[Any] | pa.Array


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows by column, each column as long as the number of rows.

    A column has Python values or is an Arrow array. A batch may have columns and no rows.
    """

    columns: Mapping[str, Values]
    rows: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """Rows in batches, in the order of the source. They are read while the batches are taken.

    `unreadable` maps the numbers of rows that have no columns, from 1, to what is wrong with them.
    """

    batches: Iterable[Batch]
    unreadable: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Address:
    """The address of a source, and its bearer token if it has one. Neither is ever printed."""

    source: str
    url: str = field(repr=False)
    token: str = field(default="", repr=False)


def batch_from_rows(rows: Sequence[Mapping[str, Any]]) -> Batch:
    """Return rows by column. A value that a row lacks is `MISSING`."""
    names = dict.fromkeys(name for row in rows for name in row)
    return Batch({name: [row.get(name, MISSING) for row in rows] for name in names}, len(rows))
