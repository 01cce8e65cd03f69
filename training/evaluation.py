"""Evaluation of a scorer on labelled rows: all of them, by period and by segment."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.annotations import Column, date_from_days
from models.features import columns_from_fields
from models.metrics import HALF, Estimate, Probabilities, evaluate
from models.reliability import Reliability, measure_reliability
from models.scorer import Scorer, probabilities_from_log_odds
from training.model_review import measure_importances
from training.parts import Part
from training.reporting.segments import (
    Segment,
    SegmentFigures,
    measure_segments,
    select_segments,
)

MOST_MONTHS = 24  # periods are months up to so many, and then quarters
MONTHS_OF_A_QUARTER = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleFigures:
    """The figures of one sample of rows. The dates are its first and its last, if it has dates.

    `effective_rows` is the number of unweighted rows that would be as informative.
    """

    name: str
    rows: int
    bads: int
    first: str | None
    last: str | None
    effective_rows: float
    metrics: Mapping[str, Estimate]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationFigures:
    """The figures of a version on a file of rows."""

    sample: SampleFigures
    reliability: Reliability
    periods: tuple[SegmentFigures, ...]
    segments: tuple[SegmentFigures, ...]


def evaluate_scorer(
    scorer: Scorer, part: Part, seed: int, default_from: float = HALF
) -> EvaluationFigures:
    """Measure a scorer on rows, by period and by segment.

    Raises
    ------
    DataError
        If the rows have only one outcome.
    """
    probabilities = probabilities_from_log_odds(scorer.log_odds_from_matrix(part.matrix))
    columns = columns_from_fields(scorer.model, part.columns)
    importances = measure_importances(scorer, part.matrix, seed)
    segments = select_segments(scorer.model, columns, importances)
    confidence = scorer.model.gate_policy.calibration_confidence
    labels, weights = part.labels, part.weights
    approve_below = scorer.policy.approve_below
    return EvaluationFigures(
        sample=measure_sample("all rows", part, probabilities, (seed, default_from)),
        reliability=measure_reliability(labels, probabilities, confidence, seed, weights),
        periods=measure_periods(part, probabilities, approve_below),
        segments=measure_segments(segments, labels, probabilities, approve_below, weights),
    )


def measure_sample(
    name: str, part: Part, probabilities: Probabilities, settings: tuple[int, float]
) -> SampleFigures:
    """Measure all metrics; `settings` are the seed and the probability of a predicted default."""
    dates = part.span_dates()
    return SampleFigures(
        name=name,
        rows=len(part.labels),
        bads=int(part.labels.sum()),
        first=dates[0].isoformat() if dates else None,
        last=dates[1].isoformat() if dates else None,
        effective_rows=part.effective_rows,
        metrics=evaluate(part.labels, probabilities, *settings, part.weights),
    )


def measure_periods(
    part: Part, probabilities: Probabilities, cutoff: float
) -> tuple[SegmentFigures, ...]:
    """Measure each month, or each quarter of a long time; empty if rows have no dates."""
    if part.dates is None:
        return ()
    segments = select_periods(part.dates)
    return measure_segments(segments, part.labels, probabilities, cutoff, part.weights)


def select_periods(dates: Column) -> tuple[Segment, ...]:
    """Select the rows of each month, or of each quarter if there are more than `MOST_MONTHS`."""
    days = dates.astype(np.int64).astype("datetime64[D]")
    months: NDArray[np.int64] = days.astype("datetime64[M]").astype(np.int64)
    is_long = len(np.unique(months)) > MOST_MONTHS
    numbers = months // MONTHS_OF_A_QUARTER if is_long else months
    return tuple(
        Segment("period", _name_period(dates[numbers == n].min(), is_long=is_long), False, rows)  # noqa: FBT003 -- not protected
        for n in np.unique(numbers)
        for rows in [numbers == n]
    )


def _name_period(first: float, *, is_long: bool) -> str:
    day = date_from_days(first)
    if is_long:
        return f"{day.year} Q{(day.month - 1) // MONTHS_OF_A_QUARTER + 1}"
    return f"{day:%Y-%m}"
