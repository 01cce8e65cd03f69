"""Remarks on accepted rows: columns that say nothing, and rows that were left out."""

from collections.abc import Iterator
from datetime import date

import numpy as np

from models.annotations import date_from_days, days_from_date
from models.contract import CreditModel
from models.data_file import CsvDialect
from models.reading.cells import FOUR_DIGITS
from models.weighting import count_effective
from training.reading.applications import list_fields
from training.reading.model_draft import PLACEHOLDERS
from training.reading.row_validation import CheckedRows
from training.reading.special_columns import SpecialColumns


def list_remarks(rows: CheckedRows, where: str = "") -> tuple[str, ...]:
    """List what a reader of the report should know and no rule refuses.

    `where` says of which rows the columns are, such as those of a sample.
    """
    return (*remark_on_placeholders(rows.model), *_generate(rows, where))


def remark_on_placeholders(model: type[CreditModel]) -> tuple[str, ...]:
    """List what the model still declares as `inspect` drafted it."""
    return tuple(
        f"{name}: still as drafted, so nobody knows what is predicted; {placeholder}"
        for name, placeholder in PLACEHOLDERS.items()
        if getattr(model, name) == placeholder
    )


def remark_on_future(rows: CheckedRows, csv: CsvDialect, today: date) -> tuple[str, ...]:
    """List the date fields that have dates after today because years have two digits."""
    dates = [c.name for c in list_fields(rows.model) if c.is_date and "%y" in csv.date]
    latest = {name: np.nanmax(rows.columns[name], initial=0.0) for name in dates}
    return tuple(
        f"{name}: dates up to {date_from_days(day)}, which is in the future; {FOUR_DIGITS}"
        for name, day in latest.items()
        if day > days_from_date(today)
    )


def _generate(rows: CheckedRows, where: str) -> Iterator[str]:
    if rows.excluded:
        yield f"{rows.model.label}: excluded outcome, left out ({rows.excluded} rows)"
    yield from _remark_on_weights(rows.special, len(rows.labels))
    yield from rows.remarks
    for name in rows.absent:
        yield f"{name}: the data has no such column, so no row has a value"
    for name, column in rows.columns.items():
        values = column[~np.isnan(column)]
        if name in rows.absent:
            continue
        if not len(values):
            yield f"{name}: no row{where} has a value"
        elif values.min() == values.max() and len(values) == len(column):
            yield f"{name}: every row{where} has the same value"


def _remark_on_weights(special: SpecialColumns, rows: int) -> Iterator[str]:
    if special.weights is None or not rows:
        return
    total = special.weights.sum()
    yield (
        f"{special.weight_column}: the rows stand for {total:,.0f} applications and are as "
        f"informative as {count_effective(rows, special.weights):,.0f} unweighted rows"
    )
    if total < rows:
        yield (
            f"{special.weight_column}: the weights are below 1 on average; a weight is how many "
            "applications a row stands for, not a share"
        )
