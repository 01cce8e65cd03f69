"""What a reviewer asks of a trained model: cut-offs, importances, signs, fairness."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.contract import Characteristic, CreditModel, characteristics
from models.features import Matrix, features, find_column_indices
from models.metrics import Labels, Probabilities
from models.reasons import matrix_from_baseline
from models.scorer import Scorer, probabilities_from_log_odds

CUTOFFS = tuple(round(0.05 * i, 2) for i in range(1, 20))
EXPLAINED_ROWS = 2_000
PAIRS = 1_000  # a signed feature
PAIR = 2
BANDS = 4  # of a protected number, equal in mass
FEWEST = 30  # rows of a group, to say anything of it


@dataclass(frozen=True, slots=True)
class CutoffRow:
    """What approving below one probability would have meant on the test part."""

    approve_below: float
    approval_rate: float
    bad_rate_of_approved: float | None
    bad_rate_of_refused: float | None  # precision, if refusing is calling it a default
    share_of_bads_refused: float  # recall


@dataclass(frozen=True, slots=True)
class SignCheck:
    """Pairs of rows that differ in one signed feature, and how many break its sign."""

    feature: str
    sign: int
    pairs: int
    violations: int


@dataclass(frozen=True, slots=True)
class GroupFigures:
    """How one group of a protected characteristic fares on the test part.

    `selection_ratio` is its approval rate over the highest of any group (four-fifths rule: .8);
    `good_approval_rate` is the approval rate of those who did not default, None where all did.
    """

    characteristic: str
    group: str
    rows: int
    default_rate: float
    mean_probability: float
    approval_rate: float
    selection_ratio: float
    good_approval_rate: float | None


def cutoff_table(
    labels: Labels, probabilities: Probabilities, own: Collection[float]
) -> tuple[CutoffRow, ...]:
    """Approval rate against bad rate over a range of cut-offs, the model's own among them."""
    wanted = sorted({*CUTOFFS, *own})
    return tuple(_cutoff_row(labels, probabilities < cutoff, cutoff) for cutoff in wanted)


def _cutoff_row(labels: Labels, approved: NDArray[np.bool_], cutoff: float) -> CutoffRow:
    return CutoffRow(
        approve_below=cutoff,
        approval_rate=float(approved.mean()),
        bad_rate_of_approved=_mean(labels[approved]),
        bad_rate_of_refused=_mean(labels[~approved]),
        share_of_bads_refused=float((~approved)[labels == 1].mean()),
    )


def importances(scorer: Scorer, matrix: Matrix, seed: int) -> dict[str, float]:
    """Mean absolute contribution of each characteristic in log-odds, largest first.

    Over at most `EXPLAINED_ROWS` rows, drawn at random.
    """
    random = np.random.default_rng(seed)
    rows = random.permutation(len(matrix))[:EXPLAINED_ROWS]
    sample = np.ascontiguousarray(matrix[rows])
    typical = matrix_from_baseline(scorer.model, scorer.baseline)
    values = scorer.estimator.contributions(sample, typical).values
    found = {
        c.name: float(
            np.abs(values[:, list(find_column_indices(scorer.model, c))].sum(axis=1)).mean()
        )
        for c in characteristics(scorer.model)
        if not c.protected
    }
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def sign_checks(scorer: Scorer, matrix: Matrix, seed: int) -> tuple[SignCheck, ...]:
    """Move each signed feature between two values it has in the data, in rows at random."""
    random = np.random.default_rng(seed)
    checks = []
    for j, feature in enumerate(features(scorer.model)):
        seen = np.unique(matrix[:, j][~np.isnan(matrix[:, j])])
        if not feature.sign or len(seen) < PAIR:
            continue
        pairs = unequal_pairs(seen, PAIRS, random)[:, :: feature.sign]
        safe = matrix[random.integers(len(matrix), size=PAIRS)]
        risky = safe.copy()
        safe[:, j], risky[:, j] = pairs[:, 0], pairs[:, 1]
        low, high = (
            probabilities_from_log_odds(scorer.log_odds_from_matrix(m)) for m in (safe, risky)
        )
        checks.append(SignCheck(feature.name, feature.sign, PAIRS, int((low > high).sum())))
    return tuple(checks)


def unequal_pairs(
    values: NDArray[np.float64], count: int, random: np.random.Generator
) -> NDArray[np.float64]:
    """Pairs of different ones among distinct rising values, the lower first, shape `(count, 2)`."""
    low = random.integers(0, len(values) - 1, count)
    high = random.integers(low + 1, len(values))
    return np.column_stack([values[low], values[high]])


def fairness(
    scorer: Scorer,
    applications: Sequence[CreditModel],
    labels: Labels,
    probabilities: Probabilities,
) -> tuple[GroupFigures, ...]:
    """Figures by group of each protected characteristic, at the policy's approval cut-off."""
    approved = probabilities < scorer.policy.approve_below
    found: list[GroupFigures] = []
    for c in characteristics(scorer.model):
        if c.identifier or not c.protected:
            continue
        groups = _groups(c, [getattr(a, c.name) for a in applications])
        rates = {name: float(approved[rows].mean()) for name, rows in groups.items()}
        best = max(rates.values(), default=0.0)
        found += [
            GroupFigures(
                characteristic=c.name,
                group=name,
                rows=int(rows.sum()),
                default_rate=float(labels[rows].mean()),
                mean_probability=float(probabilities[rows].mean()),
                approval_rate=rates[name],
                selection_ratio=rates[name] / best if best else 1.0,
                good_approval_rate=_mean(approved[rows & (labels == 0)]),
            )
            for name, rows in groups.items()
        ]
    return tuple(found)


def _groups(c: Characteristic, values: Sequence[object]) -> dict[str, NDArray[np.bool_]]:
    """Rows of each level, or of each band of a number; groups too small to judge are left out."""
    absent = np.array([value is None for value in values])
    groups = {"absent": absent}
    if c.levels:
        groups |= {str(v): np.array([value == v for value in values]) for v in c.levels}
    elif not absent.all():
        column = np.array([np.nan if value is None else value for value in values], dtype=float)
        edges = np.unique(np.nanquantile(column, np.linspace(0, 1, BANDS + 1)))
        places = np.clip(np.searchsorted(edges, column, side="right") - 1, 0, len(edges) - 2)
        groups |= {
            f"{edges[k]:.0f} to {edges[k + 1]:.0f}": (places == k) & ~absent
            for k in range(len(edges) - 1)
        }
    return {name: rows for name, rows in groups.items() if rows.sum() >= FEWEST}


def _mean(values: NDArray[np.int64] | NDArray[np.bool_]) -> float | None:
    return float(values.mean()) if len(values) else None
