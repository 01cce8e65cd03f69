"""Figures for the review of a model: cut-offs, importances, sign checks and fairness."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.annotations import Column, Columns
from models.contract import Characteristic, characteristics
from models.features import Matrix, features, find_column_indices
from models.metrics import Labels, Probabilities
from models.reasons import matrix_from_baseline
from models.scorer import Scorer, probabilities_from_log_odds

CUTOFFS = tuple(round(0.05 * i, 2) for i in range(1, 20))
EXPLAINED_ROWS = 2_000
PAIRS = 1_000  # for each signed feature
PAIR = 2
BANDS = 4  # of a protected number, equal in mass
FEWEST = 30  # rows of a group; figures of smaller groups are mostly noise


@dataclass(frozen=True, slots=True)
class CutoffRow:
    """The results on the test part of approving below one probability."""

    approve_below: float
    approval_rate: float
    bad_rate_of_approved: float | None
    bad_rate_of_refused: float | None  # precision, if a refusal counts as predicted default
    share_of_bads_refused: float  # recall


@dataclass(frozen=True, slots=True)
class SignCheck:
    """Pairs of rows that differ in one signed feature, and the number that break its sign."""

    feature: str
    sign: int
    pairs: int
    violations: int


@dataclass(frozen=True, slots=True)
class GroupFigures:
    """Figures of one group of a protected characteristic on the test part.

    `selection_ratio` is its approval rate divided by the highest of any group. The four-fifths
    rule requires at least 0.8. `good_approval_rate` is the approval rate of rows without a default,
    or None if there are none.
    """

    characteristic: str
    group: str
    rows: int
    default_rate: float
    mean_probability: float
    approval_rate: float
    selection_ratio: float
    good_approval_rate: float | None


def tabulate_cutoffs(
    labels: Labels, probabilities: Probabilities, own: Collection[float]
) -> tuple[CutoffRow, ...]:
    """Tabulate approval rates and bad rates over a range of cut-offs and the model's own."""
    cutoffs = sorted({*CUTOFFS, *own})
    return tuple(_measure_cutoff(labels, probabilities < cutoff, cutoff) for cutoff in cutoffs)


def _measure_cutoff(labels: Labels, is_approved: NDArray[np.bool_], cutoff: float) -> CutoffRow:
    return CutoffRow(
        approve_below=cutoff,
        approval_rate=float(is_approved.mean()),
        bad_rate_of_approved=_mean_or_none(labels[is_approved]),
        bad_rate_of_refused=_mean_or_none(labels[~is_approved]),
        share_of_bads_refused=float((~is_approved)[labels == 1].mean()),
    )


def measure_importances(scorer: Scorer, matrix: Matrix, seed: int) -> dict[str, float]:
    """Measure the mean absolute contribution of each characteristic in log-odds, largest first.

    The mean is over at most `EXPLAINED_ROWS` rows, drawn at random.
    """
    random = np.random.default_rng(seed)
    rows = random.permutation(len(matrix))[:EXPLAINED_ROWS]
    sample = np.ascontiguousarray(matrix[rows])
    baseline_row = matrix_from_baseline(scorer.model, scorer.baseline)
    values = scorer.estimator.contributions(sample, baseline_row).values
    importances = {
        c.name: float(
            np.abs(values[:, list(find_column_indices(scorer.model, c))].sum(axis=1)).mean()
        )
        for c in characteristics(scorer.model)
        if c.is_scored
    }
    return dict(sorted(importances.items(), key=lambda item: -item[1]))


def check_signs(scorer: Scorer, matrix: Matrix, seed: int) -> tuple[SignCheck, ...]:
    """Move each signed feature between two values from the data, in randomly drawn rows."""
    random = np.random.default_rng(seed)
    checks = []
    for j, feature in enumerate(features(scorer.model)):
        values = np.unique(matrix[:, j][~np.isnan(matrix[:, j])])
        if not feature.sign or len(values) < PAIR:
            continue
        pairs = draw_unequal_pairs(values, PAIRS, random)[:, :: feature.sign]
        safe = matrix[random.integers(len(matrix), size=PAIRS)]
        risky = safe.copy()
        safe[:, j], risky[:, j] = pairs[:, 0], pairs[:, 1]
        low, high = (
            probabilities_from_log_odds(scorer.log_odds_from_matrix(m)) for m in (safe, risky)
        )
        checks.append(SignCheck(feature.name, feature.sign, PAIRS, int((low > high).sum())))
    return tuple(checks)


def draw_unequal_pairs(
    values: NDArray[np.float64], count: int, random: np.random.Generator
) -> NDArray[np.float64]:
    """Draw pairs of two distinct rising values, the lower one first, shape `(count, 2)`."""
    low = random.integers(0, len(values) - 1, count)
    high = random.integers(low + 1, len(values))
    return np.column_stack([values[low], values[high]])


def measure_fairness(
    scorer: Scorer,
    columns: Columns,
    labels: Labels,
    probabilities: Probabilities,
) -> tuple[GroupFigures, ...]:
    """Measure figures by group of each protected characteristic, at the approval cut-off."""
    is_approved = probabilities < scorer.policy.approve_below
    figures: list[GroupFigures] = []
    for c in characteristics(scorer.model):
        if c.identifier or not c.protected:
            continue
        groups = _rows_by_group(c, columns[c.name])
        rates = {name: float(is_approved[rows].mean()) for name, rows in groups.items()}
        best = max(rates.values(), default=0.0)
        figures += [
            GroupFigures(
                characteristic=c.name,
                group=name,
                rows=int(rows.sum()),
                default_rate=float(labels[rows].mean()),
                mean_probability=float(probabilities[rows].mean()),
                approval_rate=rates[name],
                selection_ratio=rates[name] / best if best else 1.0,
                good_approval_rate=_mean_or_none(is_approved[rows & (labels == 0)]),
            )
            for name, rows in groups.items()
        ]
    return tuple(figures)


def _rows_by_group(c: Characteristic, column: Column) -> dict[str, NDArray[np.bool_]]:
    """Return a mask of the rows of each level or band of a number, without groups too small."""
    absent = np.isnan(column)
    groups = {"absent": absent}
    if c.levels:
        groups |= {str(level): column == code for code, level in enumerate(c.levels)}
    elif not absent.all():
        edges = np.unique(np.nanquantile(column, np.linspace(0, 1, BANDS + 1)))
        bands = np.clip(np.searchsorted(edges, column, side="right") - 1, 0, len(edges) - 2)
        groups |= {
            f"{edges[k]:.0f} to {edges[k + 1]:.0f}": (bands == k) & ~absent
            for k in range(len(edges) - 1)
        }
    return {name: rows for name, rows in groups.items() if rows.sum() >= FEWEST}


def _mean_or_none(values: NDArray[np.int64] | NDArray[np.bool_]) -> float | None:
    return float(values.mean()) if len(values) else None
