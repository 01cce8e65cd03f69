"""Every training row is held against the contract that requests meet; what fails is counted."""

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

Value = str | int | float | None


@dataclass(frozen=True, slots=True)
class Refused:
    """How many rows a source refused before the contract saw them, and how often each fault."""

    rows: int = 0
    faults: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedRows:
    """Rows the contract accepts, with their outcomes, and a count of refusals by fault.

    `keys` is the sha256 of each row's application, shape `(n,)`: the same row has the same key in
    every run, file and version. `ignored` are columns that are not read, identifiers among them.
    """

    applications: list[CreditModel]
    labels: NDArray[np.int64]
    keys: list[bytes]
    refusals: dict[str, int]
    refused: int
    ignored: tuple[str, ...]

    def fingerprint(self) -> str:
        """Sha256 over all rows and labels in order, 64 hex digits."""
        return hashlib.sha256(b"".join(self.keys) + self.labels.tobytes()).hexdigest()


def check_rows(
    model: type[CreditModel],
    frame: pd.DataFrame,
    max_refused_share: float,
    before: Refused = Refused(),
) -> CheckedRows:
    """Validate every row; those refused `before` count as if they were refused here.

    Raises
    ------
    DataError
        If a column is missing, no row is left, or more than `max_refused_share` is refused.
    """
    _require_columns(model, frame)
    convert = _converters(model)
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
            f"{refused} of {rows} rows are refused by the contract, at most "
            f"{max_refused_share:.1%} may be: {faults or 'there are no rows'}"
        )
        raise DataError(message)


def _converters(model: type[CreditModel]) -> dict[str, Callable[[object], Value]]:
    """Bring what CSV and Parquet make of a value back to what JSON would have said."""
    return {
        c.name: _whole if c.whole or c.is_coded else _plain
        for c in characteristics(model)
        if c.compute is None and not c.identifier
    }


def _plain(value: object) -> Value:
    missing = value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value))
    return None if missing else value  # type: ignore[return-value]  # what else, pydantic says


def _whole(value: object) -> Value:
    """A column of integers with gaps is read as floats."""
    plain = _plain(value)
    return int(plain) if isinstance(plain, float) and plain.is_integer() else plain
