"""Remarks on accepted rows: columns that say nothing, and rows that were left out."""

from collections.abc import Iterator

import numpy as np

from models.weighting import count_effective
from training.reading.row_validation import CheckedRows


def list_remarks(rows: CheckedRows, where: str = "") -> tuple[str, ...]:
    """List what a reader of the report should know and no rule refuses.

    `where` says of which rows the columns are, such as those of a sample.
    """
    return tuple(_generate(rows, where))


def _generate(rows: CheckedRows, where: str) -> Iterator[str]:
    if rows.excluded:
        yield f"{rows.model.label}: excluded outcome, left out ({rows.excluded} rows)"
    weights, count = rows.special.weights, len(rows.labels)
    if weights is not None and count:
        yield (
            f"{rows.special.weight_column}: the rows stand for {weights.sum():,.0f} applications "
            f"and are as informative as {count_effective(count, weights):,.0f} unweighted rows"
        )
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
