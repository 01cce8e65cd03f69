"""The split into training and test part, by a hash of each row or its group, and by date.

The hash of a row never changes, so a row stays in its part in every later run, and no model is
compared on rows that its champion was fitted to. If rows have dates, the last months test the model
out of time as well.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.annotations import Column, Columns
from models.contract import CreditModel, characteristics
from models.errors import DataError

TEST_SHARE = 0.25
WINDOW_SHARE = 0.2  # rows that the out-of-time window must have; it is made of entire months
MOST_WINDOW_SHARE = 0.5
HASH_SPAN = 2**64

Hashes = NDArray[np.uint64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Which rows are fitted, and which test: masks of shape `(n,)`.

    The rows of `test` judge the model: those of the last months if rows have dates, and otherwise a
    quarter of all rows. `in_time` then has the quarter of the earlier months, else None. Of grouped
    rows, one of each group judges.
    """

    training: Mask
    test: Mask
    in_time: Mask | None = None

    def judge_by_group(self, groups: Hashes) -> "Split":
        """Return the split with one row of each group in the parts that test the model."""
        return Split(
            training=self.training,
            test=one_of_each_group(groups, self.test),
            in_time=None if self.in_time is None else one_of_each_group(groups, self.in_time),
        )

    def select(self, is_selected: Mask) -> "Split":
        """Return the split of some of the rows."""
        return Split(
            training=self.training[is_selected],
            test=self.test[is_selected],
            in_time=None if self.in_time is None else self.in_time[is_selected],
        )


def split_by_hash(hashes: Hashes) -> Split:
    """Put a quarter of the rows into the test part."""
    held = is_test(hashes)
    return Split(training=~held, test=held)


def split_by_date(
    hashes: Hashes, dates: Column, *, is_grouped: bool, last_months: int | None
) -> Split:
    """Test on the last months, and fit to three quarters of the `last_months` months before them.

    If rows are grouped, only groups that are not fitted test the model.

    Raises
    ------
    DataError
        If the dates are too few months to leave some for the test.
    """
    held, months = is_test(hashes), _number_months(dates)
    first = _find_window(months)
    is_late = months >= first
    is_early = ~is_late
    if last_months is not None:
        is_early &= months >= first - last_months
    return Split(
        training=is_early & ~held,
        test=is_late & held if is_grouped else is_late,
        in_time=is_early & held,
    )


def one_of_each_group(groups: Hashes, is_selected: Mask) -> Mask:
    """Select one row of each group among some rows, which the group's hash chooses.

    Rows of one customer are alike, so that ten of them are hardly more evidence than one: intervals
    and error rates that took them for independent would be far too narrow.
    """
    rows = np.flatnonzero(is_selected)
    within = pd.Series(groups[rows]).groupby(groups[rows])
    chosen = groups[rows] % within.transform("size").to_numpy(np.uint64)
    is_chosen = np.zeros(len(groups), bool)
    is_chosen[rows[within.cumcount().to_numpy(np.uint64) == chosen]] = True
    return is_chosen


def is_test(hashes: Hashes) -> Mask:
    """Return for each hash whether its row is in the quarter that is never fitted."""
    return hashes / HASH_SPAN < TEST_SHARE


def hash_texts(texts: Iterable[str]) -> Hashes:
    """Hash identifiers of rows or groups. Equal ones have the same hash."""
    return np.array([_hash(text.encode()) for text in texts], np.uint64)


def hash_rows(model: type[CreditModel], columns: Columns) -> Hashes:
    """Hash the fields of each row, and how many equal rows come before it."""
    return hash_occurrences(hash_fields(model, columns))


def hash_fields(model: type[CreditModel], columns: Columns) -> Hashes:
    """Hash the fields of each row. Equal rows have the same hash."""
    encoded = [
        _encode_column(c.levels, columns[c.name])
        for c in characteristics(model)
        if c.name in columns
    ]
    return np.array([_hash(row.tobytes()) for row in np.column_stack(encoded)], np.uint64)


def hash_occurrences(hashes: Hashes) -> Hashes:
    """Hash each hash with how many equal ones come before it, unless there is none.

    Without this number, few distinct rows would move between the parts in blocks.
    """
    hashes = hashes.copy()
    occurrences = pd.Series(hashes).groupby(hashes).cumcount().to_numpy()
    for i in np.flatnonzero(occurrences):
        hashes[i] = _hash(hashes[i].tobytes() + int(occurrences[i]).to_bytes(8, "big"))
    return hashes


def draw_sample(hashes: Hashes, rows: int) -> Mask:
    """Draw about so many rows: those whose second hash is lowest, so that groups stay together.

    The second hash has nothing to do with the part that a row is in. A row that is drawn stays in
    the sample as long as the number of all rows does not grow.
    """
    if rows >= len(hashes):
        return np.ones(len(hashes), bool)
    mixed = _mix(hashes)
    drawn: Mask = mixed < np.partition(mixed, rows)[rows]
    return drawn


def _mix(hashes: Hashes) -> Hashes:
    """Scatter 64 bits once more: the finaliser of SplitMix64 (Steele, Lea, Flood, 2014)."""
    mixed = hashes ^ (hashes >> np.uint64(30))
    mixed = mixed * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    scattered: Hashes = mixed ^ (mixed >> np.uint64(31))
    return scattered


def _number_months(dates: Column) -> NDArray[np.int64]:
    """Return the months since January 1970."""
    days: NDArray[np.int64] = dates.astype(np.int64)
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def _find_window(months: NDArray[np.int64]) -> int:
    """Return the first of the last months, which have at least `WINDOW_SHARE` of the rows."""
    numbers, counts = np.unique(months, return_counts=True)
    shares = counts[::-1].cumsum()[::-1] / len(months)
    first = int(np.flatnonzero(shares >= WINDOW_SHARE)[-1])
    if shares[first] > MOST_WINDOW_SHARE:
        message = (
            f"the dates have {len(numbers)} months, and the last ones have {shares[first]:.0%} of "
            f"the rows; a test out of time needs at most {MOST_WINDOW_SHARE:.0%}. Add earlier "
            "rows, or leave out the date column"
        )
        raise DataError(message)
    return int(numbers[first])


def _encode_column(levels: tuple[str | int, ...], column: Column) -> Hashes:
    """Return 64 bits for each value. A level keeps its bits if levels are added or reordered."""
    if not levels:
        # Adding 0 turns -0.0 into 0.0; one NaN stands for all.
        return np.where(np.isnan(column), np.nan, column + 0.0).view(np.uint64)
    codes = np.array([*(_hash(repr(level).encode()) for level in levels), 0], np.uint64)
    return codes[np.where(np.isnan(column), len(levels), column).astype(np.int64)]


def _hash(data: bytes) -> int:
    return int.from_bytes(hashlib.sha256(data).digest()[:8])
