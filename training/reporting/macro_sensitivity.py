"""How much a point of a macroeconomic input moves the log-odds of default, on average.

A loan book stresses its own probabilities by these figures: it cannot ask the model, whose
applicants it does not have.
"""

from dataclasses import dataclass

import numpy as np

from models.contract import bounds_from_field, characteristics
from training.reporting.explanations import Sample

MACRO_UNITS = {"interest_rate": "share a year", "unemployment_rate": "share of the labour force"}
POINT = 0.01  # one percentage point of a share


@dataclass(frozen=True, slots=True)
class MacroSensitivityFigure:
    """Mean change of the log-odds when an input is a point higher, over rows that can move up."""

    field: str
    log_odds_a_point: float
    least: float  # of any row
    most: float
    rows: int


def measure_macro_sensitivity(sample: Sample) -> tuple[MacroSensitivityFigure, ...]:
    """Move each macroeconomic input of the model up by one point; none for other models."""
    figures = (
        _measure(sample, c.name)
        for c in characteristics(sample.scorer.model)
        if c.unit and MACRO_UNITS.get(c.name) == c.unit
    )
    return tuple(figure for figure in figures if figure)


def _measure(sample: Sample, name: str) -> MacroSensitivityFigure | None:
    column = sample.fields[name]
    _, highest = bounds_from_field(sample.scorer.model.model_fields.get(name))
    moved = np.clip(column + POINT, None, highest)
    before, after = (_log_odds(sample.score({name: values})) for values in (column, moved))
    changes = (after - before)[moved - column > POINT / 2]
    if not len(changes):
        return None
    return MacroSensitivityFigure(
        field=name,
        log_odds_a_point=float(changes.mean()),
        least=float(changes.min()),
        most=float(changes.max()),
        rows=len(changes),
    )


def _log_odds(
    probabilities: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.log(probabilities) - np.log1p(-probabilities)
