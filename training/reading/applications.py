"""Applications as columns of all their fields, and back: the form in which training keeps rows.

A column has shape `(n,)`: levels by code, NaN where absent. Identifiers have no column.
"""

import math
from collections.abc import Sequence
from datetime import date

import numpy as np

from models.annotations import Columns, days_from_date
from models.contract import Characteristic, CreditModel, characteristics
from models.features import value_from_column


def list_fields(model: type[CreditModel]) -> list[Characteristic]:
    """Return the fields that have a column, the protected ones included."""
    return [c for c in characteristics(model) if c.compute is None and not c.identifier]


def fields_from_applications(
    model: type[CreditModel], applications: Sequence[CreditModel]
) -> Columns:
    """Return validated applications as columns."""
    return {
        c.name: np.array(
            [_number_from_value(c, getattr(a, c.name)) for a in applications], np.float64
        )
        for c in list_fields(model)
    }


def applications_from_fields(model: type[CreditModel], columns: Columns) -> list[CreditModel]:
    """Build applications from columns of validated fields."""
    by_name = {c.name: c for c in list_fields(model)}
    values = {
        name: [value_from_column(by_name[name], number) for number in column.tolist()]
        for name, column in columns.items()
    }
    rows = zip(*values.values(), strict=True)
    return [model.model_validate(dict(zip(values, row, strict=True))) for row in rows]


def _number_from_value(c: Characteristic, value: str | float | date | None) -> float:
    if value is None:
        return math.nan
    if isinstance(value, date):
        return days_from_date(value)
    return float(c.levels.index(value) if c.levels else value)
