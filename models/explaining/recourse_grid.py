"""Recourse grids: the values a field can be changed to, each with its distance.

The grid of a number contains all multiples of its declared step that meet three conditions: the
contract accepts them, they are not special codes, and they lie between the 1st and the 99th
percentile of the training rows. Outside these percentiles the model has seen almost no applicants.
The grid of a field with levels contains all levels.

A search costs one score for each joint change of fields that have no documented direction, and only
a few for the others. `search_limits` bounds that cost: such a number gets a step that is a multiple
of its declared one, and if that is not enough, fewer fields are changed together.
"""

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from models.annotations import Column, Columns
from models.contract import (
    Characteristic,
    CreditModel,
    bounds_from_field,
    characteristics,
)
from models.features import value_from_column

MOST_FIELDS = 3  # changed together: more is no advice
MOST_VALUES = 10_000  # of one field
MOST_CHANGES = 30_000  # joint changes that are scored one by one
FEW_VALUES = 10  # fewer values of a number say less than one field less
ROUNDING = 9  # decimals of a number of steps, so that 0.3 / 0.1 counts as 3


class Spread(BaseModel):
    """Spread of a number over the training rows: 1st and 99th percentile, interquartile range."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    lowest: float
    highest: float
    interquartile_range: Annotated[float, Field(ge=0)]


Spreads = Mapping[str, Spread]


class SearchLimits(NamedTuple):
    """How many fields are changed together, and the most values of one without a direction."""

    fields: int
    values: int


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """The values of one field, the present one first, and the distance to each.

    A distance is `|change| / interquartile range`, the number of levels between ordered ones, or 1
    for another level.
    """

    characteristic: Characteristic
    column: Column
    distances: Column


@lru_cache
def search_limits(model: type[CreditModel]) -> SearchLimits:
    """Choose limits so that at most `MOST_CHANGES` joint changes are scored one by one."""
    declared = [c for c in characteristics(model) if c.changeable]
    sizes = [max(1, len(c.levels) - 1) if c.levels else 1 for c in declared if _is_fixed(c)]
    numbers = len(declared) - len(sizes)
    for fields in range(min(MOST_FIELDS, len(declared)), 1, -1):
        values = bisect_left(
            range(1, MOST_VALUES + 1),
            x=True,
            key=lambda n: _count_changes([*sizes, *[n] * numbers], fields) > MOST_CHANGES,
        )
        if values >= FEW_VALUES:
            return SearchLimits(fields, values)
    return SearchLimits(1, MOST_VALUES)


def _is_fixed(c: Characteristic) -> bool:
    """Whether a field counts as often as declared: by its levels, or once for its direction."""
    return bool(c.levels) or c.sign != 0


def _count_changes(sizes: Sequence[int], fields: int) -> int:
    """Count the joint changes of at most `fields` fields: sums of products of their sizes."""
    counts = [1, *[0] * fields]
    for size in sizes:
        for taken in range(fields, 0, -1):
            counts[taken] += counts[taken - 1] * size
    return sum(counts[1:])


def build_grid(model: type[CreditModel], c: Characteristic, spreads: Spreads) -> Column:
    """Return all values a changeable field can take, rising; empty if its spread is unknown."""
    if c.levels:
        return np.arange(len(c.levels), dtype=np.float64)
    spread = spreads.get(c.name)
    if spread is None or c.step is None:
        return np.empty(0)
    low, high = bounds_from_field(model.model_fields[c.name])
    step = grid_step(model, c, spread)
    first = math.ceil(round(max(spread.lowest, low) / step, ROUNDING))
    last = math.floor(round(min(spread.highest, high) / step, ROUNDING))
    decimals = max(0, -int(Decimal(str(step)).as_tuple().exponent))
    values = np.round(np.arange(first, last + 1) * step, decimals)
    is_inside = (values >= low) & (values <= high) & ~np.isin(values, tuple(c.special))
    grid: Column = values[is_inside]
    return grid


def grid_step(model: type[CreditModel], c: Characteristic, spread: Spread) -> float:
    """Return the declared step, or the multiple of it that keeps the grid within its limit."""
    step = c.step or 1.0
    low, high = bounds_from_field(model.model_fields[c.name])
    steps = (min(spread.highest, high) - max(spread.lowest, low)) / step
    most = MOST_VALUES if c.sign else search_limits(model).values
    multiple = max(1, math.ceil(round((steps + 1) / most, ROUNDING)))
    return step if multiple == 1 else float(Decimal(str(step)) * multiple)


def allowed_values(model: type[CreditModel], spreads: Spreads) -> list[dict[str, Any]]:
    """Describe the grid of each changeable field: its levels, or its ends and step."""
    grids: list[dict[str, Any]] = []
    for c in characteristics(model):
        values = build_grid(model, c, spreads) if c.changeable else np.empty(0)
        if not len(values):
            continue
        grid = [value_from_column(c, value) for value in values.tolist()]
        if c.levels:
            grids.append({"field": c.name, "levels": grid})
            continue
        step = grid_step(model, c, spreads[c.name])
        ends = {"lowest": grid[0], "highest": grid[-1], "step": step}
        grids.append({"field": c.name} | ends)
    return grids


def choices_from_columns(
    model: type[CreditModel], spreads: Spreads, columns: Columns
) -> list[Choice]:
    """Return the choices of each changeable field of one application, nearest value first.

    `columns` has one row. An absent or special value is not an amount to move from, so its field
    has no choices.
    """
    choices = []
    for c in characteristics(model):
        present = float(columns[c.name][0]) if c.changeable else math.nan
        if math.isnan(present) or (not c.levels and present in c.special):
            continue
        values = build_grid(model, c, spreads)
        values = values[values != present]
        if not len(values):
            continue
        away = _measure_distances(c, values, present, spreads)
        order = np.argsort(away, kind="stable")
        column = np.concatenate([[present], values[order]])
        choices.append(Choice(c, column, np.concatenate([[0.0], away[order]])))
    return choices


def _measure_distances(
    c: Characteristic, values: Column, present: float, spreads: Spreads
) -> Column:
    """Return 1 for another level, steps for ordered levels, and quartile ranges for numbers."""
    if c.levels and not c.is_ordered:
        return np.ones(len(values))
    unit = 1.0 if c.levels else _choose_unit(c, spreads)
    distances: Column = np.abs(values - present) / unit
    return distances


def _choose_unit(c: Characteristic, spreads: Spreads) -> float:
    """Return the interquartile range, or the step if the quartiles coincide."""
    return spreads[c.name].interquartile_range or c.step or 1.0
