"""Drift of applicants and decisions: what a window has beside the reference of its version."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.annotations import Column
from models.contract import characteristics
from models.features import Matrix, features
from models.scorer import Scorer
from models.stability import bound_of_chance, index_from_counts
from training.monitoring.decisions import Decisions
from training.monitoring.reference import (
    BinnedShares,
    Reference,
    find_bins,
    mean_contributions,
    mean_number,
)
from training.reporting.binning import Indices, bin_indices

LIMIT = 0.15  # of the index, however many rows there are
CHANCE = 0.001  # with which two samples of one population exceed the bound of few rows
DECISIONS = ("approve", "refer", "decline")


@dataclass(frozen=True, slots=True)
class Shift:
    """The index of one characteristic, or of the probability, and the shares of its bins.

    `log_odds` is how much the shift moves the log-odds on average; None for the probability.
    `mean_change` is the change of the mean as a share of it; None for what has no mean.
    """

    name: str
    psi: float
    bound: float
    rows: int
    bins: tuple[str, ...]
    expected: tuple[float, ...]
    actual: tuple[float, ...]
    log_odds: float | None = None
    mean_change: float | None = None


@dataclass(frozen=True, slots=True)
class DecisionShare:
    """The share of one decision, beside that of the test part."""

    decision: str
    expected: float
    actual: float
    z: float


@dataclass(frozen=True, slots=True)
class GroupRate:
    """Approvals in one group of applicants."""

    characteristic: str
    group: str
    rows: int
    approved: float
    mean_probability: float


@dataclass(frozen=True, slots=True)
class Drift:
    """All that can be seen of a window before outcomes are known."""

    probability: Shift
    characteristics: tuple[Shift, ...]
    decisions: tuple[DecisionShare, ...]
    groups: tuple[GroupRate, ...]
    reasons: Mapping[str, float]


def measure_drift(scorer: Scorer, reference: Reference, window: Decisions) -> Drift:
    """Compare the decisions of one version with its reference.

    A characteristic is compared on the rows whose features were not erased.
    """
    matrix, present = window.decode_features(len(features(scorer.model)))
    bins = bin_indices(window.probabilities, np.array(reference.probabilities.edges))
    return Drift(
        probability=_compare("probability", reference.probabilities, bins, reference.rows_scored),
        characteristics=_compare_characteristics(scorer, reference, matrix),
        decisions=_compare_decisions(reference, window),
        groups=_rate_groups(scorer, window.select(present), matrix),
        reasons=_count_reasons(window.reasons),
    )


def _compare_characteristics(
    scorer: Scorer, reference: Reference, matrix: Matrix
) -> tuple[Shift, ...]:
    if not len(matrix):
        return ()
    contributions = mean_contributions(scorer, matrix)
    shifts = [
        replace(
            _compare(
                one.name,
                one,
                find_bins(scorer.model, one.name, np.array(one.edges), matrix),
                reference.rows,
                contributions[one.name] - one.mean_contribution,
            ),
            mean_change=_change_mean(one.mean, mean_number(scorer.model, one.name, matrix)),
        )
        for one in reference.characteristics
    ]
    return tuple(sorted(shifts, key=lambda shift: -shift.psi / shift.bound))


def _change_mean(before: float | None, now: float | None) -> float | None:
    """Return the change as a share; None where there is no mean, or it was 0."""
    return None if now is None or not before else (now - before) / abs(before)


def _compare(
    name: str, expected: BinnedShares, bins: Indices, rows: float, log_odds: float | None = None
) -> Shift:
    counts = np.bincount(bins, minlength=len(expected.bins)).astype(np.float64)
    return compare_counts(name, expected, counts, rows, log_odds)


def compare_counts(
    name: str,
    expected: BinnedShares,
    counts: NDArray[np.float64],
    rows: float,
    log_odds: float | None = None,
) -> Shift:
    """Compare the rows in each bin with expected shares, which are those of so many rows.

    Bins that neither side has rows in are left out of the index.
    """
    reference = np.array(expected.shares) * rows
    used = (counts + reference) > 0
    by_chance = bound_of_chance(int(used.sum()) - 1, CHANCE, (rows, float(counts.sum())))
    return Shift(
        name=name,
        psi=index_from_counts(reference[used], counts[used]),
        bound=max(LIMIT, by_chance),
        rows=int(counts.sum()),
        bins=expected.bins,
        expected=expected.shares,
        actual=tuple((counts / counts.sum()).tolist()),
        log_odds=log_odds,
    )


def _compare_decisions(reference: Reference, window: Decisions) -> tuple[DecisionShare, ...]:
    return tuple(
        compare_share(
            name,
            (reference.decisions[name], reference.rows_scored),
            (float((window.decisions == name).mean()), len(window)),
        )
        for name in DECISIONS
    )


def compare_share(
    decision: str, expected: tuple[float, float], actual: tuple[float, int]
) -> DecisionShare:
    """Compare the share of a decision, each with its rows: the reference, too, is a sample."""
    (before, rows_before), (now, rows) = expected, actual
    rate = (before * rows_before + now * rows) / (rows_before + rows)
    error = (rate * (1 - rate) * (1 / rows_before + 1 / rows)) ** 0.5
    return DecisionShare(decision, before, now, (now - before) / error if error else 0.0)


def _rate_groups(scorer: Scorer, rows: Decisions, matrix: Matrix) -> tuple[GroupRate, ...]:
    """Rate approvals by each level of the characteristics that have levels."""
    rates = []
    for c in characteristics(scorer.model):
        if not c.is_scored or not c.levels or c.is_ordered:
            continue
        bins = find_bins(scorer.model, c.name, _NO_EDGES, matrix)
        for i, level in enumerate(c.levels):
            group = bins == i
            if group.any():
                rates.append(
                    GroupRate(
                        characteristic=c.name,
                        group=str(level),
                        rows=int(group.sum()),
                        approved=float((rows.decisions[group] == "approve").mean()),
                        mean_probability=float(rows.probabilities[group].mean()),
                    )
                )
    return tuple(rates)


_NO_EDGES: Column = np.empty(0)


def _count_reasons(reasons: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return the share of decisions with each reason, the most frequent first."""
    counts = Counter(code for codes in reasons for code in set(codes))
    return {code: count / len(reasons) for code, count in counts.most_common()}
