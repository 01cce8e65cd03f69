"""What a policy does: the score distribution, cut-offs, costs, and the swap set."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.contract import CreditModel
from models.metrics import (
    Labels,
    LossDifference,
    PairedDifference,
    Probabilities,
    auc_difference,
    bootstrap_loss_difference,
    row_log_loss,
)
from models.policy import CutoffRules, Cutoffs, LeastCost, decide
from models.score_scale import Bands, Scale, rating_from_score, score_from_probability
from training.model_review import CutoffRow, measure_cutoff

SCORE_BINS = 30
CONFIDENCE = 0.95
SHARES = tuple(round(0.05 * i, 2) for i in range(1, 20))
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True, slots=True)
class ScoreHistogram:
    """Rows by score and outcome: `edges` has one number more than `goods` and `bads`."""

    edges: tuple[float, ...]
    goods: tuple[int, ...]
    bads: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ScoreSummary:
    """Where the scores of one outcome are."""

    outcome: str
    rows: int
    mean: float
    quantiles: dict[str, float]


@dataclass(frozen=True, slots=True)
class GroupOfDecisions:
    """The rows with one decision or one rating."""

    name: str
    rows: int
    share: float
    bads: int
    default_rate: float | None
    mean_probability: float | None


@dataclass(frozen=True, slots=True)
class CutoffLine:
    """One cut-off of the table: its results, its score, and the policy's name for it if it has one.

    `cost` is the mean cost of an application by the policy's own costs, or None if it states none.
    """

    figures: CutoffRow
    credit_score: float
    name: str | None
    cost: float | None


@dataclass(frozen=True, slots=True)
class SwapCell:
    """The applications that two versions treat in one way."""

    name: str
    rows: int
    share: float
    bads: int
    default_rate: float | None


@dataclass(frozen=True, slots=True)
class SwapSet:
    """Whom two versions approve, where each approves below its own cut-off."""

    name: str
    new_cutoff: float
    old_cutoff: float
    cells: tuple[SwapCell, ...]


@dataclass(frozen=True, slots=True)
class PairedFigures:
    """Two versions on the same rows: paired differences, swap sets, and how scores move."""

    rows: int
    auc: PairedDifference
    auc_lower_bound: float
    log_loss: LossDifference
    correlation: float
    mean_shift: float  # in points, new minus old
    shifts: dict[str, float]  # quantiles of the same difference
    swap_sets: tuple[SwapSet, ...]


def scores_from_probabilities(probabilities: Probabilities, scale: Scale) -> Probabilities:
    """Return unrounded scores, shape `(n,)`."""
    return np.array([score_from_probability(p, scale) for p in probabilities.tolist()])


def count_scores(labels: Labels, scores: Probabilities) -> ScoreHistogram:
    """Count rows by score and outcome in bins of equal width."""
    edges = np.linspace(scores.min(), scores.max() + 1e-9, SCORE_BINS + 1)
    counts = [np.histogram(scores[labels == label], edges)[0].tolist() for label in (0, 1)]
    return ScoreHistogram(tuple(edges.tolist()), tuple(counts[0]), tuple(counts[1]))


def summarise_scores(labels: Labels, scores: Probabilities) -> tuple[ScoreSummary, ...]:
    """Summarise the scores of good rows and of defaults."""
    return tuple(
        ScoreSummary(
            outcome=name,
            rows=int((labels == label).sum()),
            mean=float(scores[labels == label].mean()),
            quantiles={f"{q:g}": float(np.quantile(scores[labels == label], q)) for q in QUANTILES},
        )
        for label, name in enumerate(("good", "default"))
    )


def count_decisions(
    labels: Labels, probabilities: Probabilities, policy: Cutoffs
) -> tuple[GroupOfDecisions, ...]:
    """Count the rows that are approved, referred and declined."""
    decisions = np.array([decide(p, policy) for p in probabilities.tolist()])
    return tuple(
        _describe_group(name, decisions == name, labels, probabilities)
        for name in ("approve", "refer", "decline")
    )


def count_ratings(
    labels: Labels, probabilities: Probabilities, scores: Probabilities, bands: Bands
) -> tuple[GroupOfDecisions, ...]:
    """Count the rows of each rating, the lowest scores first."""
    ratings = np.array([rating_from_score(score, bands) for score in scores.tolist()])
    return tuple(
        _describe_group(name, ratings == name, labels, probabilities)
        for name in (bands.lowest, *(name for _, name in bands.rising))
    )


def _describe_group(
    name: str, rows: NDArray[np.bool_], labels: Labels, probabilities: Probabilities
) -> GroupOfDecisions:
    count = int(rows.sum())
    return GroupOfDecisions(
        name=name,
        rows=count,
        share=count / len(labels),
        bads=int(labels[rows].sum()),
        default_rate=float(labels[rows].mean()) if count else None,
        mean_probability=float(probabilities[rows].mean()) if count else None,
    )


def find_costs(model: type[CreditModel]) -> LeastCost | None:
    """Return the costs that the policy states, or None."""
    policy = model.policy
    rules = (policy.approve_below, policy.decline_from) if isinstance(policy, CutoffRules) else ()
    costs = (rule for rule in (*rules, model.default_rule) if isinstance(rule, LeastCost))
    return next(costs, None)


def name_cutoffs(policy: Cutoffs, default_from: float) -> dict[float, str]:
    """Return the policy's cut-offs, each with all of its names."""
    pairs = (
        (policy.approve_below, "approve below"),
        (policy.decline_from, "decline from"),
        (default_from, "default from"),
    )
    names: dict[float, str] = {}
    for cutoff, name in pairs:
        names[cutoff] = f"{names[cutoff]}, {name}" if cutoff in names else name
    return names


def tabulate_simulation(
    labels: Labels,
    probabilities: Probabilities,
    scale: Scale,
    own: dict[float, str],
    costs: LeastCost | None,
) -> tuple[CutoffLine, ...]:
    """Simulate approving below each cut-off: quantiles of the probabilities, and the policy's."""
    quantiles = np.quantile(probabilities, SHARES).tolist()
    return tuple(
        _simulate(labels, probabilities < cutoff, cutoff, costs, score_and_name)
        for cutoff in _merge(quantiles, own)
        for score_and_name in [(score_from_probability(cutoff, scale), own.get(cutoff))]
    )


def _merge(quantiles: Collection[float], own: Collection[float]) -> list[float]:
    return sorted({*quantiles, *own})


def _simulate(
    labels: Labels,
    is_approved: NDArray[np.bool_],
    cutoff: float,
    costs: LeastCost | None,
    score_and_name: tuple[float, str | None],
) -> CutoffLine:
    cost = None
    if costs:
        bads = float((labels[is_approved] == 1).sum()) * costs.bad_approved
        goods = float((labels[~is_approved] == 0).sum()) * costs.good_refused
        cost = (bads + goods) / len(labels)
    return CutoffLine(measure_cutoff(labels, is_approved, cutoff), *score_and_name, cost)


def compare_pairwise(
    labels: Labels,
    new: Probabilities,
    old: Probabilities,
    scale: Scale,
    cutoffs: tuple[float, float],
) -> PairedFigures:
    """Compare two versions on the same rows; `cutoffs` are the new and the old approval cut-off."""
    auc = auc_difference(labels, new, old)
    shifts = scores_from_probabilities(new, scale) - scores_from_probabilities(old, scale)
    rate = float((new < cutoffs[0]).mean())
    same_rate = float(np.quantile(old, rate, method="higher")) if rate < 1 else 1.0
    varies = new.std() > 0 and old.std() > 0
    return PairedFigures(
        rows=len(labels),
        auc=auc,
        auc_lower_bound=auc.lower_bound(),
        log_loss=bootstrap_loss_difference(
            row_log_loss(labels, new), row_log_loss(labels, old), CONFIDENCE, seed=0
        ),
        correlation=float(np.corrcoef(new, old)[0, 1]) if varies else 1.0,
        mean_shift=float(shifts.mean()),
        shifts={f"{q:g}": float(np.quantile(shifts, q)) for q in QUANTILES},
        swap_sets=(
            _swap("at the approval cut-offs", labels, (new, old), cutoffs),
            _swap("at the same approval rate", labels, (new, old), (cutoffs[0], same_rate)),
        ),
    )


def _swap(
    name: str,
    labels: Labels,
    pair: tuple[Probabilities, Probabilities],
    cutoffs: tuple[float, float],
) -> SwapSet:
    new, old = (p < cutoff for p, cutoff in zip(pair, cutoffs, strict=True))
    masks = {
        "approved by both": new & old,
        "only by the new version": new & ~old,
        "only by the old version": ~new & old,
        "by neither": ~new & ~old,
    }
    cells = tuple(_describe_cell(label, rows, labels) for label, rows in masks.items())
    return SwapSet(name, *cutoffs, cells)


def _describe_cell(name: str, rows: NDArray[np.bool_], labels: Labels) -> SwapCell:
    count, bads = int(rows.sum()), int(labels[rows].sum())
    return SwapCell(name, count, count / len(labels), bads, bads / count if count else None)
