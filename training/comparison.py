"""Comparison of champion and challenger by the decisions in a decision log."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models.errors import DataError

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
DECISIONS = ("approve", "refer", "decline")
MEMBERS = ("variant", "model_version", "credit_score", "probability_of_default", "decision")


@dataclass(frozen=True, slots=True)
class VariantFigures:
    """Decisions of one version in one role: score quantiles and shares of decisions."""

    variant: str
    version: str
    decisions: int
    mean_probability: float
    scores: dict[float, float]
    shares: dict[str, float]


def compare_variants(model_name: str, log: Path) -> tuple[VariantFigures, ...]:
    """Summarise the decision records of a model by variant and version.

    Raises
    ------
    DataError
        If the log cannot be read, or has no decision of the model.
    """
    try:
        with log.open(encoding="utf-8", errors="replace") as lines:
            records = list(_read_records(model_name, lines))
    except OSError as error:
        message = f"{log}: {error}"
        raise DataError(message) from error
    if not records:
        message = f"{log}: the log has no decision of {model_name}"
        raise DataError(message)
    frame = pd.DataFrame(records, columns=list(MEMBERS))
    return tuple(
        _figures_from_rows(str(variant), str(version), rows)
        for (variant, version), rows in frame.groupby(["variant", "model_version"])
    )


class _DecisionRecord(BaseModel):
    """The members of a decision record that are compared. Other members are ignored."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    record: Literal["decision"]
    model: str
    variant: Literal["champion", "challenger"]
    model_version: str
    credit_score: Annotated[float, Field(ge=-1e9, le=1e9)]
    probability_of_default: Annotated[float, Field(gt=0, lt=1)]
    decision: Literal["approve", "refer", "decline"]


def _read_records(model_name: str, lines: Iterable[str]) -> Iterable[tuple[object, ...]]:
    """Yield the decisions in a log. Other lines and incomplete lines are skipped."""
    for line in lines:
        try:
            record = _DecisionRecord.model_validate_json(line)
        except ValidationError:
            continue
        if record.model == model_name:
            yield tuple(getattr(record, name) for name in MEMBERS)


def _figures_from_rows(variant: str, version: str, rows: pd.DataFrame) -> VariantFigures:
    shares = rows["decision"].value_counts(normalize=True)
    return VariantFigures(
        variant=variant,
        version=version,
        decisions=len(rows),
        mean_probability=float(rows["probability_of_default"].mean()),
        scores={q: float(rows["credit_score"].quantile(q)) for q in QUANTILES},
        shares={name: float(shares.get(name, 0.0)) for name in DECISIONS},
    )
