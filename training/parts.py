"""The parts of the data: rows that a model is fitted to, and rows that test it."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from models.annotations import Column, Columns, date_from_days, days_from_date
from models.errors import DataError
from models.features import Matrix, columns_from_fields, matrix_from_columns
from models.metrics import Labels
from models.weighting import Weights, count_effective, weighted_mean
from training.reading.row_validation import CheckedRows
from training.reading.special_columns import SpecialColumns
from training.split import (
    TEST_SHARE,
    Hashes,
    Mask,
    Split,
    is_test,
    one_of_each_group,
    split_by_date,
    split_by_hash,
)

SHARE_TOLERANCE = 0.05  # of the share of test rows
MOST_ERRORS = 4.0  # standard errors between default rates, which chance hardly reaches
LEAST_OF_EACH_OUTCOME = 20  # defaults, and non-defaults, in every part

DateSpan = tuple[date, date]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the data: fields by column, features `(n, p)`, labels, dates and groups `(n,)`.

    `is_held` marks rows that no run ever fits. `dates` are days since 1970-01-01, `groups` are
    equal for rows that must stay together, and `weights` are how many applications a row stands
    for; each is None if the data declares no such column.
    """

    columns: Columns
    matrix: Matrix
    labels: Labels
    is_held: Mask
    dates: Column | None = None
    groups: Hashes | None = None
    weights: Weights | None = None

    @property
    def units(self) -> int:
        """The number of independent rows: of groups, if rows have them."""
        return len(self.labels) if self.groups is None else len(np.unique(self.groups))

    @property
    def effective_rows(self) -> float:
        """The number of unweighted independent rows that would be as informative, at least."""
        return count_effective(len(self.labels), self.weights) * self.units / len(self.labels)

    @property
    def default_rate(self) -> float:
        """The share of defaults among the applications that the rows stand for."""
        return weighted_mean(self.labels, self.weights)

    def find_unfitted(self, last_fitted: date | None) -> Mask:
        """Mark the rows that a model was not fitted to, whose training rows end on a date."""
        if self.dates is None or last_fitted is None:
            return self.is_held
        return self.is_held | (self.dates > days_from_date(last_fitted))

    def span_dates(self) -> DateSpan | None:
        """Return the first and the last date."""
        return None if self.dates is None else span_dates(self.dates)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The training part and the parts that test the model.

    The rows of `test` judge it. If rows have dates these are the last months, and `in_time` has
    rows of the months before that are not fitted either.
    """

    training: Part
    test: Part
    in_time: Part | None


def span_dates(days: Column) -> DateSpan:
    """Return the first and the last date of some days since 1970-01-01."""
    return date_from_days(days.min()), date_from_days(days.max())


def split_rows(rows: CheckedRows, last_months: int | None) -> Parts:
    """Split rows by date if they have one, and otherwise by their hash.

    Raises
    ------
    DataError
        If a part has too few defaults or non-defaults, or `last_months` is set without dates.
    """
    return parts_from_split(rows, choose_split(rows.hashes, rows.special, last_months))


def choose_split(hashes: Hashes, special: SpecialColumns, last_months: int | None) -> Split:
    """Choose the part of each row by date if rows have one, and otherwise by its hash.

    Raises
    ------
    DataError
        If `last_months` is set without dates.
    """
    if special.dates is None:
        if last_months is not None:
            message = "--last-months needs a date column; declare --date-column"
            raise DataError(message)
        split = split_by_hash(hashes)
    else:
        split = split_by_date(
            hashes, special.dates, is_grouped=special.is_grouped, last_months=last_months
        )
    return split.judge_by_group(hashes) if special.is_grouped else split


def parts_from_split(rows: CheckedRows, split: Split) -> Parts:
    """Build the parts of rows whose split is chosen.

    Raises
    ------
    DataError
        If a part has too few defaults or non-defaults.
    """
    return Parts(
        training=_select("training", rows, split.training),
        test=_select("test", rows, split.test),
        in_time=None if split.in_time is None else _select("in-time test", rows, split.in_time),
    )


def list_split_remarks(parts: Parts) -> tuple[str, ...]:
    """List how the parts differ more than chance lets parts of one population differ.

    A part of few large groups may have another size, and later months another default rate.
    """
    remarks = []
    fitted, tested = parts.training.units, (parts.in_time or parts.test).units
    share = tested / (fitted + tested)
    if parts.test.groups is not None:
        remarks.append(
            f"split: one row of each of {parts.test.units} groups tests the model; the others of "
            "these groups are neither fitted nor tested"
        )
    if abs(share - TEST_SHARE) > SHARE_TOLERANCE:
        remarks.append(
            f"split: {share:.0%} of the rows or groups test the model instead of {TEST_SHARE:.0%}; "
            "there are few of them"
        )
    first, second = parts.training, parts.test
    sizes = first.effective_rows, second.effective_rows
    rate = (first.default_rate * sizes[0] + second.default_rate * sizes[1]) / sum(sizes)
    error = (rate * (1 - rate) * (1 / sizes[0] + 1 / sizes[1])) ** 0.5
    difference = second.default_rate - first.default_rate
    if abs(difference) > MOST_ERRORS * error:
        remarks.append(
            f"split: the default rate is {first.default_rate:.4f} in the training part and "
            f"{second.default_rate:.4f} in the test part, {abs(difference) / error:.1f} standard "
            "errors apart"
        )
    return tuple(remarks)


def part_from_rows(rows: CheckedRows, *, only_held: bool = False) -> Part:
    """Return rows as one part: all, or only those that no run ever fits; one of each group."""
    is_used = is_test(rows.hashes) if only_held else np.ones(len(rows.labels), bool)
    if rows.special.is_grouped:
        is_used = one_of_each_group(rows.hashes, is_used)
    return _build(rows, is_used)


def _select(name: str, rows: CheckedRows, is_selected: Mask) -> Part:
    counts = np.bincount(rows.labels[is_selected], minlength=2)
    if counts.min() < LEAST_OF_EACH_OUTCOME:
        message = (
            f"the {name} part has {counts[1]} defaults and {counts[0]} others; "
            f"at least {LEAST_OF_EACH_OUTCOME} of each are needed"
        )
        raise DataError(message)
    return _build(rows, is_selected)


def _build(rows: CheckedRows, is_selected: Mask) -> Part:
    columns = {name: column[is_selected] for name, column in rows.columns.items()}
    special = rows.special.select(is_selected)
    return Part(
        columns=columns,
        matrix=matrix_from_columns(rows.model, columns_from_fields(rows.model, columns)),
        labels=rows.labels[is_selected],
        is_held=is_test(rows.hashes[is_selected]),
        dates=special.dates,
        groups=special.hashes if special.is_grouped else None,
        weights=special.weights,
    )
