"""The data dictionary: what a model declares of each field, and what the data has in it."""

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from annotated_types import Gt, Lt
from pydantic.fields import FieldInfo

from models.annotations import Column, date_from_days
from models.contract import Characteristic, CreditModel, bounds_from_field, characteristics
from models.metrics import Labels
from training.model_review import name_edges

BARS = 16
QUANTILES = (0.01, 0.25, 0.5, 0.75, 0.99)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a field's distribution: a level, or a bin of its amounts, with its bads."""

    name: str
    rows: int
    bads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldEntry:
    """One field: its declaration, and its values in all accepted rows.

    `low` and `high` are None without a bound, and are not values themselves if they are excluded.
    `quantiles` is empty for categories and for fields that are never read, such as identifiers.
    """

    name: str
    kind: str
    description: str | None
    unit: str | None
    low: float | None
    high: float | None
    is_low_excluded: bool
    is_high_excluded: bool
    sign: int
    is_optional: bool
    is_protected: bool
    is_private: bool
    is_changeable: bool
    reason_code: str | None
    reason: str | None
    missing_reason: str | None
    special: Mapping[str, str]
    share_missing: float | None
    share_special: float | None
    quantiles: Mapping[str, float]
    bars: tuple[Bar, ...]


def describe_fields(
    model: type[CreditModel], columns: Mapping[str, Column], labels: Labels
) -> tuple[FieldEntry, ...]:
    """Describe every field and derived number, in order of declaration."""
    return tuple(
        _describe_field(model, c, columns.get(c.name), labels) for c in characteristics(model)
    )


def _describe_field(
    model: type[CreditModel], c: Characteristic, column: Column | None, labels: Labels
) -> FieldEntry:
    info = model.model_fields.get(c.name)
    low, high = _find_bounds(info) if not c.levels and not c.identifier else (None, None)
    metadata = info.metadata if info else ()
    is_special = None if column is None else np.isin(column, tuple(c.special))
    quantiles, bars = ({}, ()) if column is None else _measure_distribution(c, column, labels)
    return FieldEntry(
        name=c.name,
        kind=_name_kind(c),
        description=info.description if info else (c.compute and c.compute.__doc__) or None,
        unit=c.unit,
        low=low,
        high=high,
        is_low_excluded=any(isinstance(rule, Gt) for rule in metadata),
        is_high_excluded=any(isinstance(rule, Lt) for rule in metadata),
        sign=c.sign,
        is_optional=c.optional,
        is_protected=c.protected,
        is_private=c.private,
        is_changeable=c.changeable,
        reason_code=c.reason.code if c.reason else None,
        reason=c.reason.text if c.reason else None,
        missing_reason=c.missing,
        special={str(code): text for code, text in c.special.items()},
        share_missing=None if column is None else float(np.isnan(column).mean()),
        share_special=None if is_special is None else float(is_special.mean()),
        quantiles=quantiles,
        bars=bars,
    )


def _name_kind(c: Characteristic) -> str:
    if c.identifier:
        return "identifier"
    if c.levels:
        return f"{len(c.levels)} levels" + (" in order" if c.is_ordered else "")
    if c.is_date:
        return "date"
    kind = "integer" if c.is_integer else "number"
    return f"derived {kind}" if c.compute is not None else kind


def _find_bounds(info: FieldInfo | None) -> tuple[float | None, float | None]:
    """Return the bounds as declared; the least number above 0 is written as 0."""
    bounds = (float(f"{bound:.12g}") for bound in bounds_from_field(info))
    low, high = (0.0 if abs(b) < sys.float_info.min else b for b in bounds)
    return low if math.isfinite(low) else None, high if math.isfinite(high) else None


def _measure_distribution(
    c: Characteristic, column: Column, labels: Labels
) -> tuple[dict[str, float], tuple[Bar, ...]]:
    if c.levels:
        masks = {str(level): column == index for index, level in enumerate(c.levels)}
        return {}, tuple(
            Bar(name, int(rows.sum()), int(labels[rows].sum())) for name, rows in masks.items()
        )
    is_amount = ~np.isnan(column) & ~np.isin(column, tuple(c.special))
    amounts = column[is_amount]
    if not len(amounts):
        return {}, ()
    values = np.quantile(amounts, QUANTILES).tolist()
    quantiles = {f"{q:g}": value for q, value in zip(QUANTILES, values, strict=True)}
    return quantiles, _count_amounts(amounts, labels[is_amount], c)


def _count_amounts(amounts: Column, labels: Labels, c: Characteristic) -> tuple[Bar, ...]:
    """Count amounts in bins of equal width from the first to the last percentile, ends included."""
    distinct = np.unique(amounts)
    if len(distinct) <= BARS and c.is_integer:
        return tuple(
            Bar(f"{value:g}", int((amounts == value).sum()), int(labels[amounts == value].sum()))
            for value in distinct.tolist()
        )
    low, high = np.quantile(amounts, (0.01, 0.99)).tolist()
    if low == high:
        low, high = float(distinct[0]), float(distinct[-1])
    edges = np.linspace(low, high, BARS + 1)
    bins = np.clip(np.searchsorted(edges, amounts, side="right") - 1, 0, BARS - 1)
    rows = np.bincount(bins, minlength=BARS).tolist()
    bads = np.bincount(bins, weights=labels, minlength=BARS).astype(int).tolist()
    names = [date_from_days(e).isoformat() for e in edges] if c.is_date else name_edges(edges)
    return tuple(Bar(f"{names[i]} to {names[i + 1]}", rows[i], bads[i]) for i in range(BARS))
