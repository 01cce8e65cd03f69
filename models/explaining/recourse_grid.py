"""What an applicant could change a field to: values on a grid, each with its distance.

The grid of a number is the multiples of its declared step that the contract accepts, that are no
special codes and that lie between the 1st and the 99th percentile of the training rows: beyond
them the model has seen next to nobody. The grid of levels is all of them.
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

ROUNDING = 9  # decimals of a count of steps: 0.3 / 0.1 is 3


class Spread(BaseModel):
    """How a number spreads over the training rows: 1st and 99th percentile, and quartiles."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    lowest: float
    highest: float
    interquartile_range: Annotated[float, Field(ge=0)]


Spreads = Mapping[str, Spread]


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """A field, its value first and then what it may become, and the distance to each.

    A distance is `|change| / interquartile range`, or 1 for another level.
    """

    characteristic: Characteristic
    column: Column
    distances: Column


def build_grid(model: type[CreditModel], c: Characteristic, spreads: Spreads) -> Column:
    """All values a changeable field may take, rising; none where nothing is known of its spread."""
    if c.levels:
        return np.arange(len(c.levels), dtype=np.float64)
    spread = spreads.get(c.name)
    if spread is None or c.step is None:
        return np.empty(0)
    low, high = _accepted(model, c)
    first = math.ceil(round(max(spread.lowest, low) / c.step, ROUNDING))
    last = math.floor(round(min(spread.highest, high) / c.step, ROUNDING))
    decimals = max(0, -int(Decimal(str(c.step)).as_tuple().exponent))
    values = np.round(np.arange(first, last + 1) * c.step, decimals)
    inside = (values >= low) & (values <= high) & ~np.isin(values, tuple(c.special))
    found: Column = values[inside]
    return found


def allowed_values(model: type[CreditModel], spreads: Spreads) -> list[dict[str, Any]]:
    """What is considered for each changeable field: its levels, or its numbers' ends and step."""
    found: list[dict[str, Any]] = []
    for c in characteristics(model):
        values = build_grid(model, c, spreads) if c.changeable else np.empty(0)
        if not len(values):
            continue
        said = [value_from_column(c, value) for value in values.tolist()]
        ends = {"lowest": said[0], "highest": said[-1], "step": c.step}
        found.append({"field": c.name} | ({"levels": said} if c.levels else ends))
    return found


def choices_from_columns(
    model: type[CreditModel], spreads: Spreads, columns: Columns
) -> list[Choice]:
    """What each changeable field of one application, given as columns of one row, may become.

    Nearest first. What is absent or special is no amount to move from, so it stays.
    """
    found = []
    for c in characteristics(model):
        present = float(columns[c.name][0]) if c.changeable else math.nan
        if math.isnan(present) or (not c.levels and present in c.special):
            continue
        values = build_grid(model, c, spreads)
        values = values[values != present]
        if not len(values):
            continue
        away = np.ones(len(values)) if c.levels else np.abs(values - present) / _unit(c, spreads)
        order = np.argsort(away, kind="stable")
        column = np.concatenate([[present], values[order]])
        found.append(Choice(c, column, np.concatenate([[0.0], away[order]])))
    return found


def _unit(c: Characteristic, spreads: Spreads) -> float:
    """Where the quartiles coincide, a step."""
    return spreads[c.name].interquartile_range or c.step or 1.0


def _accepted(model: type[CreditModel], c: Characteristic) -> tuple[float, float]:
    """The least and the greatest number the contract accepts."""
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
