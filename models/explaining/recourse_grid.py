"""Recourse grids: the values a field can be changed to, each with its distance.

The grid of a number contains all multiples of its declared step that meet three conditions: the
contract accepts them, they are not special codes, and they lie between the 1st and the 99th
percentile of the training rows. Outside these percentiles the model has seen almost no applicants.
The grid of a field with levels contains all levels.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, ConfigDict, Field

from models.annotations import Column, Columns
from models.contract import Characteristic, CreditModel, characteristics
from models.features import value_from_column

ROUNDING = 9  # decimals of a number of steps, so that 0.3 / 0.1 counts as 3


class Spread(BaseModel):
    """Spread of a number over the training rows: 1st and 99th percentile, interquartile range."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    lowest: float
    highest: float
    interquartile_range: Annotated[float, Field(ge=0)]


Spreads = Mapping[str, Spread]


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """The values of one field, the present one first, and the distance to each.

    A distance is `|change| / interquartile range`, or 1 for another level.
    """

    characteristic: Characteristic
    column: Column
    distances: Column


def build_grid(model: type[CreditModel], c: Characteristic, spreads: Spreads) -> Column:
    """Return all values a changeable field can take, rising; empty if its spread is unknown."""
    if c.levels:
        return np.arange(len(c.levels), dtype=np.float64)
    spread = spreads.get(c.name)
    if spread is None or c.step is None:
        return np.empty(0)
    low, high = _bounds_from_field(model, c)
    first = math.ceil(round(max(spread.lowest, low) / c.step, ROUNDING))
    last = math.floor(round(min(spread.highest, high) / c.step, ROUNDING))
    decimals = max(0, -int(Decimal(str(c.step)).as_tuple().exponent))
    values = np.round(np.arange(first, last + 1) * c.step, decimals)
    is_inside = (values >= low) & (values <= high) & ~np.isin(values, tuple(c.special))
    grid: Column = values[is_inside]
    return grid


def allowed_values(model: type[CreditModel], spreads: Spreads) -> list[dict[str, Any]]:
    """Describe the grid of each changeable field: its levels, or its ends and step."""
    grids: list[dict[str, Any]] = []
    for c in characteristics(model):
        values = build_grid(model, c, spreads) if c.changeable else np.empty(0)
        if not len(values):
            continue
        grid = [value_from_column(c, value) for value in values.tolist()]
        ends = {"lowest": grid[0], "highest": grid[-1], "step": c.step}
        grids.append({"field": c.name} | ({"levels": grid} if c.levels else ends))
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
        away = (
            np.ones(len(values))
            if c.levels
            else np.abs(values - present) / _choose_unit(c, spreads)
        )
        order = np.argsort(away, kind="stable")
        column = np.concatenate([[present], values[order]])
        choices.append(Choice(c, column, np.concatenate([[0.0], away[order]])))
    return choices


def _choose_unit(c: Characteristic, spreads: Spreads) -> float:
    """Return the interquartile range, or the step if the quartiles coincide."""
    return spreads[c.name].interquartile_range or c.step or 1.0


def _bounds_from_field(model: type[CreditModel], c: Characteristic) -> tuple[float, float]:
    """Return the least and the greatest number the contract accepts."""
    low, high = -math.inf, math.inf
    for rule in model.model_fields[c.name].metadata:
        if isinstance(rule, Ge):
            low = max(low, float(rule.ge))  # type: ignore[arg-type]  # a bound of a number
        elif isinstance(rule, Gt):
            low = max(low, math.nextafter(float(rule.gt), math.inf))  # type: ignore[arg-type]
        elif isinstance(rule, Le):
            high = min(high, float(rule.le))  # type: ignore[arg-type]
        elif isinstance(rule, Lt):
            high = min(high, math.nextafter(float(rule.lt), -math.inf))  # type: ignore[arg-type]
    return low, high
