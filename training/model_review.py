"""Figures for the review of a model: cut-offs, importances, sign checks and fairness."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.annotations import Column, Columns
from models.contract import Characteristic, characteristics
from models.features import Matrix, features, find_column_indices
from models.metrics import Labels, Probabilities
from models.reasons import matrix_from_baseline
from models.reliability import defaults_variance
from models.scorer import Scorer, probabilities_from_log_odds
from models.weighting import (
    Weights,
    count_effective,
    count_weighted,
    select_weights,
    weigh,
    weighted_mean,
)

EXPLAINED_ROWS = 2_000
PAIRS = 1_000  # for each signed feature
PAIR = 2
BANDS = 4  # of a protected number, equal in mass
LARGE = 1_000  # an amount from which decimals do not matter
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
    or None if there are none. `opportunity_difference` is that rate minus the highest of any
    group. `z` is observed minus expected defaults, in standard errors of a perfect model.

    With weights, the figures but `rows` are of applications. A design effect is how many weighted
    rows are as certain as one unweighted row: of an approval rate, and of a default rate.
    """

    characteristic: str
    group: str
    rows: int
    default_rate: float
    mean_probability: float
    approval_rate: float
    selection_ratio: float
    good_approval_rate: float | None
    opportunity_difference: float | None
    z: float
    approval_design_effect: float = 1.0
    default_design_effect: float = 1.0

    @property
    def approval_rows(self) -> float:
        """The number of unweighted rows whose approval rate would be as certain."""
        return self.rows / self.approval_design_effect

    @property
    def default_rows(self) -> float:
        """The number of unweighted rows whose default rate would be as certain."""
        return self.rows / self.default_design_effect


def measure_cutoff(
    labels: Labels,
    is_approved: NDArray[np.bool_],
    cutoff: float,
    weights: Weights | None = None,
) -> CutoffRow:
    """Measure how approved and refused rows turned out."""
    bad = labels == 1
    return CutoffRow(
        approve_below=cutoff,
        approval_rate=weighted_mean(is_approved, weights),
        bad_rate_of_approved=_mean_or_none(labels, is_approved, weights),
        bad_rate_of_refused=_mean_or_none(labels, ~is_approved, weights),
        share_of_bads_refused=weighted_mean((~is_approved)[bad], select_weights(weights, bad)),
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
    weights: Weights | None = None,
) -> tuple[GroupFigures, ...]:
    """Measure figures by group of each protected characteristic, at the approval cut-off."""
    is_approved = probabilities < scorer.policy.approve_below
    figures: list[GroupFigures] = []
    for c in characteristics(scorer.model):
        if c.identifier or not c.protected:
            continue
        groups = rows_by_group(c, columns[c.name])
        goods = {
            name: _mean_or_none(is_approved, rows & (labels == 0), weights)
            for name, rows in groups.items()
        }
        best_of_goods = max((rate for rate in goods.values() if rate is not None), default=0.0)
        rates = {name: _mean_or_none(is_approved, r, weights) for name, r in groups.items()}
        best = max((rate for rate in rates.values() if rate is not None), default=0.0)
        for name, rows in groups.items():
            own = labels[rows], probabilities[rows], select_weights(weights, rows)
            rate, of_goods = rates[name] or 0.0, goods[name]
            figures.append(
                GroupFigures(
                    characteristic=c.name,
                    group=name,
                    approval_rate=rate,
                    selection_ratio=rate / best if best else 1.0,
                    good_approval_rate=of_goods,
                    opportunity_difference=None if of_goods is None else of_goods - best_of_goods,
                    **_describe_group(*own),
                )
            )
    return tuple(figures)


def _describe_group(
    labels: Labels, probabilities: Probabilities, weights: Weights | None
) -> dict[str, Any]:
    """Return the figures of a group that do not depend on the other groups."""
    count, mean = len(labels), weighted_mean(probabilities, weights)
    spread = defaults_variance(labels, probabilities, weights) ** 0.5
    error = spread / count_weighted(count, weights)
    return {
        "rows": count,
        "default_rate": weighted_mean(labels, weights),
        "mean_probability": mean,
        "z": calibration_z(labels, probabilities, weights),
        "approval_design_effect": count / count_effective(count, weights),
        "default_design_effect": (
            1.0 if weights is None else error**2 * count / (mean * (1 - mean))
        ),
    }


def rows_by_group(c: Characteristic, column: Column) -> dict[str, NDArray[np.bool_]]:
    """Return a mask of the rows of each level, special code and band of a number.

    A level is its index in the column, and an absent value is NaN. Groups with fewer than `FEWEST`
    rows are left out.
    """
    absent = np.isnan(column)
    if c.levels:
        groups = {str(level): column == index for index, level in enumerate(c.levels)}
    else:
        groups = {f"code {code}": column == code for code in c.special}
        amounts = np.where(np.isin(column, tuple(c.special)), np.nan, column)
        groups |= _bands_from_amounts(amounts)
    groups |= {"absent": absent}
    return {name: rows for name, rows in groups.items() if rows.sum() >= FEWEST}


def _bands_from_amounts(amounts: Column) -> dict[str, NDArray[np.bool_]]:
    """Divide amounts into bands of equal mass; a band has its lower edge and not its upper one."""
    if np.isnan(amounts).all():
        return {}
    edges = np.unique(np.nanquantile(amounts, np.linspace(0, 1, BANDS + 1)))
    if len(edges) == 1:
        return {name_edges(edges)[0]: amounts == edges[0]}
    names = name_edges(edges)
    bands = np.clip(np.searchsorted(edges, amounts, side="right") - 1, 0, len(edges) - 2)
    return {
        f"{names[k]} to {names[k + 1]}": (bands == k) & ~np.isnan(amounts)
        for k in range(len(edges) - 1)
    }


def name_edges(edges: Column) -> list[str]:
    """Write the edges of bands: four digits that matter, all digits where these do not differ."""
    names = [f"{e:,.0f}" if abs(e) >= LARGE else f"{e:.4g}" for e in edges]
    return names if len(set(names)) == len(names) else [f"{e:.12g}" for e in edges]


def _mean_or_none(
    values: NDArray[np.int64] | NDArray[np.bool_],
    rows: NDArray[np.bool_],
    weights: Weights | None,
) -> float | None:
    return weighted_mean(values[rows], select_weights(weights, rows)) if rows.any() else None


def calibration_z(
    labels: Labels, probabilities: Probabilities, weights: Weights | None = None
) -> float:
    """Return observed minus expected defaults, in standard errors of a perfect model."""
    gaps = weigh(labels - probabilities, weights)
    return float(gaps.sum() / defaults_variance(labels, probabilities, weights) ** 0.5)
