"""Comparison of champion and challenger by the decisions in a decision log."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, get_args

import pandas as pd
from pydantic import ConfigDict, Field
from typing_extensions import TypedDict

from models.errors import DataError
from models.evidence.log_reader import DecisionLogError, read_decisions_as, read_lines
from models.policy import DecisionName
from models.registry.serving import Variant

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
DECISIONS = get_args(DecisionName)


@dataclass(frozen=True, slots=True)
class VariantFigures:
    """Decisions of one version in one role: score quantiles and shares of decisions."""

    variant: str
    version: str
    decisions: int
    mean_probability: float
    scores: dict[float, float]
    shares: dict[str, float]


class ComparedDecision(TypedDict):
    """The members of a decision record that are compared; a table may write scores as floats."""

    __pydantic_config__ = ConfigDict(strict=True, allow_inf_nan=False)  # type: ignore[misc]

    model: str
    variant: Variant
    model_version: str
    credit_score: Annotated[float, Field(ge=-1e9, le=1e9)]
    probability_of_default: Annotated[float, Field(gt=0, lt=1)]
    decision: DecisionName


def compare_variants(model_name: str, log: Path) -> tuple[VariantFigures, ...]:
    """Summarise the decision records of a model by variant and version.

    Raises
    ------
    DataError
        If the log cannot be read, or has no decision of the model.
    """
    try:
        decisions = [
            decision
            for decision in read_decisions_as(ComparedDecision, read_lines(log))
            if decision["model"] == model_name
        ]
    except DecisionLogError as error:
        raise DataError(str(error)) from error
    if not decisions:
        message = f"{log}: the log has no decision of {model_name}"
        raise DataError(message)
    return tuple(
        _figures_from_rows(str(variant), str(version), rows)
        for (variant, version), rows in pd.DataFrame(decisions).groupby(
            ["variant", "model_version"]
        )
    )


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
