"""Performance of a model: expected from its probabilities, and realised once outcomes come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from models.annotations import date_from_days
from models.metrics import (
    Labels,
    Probabilities,
    accuracy,
    auc,
    auc_with_error,
    brier,
    ks,
    precision,
    recall,
)
from training.model_review import calibration_z
from training.monitoring.reference import BinnedShares
from training.reporting.binning import bin_indices

LEAST_ROWS = 500  # with an outcome, from which performance is judged
LEAST_DEFAULTS = 50  # and as many of the other outcome


@dataclass(frozen=True, slots=True)
class ExpectedPerformance:
    """What calibrated probabilities say of outcomes that nobody knows yet."""

    rows: int
    default_rate: float
    auc: float
    brier: float


@dataclass(frozen=True, slots=True)
class BandFigures:
    """One band of probabilities or one month of decisions: what was expected and what came.

    `z` is observed minus expected defaults in standard errors of a calibrated model. `auc` is None
    below 30 rows of either outcome.
    """

    name: str
    rows: int
    bads: int
    expected: float
    observed: float
    z: float
    auc: float | None


@dataclass(frozen=True, slots=True)
class RealisedPerformance:
    """Figures of decisions whose outcome is known; those that rank have a standard error."""

    rows: int
    bads: int
    default_rate: float
    mean_probability: float
    z: float
    auc: float
    auc_error: float
    gini: float
    ks: float
    brier: float
    accuracy: float
    precision: float
    recall: float
    bands: tuple[BandFigures, ...]
    vintages: tuple[BandFigures, ...]


def expect_performance(probabilities: Probabilities) -> ExpectedPerformance:
    """Estimate performance before outcomes are known (CBPE), from `(n,)` calibrated probabilities.

    Each row counts as a default with its probability and as none with the rest. The estimate is
    right as far as the probabilities are: it shows a change of the applicants, and no change of
    what makes them default. Source: NannyML, confidence-based performance estimation (2022).
    """
    return ExpectedPerformance(
        rows=len(probabilities),
        default_rate=float(probabilities.mean()),
        auc=_expect_auc(probabilities),
        brier=float((probabilities * (1 - probabilities)).mean()),
    )


def measure_performance(
    outcomes: pd.DataFrame, bands: BinnedShares, default_from: float
) -> RealisedPerformance | None:
    """Measure joined outcomes, or return None if there are too few to judge."""
    labels = outcomes["outcome"].to_numpy(np.int64)
    probabilities = outcomes["probability"].to_numpy(np.float64)
    if not _is_enough(labels, LEAST_ROWS, LEAST_DEFAULTS):
        return None
    value, error = auc_with_error(labels, probabilities)
    months = [name_month(day) for day in outcomes["day"].tolist()]
    indices = bin_indices(probabilities, np.array(bands.edges))
    return RealisedPerformance(
        rows=len(labels),
        bads=int(labels.sum()),
        default_rate=float(labels.mean()),
        mean_probability=float(probabilities.mean()),
        z=calibration_z(labels, probabilities),
        auc=value,
        auc_error=error,
        gini=2 * value - 1,
        ks=ks(labels, probabilities),
        brier=brier(labels, probabilities),
        accuracy=accuracy(labels, probabilities, default_from),
        precision=precision(labels, probabilities, default_from),
        recall=recall(labels, probabilities, default_from),
        bands=_group(labels, probabilities, [bands.bins[i] for i in indices], bands.bins),
        vintages=_group(labels, probabilities, months, sorted(set(months))),
    )


def name_month(day: int) -> str:
    """Return the month of days since 1970-01-01: `2026-11`."""
    return f"{date_from_days(day):%Y-%m}"


def months_before(day: date, months: int) -> date:
    """Return the first day of the month so many months before that of a day."""
    index = day.year * 12 + day.month - 1 - months
    return date(index // 12, index % 12 + 1, 1)


def _expect_auc(probabilities: Probabilities) -> float:
    """Return the expected AUC: each pair of rows counts by its chance of having both outcomes."""
    values, ties = np.unique(probabilities, return_inverse=True)
    bads = np.bincount(ties, weights=probabilities, minlength=len(values))
    goods = np.bincount(ties, weights=1 - probabilities, minlength=len(values))
    below = np.cumsum(goods) - goods / 2
    # A row is not paired with itself, where it would count half.
    itself = float((probabilities * (1 - probabilities)).sum())
    pairs = float(bads.sum() * goods.sum()) - itself
    return (float(bads @ below) - itself / 2) / pairs


def _group(
    labels: Labels, probabilities: Probabilities, names: Sequence[str], order: Sequence[str]
) -> tuple[BandFigures, ...]:
    groups = pd.Series(range(len(names))).groupby(np.array(names)).indices
    return tuple(
        _describe_group(name, labels[groups[name]], probabilities[groups[name]])
        for name in order
        if name in groups
    )


def _describe_group(name: str, labels: Labels, probabilities: Probabilities) -> BandFigures:
    return BandFigures(
        name=name,
        rows=len(labels),
        bads=int(labels.sum()),
        expected=float(probabilities.mean()),
        observed=float(labels.mean()),
        z=calibration_z(labels, probabilities),
        auc=auc(labels, probabilities) if _is_enough(labels, 0, 30) else None,
    )


def _is_enough(labels: Labels, rows: int, of_each: int) -> bool:
    return len(labels) >= rows and min(labels.sum(), len(labels) - labels.sum()) >= of_each
