"""Corrections: what an append-only table needs so that it says what was derived.

A posting that is back-dated or taken back changes rows in the middle of a history. Nothing stored
is changed: rows that no longer hold are mirrored, and new rows are added.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import Protocol, Self, TypeVar


class Correctable(Protocol):
    """A row that can be taken back by its mirror: a journal entry or an allocation."""

    @property
    def value_date(self) -> date:
        """The day on which the row counts."""

    @property
    def is_correction(self) -> bool:
        """Whether the row takes another one back."""

    def mirror(self) -> Self:
        """Return the row that takes this one back. The mirror of a mirror is the row."""


Row = TypeVar("Row", bound=Correctable)


def corrections(booked: Iterable[Row], derived: Iterable[Row]) -> tuple[Row, ...]:
    """Return the rows to add, by value date: `booked` and they together amount to `derived`.

    The journal stays balanced after each of them, because a mirror balances as its row does.
    """
    missing = Counter(derived)
    for row in booked:
        if row.is_correction:
            missing[row.mirror()] += 1
        else:
            missing[row] -= 1
    rows = [
        row if count > 0 else row.mirror()
        for row, count in missing.items()
        for _ in range(abs(count))
    ]
    return tuple(sorted(rows, key=lambda row: row.value_date))
