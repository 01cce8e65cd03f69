"""The yearly review: what the champion reads against a year ago, and what it could read besides."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.contract import CreditModel, name_from_model
from models.errors import DataError, RegistryError
from models.registry.moves import read_history
from models.registry.pointer import find_pointer
from models.stores.store import Store
from training.leakage import measure_strengths
from training.reporting.version_comparison import read_report

YEAR = timedelta(days=365)
LEAST_ROWS = 200
BOTH = {0, 1}


@dataclass(frozen=True, slots=True)
class Importance:
    """A field's share of what moves the score, now and a year ago; None where it was not read."""

    field: str
    before: float | None
    now: float | None


@dataclass(frozen=True, slots=True)
class RankedColumn:
    """What one column tells of the outcome by itself, and whether the model reads it."""

    column: str
    is_read: bool
    information_value: float
    auc: float
    missing: float


def review_model(
    store: Store, model: type[CreditModel], frame: pd.DataFrame, now: datetime, seed: int
) -> dict[str, Any]:
    """Review a model: importances against last year's champion, columns by information value.

    Raises
    ------
    RegistryError
        If the model has no champion, or a version has no report.
    DataError
        If the rows have no outcome as 0 and 1, or too few of them.
    """
    name = name_from_model(model)
    champion, before = find_champions(store, name, now)
    importances = compare_importances(store, name, champion, before)
    return {
        "model": name,
        "champion": champion,
        "year_before": before,
        "rows": len(frame),
        "importances": [asdict(importance) for importance in importances],
        "candidates": [asdict(one) for one in rank_columns(model, frame, seed)],
    }


def find_champions(store: Store, model_name: str, now: datetime) -> tuple[str, str | None]:
    """Name the champion, and the one of a year ago, or the first one recorded since then.

    The second is None if the champion has been the only one.
    """
    pointer = find_pointer(store, model_name)
    if pointer is None:
        message = f"{model_name} has no champion: there is nothing to review"
        raise RegistryError(message)
    moves = read_history(store, model_name, pointer.sequence, pointer.nonce).moves
    earlier = [move for move in moves if move.when <= now - YEAR]
    then = (earlier[:1] or moves[-1:])[0].champion.version if moves else None
    champion = pointer.champion.version
    return champion, then if then != champion else None


def compare_importances(
    store: Store, model_name: str, champion: str, before: str | None
) -> list[Importance]:
    """Compare the importances in the reports of two versions, the largest now first."""
    now = _read_importances(store, model_name, champion)
    then = _read_importances(store, model_name, before) if before else {}
    names = sorted({*now, *then}, key=lambda name: (-now.get(name, 0.0), name))
    return [Importance(name, then.get(name), now.get(name)) for name in names]


def rank_columns(model: type[CreditModel], frame: pd.DataFrame, seed: int) -> list[RankedColumn]:
    """Rank every column but the outcome by its information value; levels are bins in their order.

    Columns that tell rows apart, such as identifiers and dates, are left out.

    Raises
    ------
    DataError
        If the rows have no outcome as 0 and 1, or too few of them.
    """
    if model.label not in frame or set(frame[model.label].dropna()) != BOTH:
        message = f"the rows need the column {model.label!r} with 0 and 1, and both of them"
        raise DataError(message)
    rows = frame.dropna(subset=[model.label])
    if len(rows) < LEAST_ROWS:
        message = f"{len(rows)} rows with an outcome are too few: {LEAST_ROWS} are the least"
        raise DataError(message)
    columns = {
        str(name): values
        for name in rows.columns.drop(model.label)
        if (values := _as_numbers(rows[name])) is not None
    }
    matrix = np.column_stack(list(columns.values()))
    labels = rows[model.label].to_numpy(np.int64)
    strengths = measure_strengths(list(columns), matrix, labels, seed)
    candidates = [
        RankedColumn(
            column=strength.feature,
            is_read=strength.feature in model.model_fields,
            information_value=round(strength.information_value, 4),
            auc=round(strength.auc, 4),
            missing=round(float(np.isnan(columns[strength.feature]).mean()), 4),
        )
        for strength in strengths
    ]
    return sorted(candidates, key=lambda one: (-one.information_value, one.column))


def _as_numbers(column: "pd.Series[Any]") -> NDArray[np.float64] | None:
    """Return numbers as they are, and levels as their place; None for what tells rows apart."""
    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(np.float64, na_value=np.nan)
    texts = column.dropna().astype(str)
    if pd.api.types.is_datetime64_any_dtype(column) or texts.nunique() > len(column) / 10:
        return None
    codes: Mapping[str, int] = {level: place for place, level in enumerate(sorted(set(texts)))}
    return column.map(lambda value: codes.get(str(value), np.nan)).to_numpy(np.float64)


def _read_importances(store: Store, model_name: str, version: str) -> dict[str, float]:
    listed: Sequence[Mapping[str, Any]] = read_report(store, model_name, version)["explanations"][
        "importances"
    ]
    return {str(one["field"]): float(one["share"]) for one in listed}
