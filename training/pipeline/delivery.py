"""What a source delivers for one table and one day."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Batch = list[Mapping[str, Any]]
BATCH_ROWS = 10_000


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
