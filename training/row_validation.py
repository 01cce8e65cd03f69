"""Validation of training rows against the same contract as requests, with counts of faults."""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import ValidationError

from models.contract import CreditModel, characteristics
from models.errors import DataError

FieldValue = str | int | float | None


@dataclass(frozen=True, slots=True)
class Refused:
    """Rows that a source refused before validation, and the number of rows with each fault."""

    rows: int = 0
    faults: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedRows:
    """Rows that the contract accepts, with their labels, and counts of refusals by fault.

    `keys` has the sha256 of each row's application, shape `(n,)`. The same row has the same key in
    every run, file and version. `ignored` has the columns that are not read, such as identifiers.
    """

    applications: list[CreditModel]
    labels: NDArray[np.int64]
    keys: list[bytes]
    refusals: dict[str, int]
    refused: int
    ignored: tuple[str, ...]

    def fingerprint(self) -> str:
        """Return the sha256 of all rows and labels in order, 64 hex digits."""
        return hashlib.sha256(b"".join(self.keys) + self.labels.tobytes()).hexdigest()


def check_rows(
    model: type[CreditModel],
    frame: pd.DataFrame,
    max_refused_share: float,
    before: Refused = Refused(),
) -> CheckedRows:
    """Validate every row. Rows that were refused `before` count as refused here.

    Raises
    ------
    DataError
        If a column is missing, no row is left, or more than `max_refused_share` is refused.
    """
    _require_columns(model, frame)
    convert = _build_converters(model)
    accepted: list[CreditModel] = []
    labels: list[int] = []
    refusals = Counter(before.faults)
    for record in frame.reindex(columns=[*convert, model.label]).to_dict("records"):
        label = record.pop(model.label)
        try:
            row = model.model_validate({n: convert[str(n)](v) for n, v in record.items()})
        except ValidationError as error:
            refusals.update({f"{e['loc'][0]}: {e['msg']}" for e in error.errors()})
            continue
        if not (isinstance(label, int | float) and label in (0, 1)):
            refusals[f"{model.label}: Outcome should be 0 or 1"] += 1
            continue
        accepted.append(row)
        labels.append(int(label))
    rows = before.rows + len(frame)
    _refuse_too_many(rows, len(accepted), refusals, max_refused_share)
    return CheckedRows(
        applications=accepted,
        labels=np.array(labels, dtype=np.int64),
        keys=[hashlib.sha256(row.model_dump_json().encode()).digest() for row in accepted],
        refusals=dict(refusals.most_common()),
        refused=rows - len(accepted),
        ignored=tuple(set(frame.columns) - {*convert, model.label}),
    )


def _require_columns(model: type[CreditModel], frame: pd.DataFrame) -> None:
    required = {n for n, field in model.model_fields.items() if field.is_required()}
    missing = sorted((required | {model.label}) - set(frame.columns))
    if missing:
        message = f"the data has no column {', '.join(missing)}"
        raise DataError(message)


def _refuse_too_many(
    rows: int, accepted: int, refusals: Mapping[str, int], max_refused_share: float
) -> None:
    refused = rows - accepted
    if accepted == 0 or refused > max_refused_share * rows:
        faults = "; ".join(f"{fault} ({count} rows)" for fault, count in refusals.items())
        message = (
            f"the contract refuses {refused} of {rows} rows, and --max-refused-share allows "
            f"{max_refused_share:.1%}: {faults or 'there are no rows'}"
        )
        raise DataError(message)


def _build_converters(model: type[CreditModel]) -> dict[str, Callable[[object], FieldValue]]:
    """Build functions that convert a value from CSV or Parquet to the one that JSON would have."""
    return {
        c.name: _convert_integer if c.is_integer or c.is_coded else _convert_missing
        for c in characteristics(model)
        if c.compute is None and not c.identifier
    }


def _convert_missing(value: object) -> FieldValue:
    is_missing = value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value))
    return None if is_missing else value  # type: ignore[return-value]  # pydantic checks the type


def _convert_integer(value: object) -> FieldValue:
    """Convert to an integer, because pandas reads a column of integers with gaps as floats."""
    converted = _convert_missing(value)
    is_integral = isinstance(converted, float) and converted.is_integer()
    return int(converted) if is_integral else converted  # type: ignore[arg-type]  # a float
