"""Segments of rows: levels, special codes and bands of each field, with figures of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.annotations import Column
from models.contract import CreditModel, characteristics
from models.metrics import Labels, Probabilities
from models.weighting import Weights, select_weights, weighted_mean
from training.model_review import calibration_z, rows_by_group
from training.reporting.discrimination import AucInterval, measure_auc

MAIN_NUMBERS = 6  # numbers whose bands are segments, by importance
FEWEST_OF_EACH_OUTCOME = 10  # below this an AUC is mostly noise


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """One group of rows of one field."""

    field: str
    group: str
    is_protected: bool
    rows: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class SegmentFigures:
    """Discrimination and calibration of one segment of the test part.

    `z` is the difference of default rate and mean probability in standard errors of a perfect
    model. `auc` is None if the segment has too few rows of an outcome.
    """

    field: str
    group: str
    is_protected: bool
    rows: int
    bads: int
    default_rate: float
    mean_probability: float
    z: float
    approval_rate: float
    auc: AucInterval | None


def select_segments(
    model: type[CreditModel], columns: Mapping[str, Column], importances: Mapping[str, float]
) -> tuple[Segment, ...]:
    """Select levels of categories, protected groups, and bands of the most important numbers."""
    fields = {c.name: c for c in characteristics(model)}
    numbers = [name for name in importances if name in columns and not fields[name].levels]
    main = {name for name in columns if fields[name].levels or fields[name].protected}
    main |= set(numbers[:MAIN_NUMBERS])
    return tuple(
        Segment(name, group, fields[name].protected, rows)
        for name in columns
        if name in main
        for group, rows in rows_by_group(fields[name], columns[name]).items()
    )


def measure_segments(
    segments: Sequence[Segment],
    labels: Labels,
    probabilities: Probabilities,
    cutoff: float,
    weights: Weights | None = None,
) -> tuple[SegmentFigures, ...]:
    """Measure each segment; `cutoff` is the probability below which rows are approved.

    `rows` and `bads` count rows; with weights, the other figures are of applications.
    """
    return tuple(
        _measure(
            segment,
            labels[segment.rows],
            probabilities[segment.rows],
            cutoff,
            select_weights(weights, segment.rows),
        )
        for segment in segments
    )


def _measure(
    segment: Segment,
    labels: Labels,
    probabilities: Probabilities,
    cutoff: float,
    weights: Weights | None,
) -> SegmentFigures:
    bads = int(labels.sum())
    has_both = min(bads, len(labels) - bads) >= FEWEST_OF_EACH_OUTCOME
    return SegmentFigures(
        field=segment.field,
        group=segment.group,
        is_protected=segment.is_protected,
        rows=len(labels),
        bads=bads,
        default_rate=weighted_mean(labels, weights),
        mean_probability=weighted_mean(probabilities, weights),
        z=calibration_z(labels, probabilities, weights),
        approval_rate=weighted_mean(probabilities < cutoff, weights),
        auc=measure_auc(labels, probabilities, weights) if has_both else None,
    )
