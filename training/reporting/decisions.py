"""What a policy does: the score distribution, cut-offs, costs, and the swap set."""

from collections.abc import Mapping
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
from models.weighting import (
    Weights,
    select_weights,
    weigh,
    weighted_mean,
    weighted_quantiles,
)
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
class SimulationSettings:
    """The scale, the policy's own cut-offs with their names, and its costs if it states some."""

    scale: Scale
    own: Mapping[float, str]
    costs: LeastCost | None


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


def count_scores(
    labels: Labels, scores: Probabilities, weights: Weights | None = None
) -> ScoreHistogram:
    """Count applications by score and outcome in bins of equal width."""
    edges = np.linspace(scores.min(), scores.max() + 1e-9, SCORE_BINS + 1)
    shares = weigh(np.ones(len(labels)), weights)
    counts = [
        np.histogram(scores[labels == label], edges, weights=shares[labels == label])[0]
        for label in (0, 1)
    ]
    goods, bads = (tuple(count.round().astype(int).tolist()) for count in counts)
    return ScoreHistogram(tuple(edges.tolist()), goods, bads)


def summarise_scores(
    labels: Labels, scores: Probabilities, weights: Weights | None = None
) -> tuple[ScoreSummary, ...]:
    """Summarise the scores of good rows and of defaults."""
    summaries = []
    for label, name in enumerate(("good", "default")):
        own, shares = scores[labels == label], select_weights(weights, labels == label)
        quantiles = weighted_quantiles(own, QUANTILES, shares).tolist()
        summaries.append(
            ScoreSummary(
                outcome=name,
                rows=len(own),
                mean=weighted_mean(own, shares),
                quantiles={f"{q:g}": x for q, x in zip(QUANTILES, quantiles, strict=True)},
            )
        )
    return tuple(summaries)


def count_decisions(
    labels: Labels, probabilities: Probabilities, policy: Cutoffs, weights: Weights | None = None
) -> tuple[GroupOfDecisions, ...]:
    """Count the rows that are approved, referred and declined."""
    decisions = np.array([decide(p, policy) for p in probabilities.tolist()])
    return tuple(
        _describe_group(name, decisions == name, labels, probabilities, weights)
        for name in ("approve", "refer", "decline")
    )


def count_ratings(
    labels: Labels,
    probabilities: Probabilities,
    scores: Probabilities,
    bands: Bands,
    weights: Weights | None = None,
) -> tuple[GroupOfDecisions, ...]:
    """Count the rows of each rating, the lowest scores first."""
    ratings = np.array([rating_from_score(score, bands) for score in scores.tolist()])
    return tuple(
        _describe_group(name, ratings == name, labels, probabilities, weights)
        for name in (bands.lowest, *(name for _, name in bands.rising))
    )


def _describe_group(
    name: str,
    rows: NDArray[np.bool_],
    labels: Labels,
    probabilities: Probabilities,
    weights: Weights | None,
) -> GroupOfDecisions:
    """Describe some rows; with weights, all figures but the two counts are of applications."""
    count, own = int(rows.sum()), select_weights(weights, rows)
    return GroupOfDecisions(
        name=name,
        rows=count,
        share=weighted_mean(rows, weights),
        bads=int(labels[rows].sum()),
        default_rate=weighted_mean(labels[rows], own) if count else None,
        mean_probability=weighted_mean(probabilities[rows], own) if count else None,
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
    settings: SimulationSettings,
    weights: Weights | None = None,
) -> tuple[CutoffLine, ...]:
    """Simulate approving below each cut-off: quantiles of the probabilities, and the policy's."""
    quantiles = weighted_quantiles(probabilities, SHARES, weights).tolist()
    return tuple(
        CutoffLine(
            figures=measure_cutoff(labels, probabilities < cutoff, cutoff, weights),
            credit_score=score_from_probability(cutoff, settings.scale),
            name=settings.own.get(cutoff),
            cost=_measure_cost(labels, probabilities < cutoff, settings.costs, weights),
        )
        for cutoff in sorted({*quantiles, *settings.own})
    )


def _measure_cost(
    labels: Labels,
    is_approved: NDArray[np.bool_],
    costs: LeastCost | None,
    weights: Weights | None,
) -> float | None:
    if costs is None:
        return None
    bads = weighted_mean(is_approved & (labels == 1), weights) * costs.bad_approved
    return bads + weighted_mean(~is_approved & (labels == 0), weights) * costs.good_refused


def compare_pairwise(
    rows: tuple[Labels, Weights | None],
    new: Probabilities,
    old: Probabilities,
    scale: Scale,
    cutoffs: tuple[float, float],
) -> PairedFigures:
    """Compare two versions on the same rows, which have labels and perhaps weights.

    `cutoffs` are the new and the old approval cut-off.
    """
    labels, weights = rows
    auc = auc_difference(labels, new, old, weights)
    shifts = scores_from_probabilities(new, scale) - scores_from_probabilities(old, scale)
    quantiles = weighted_quantiles(shifts, QUANTILES, weights).tolist()
    same_rate = _find_cutoff_of_rate(old, weighted_mean(new < cutoffs[0], weights), weights)
    varies = new.std() > 0 and old.std() > 0
    losses = row_log_loss(labels, new), row_log_loss(labels, old)
    return PairedFigures(
        rows=len(labels),
        auc=auc,
        auc_lower_bound=auc.lower_bound(),
        log_loss=bootstrap_loss_difference(*losses, CONFIDENCE, seed=0, weights=weights),
        correlation=_correlate(new, old, weights) if varies else 1.0,
        mean_shift=weighted_mean(shifts, weights),
        shifts={f"{q:g}": shift for q, shift in zip(QUANTILES, quantiles, strict=True)},
        swap_sets=(
            _swap("at the approval cut-offs", rows, (new, old), cutoffs),
            _swap("at the same approval rate", rows, (new, old), (cutoffs[0], same_rate)),
        ),
    )


def _find_cutoff_of_rate(
    probabilities: Probabilities, rate: float, weights: Weights | None
) -> float:
    """Find the cut-off below which a share of the applications is approved."""
    if rate >= 1:
        return 1.0
    if weights is None:
        return float(np.quantile(probabilities, rate, method="higher"))
    order = np.argsort(probabilities, kind="stable")
    below = np.cumsum(weights[order]) - weights[order]
    return float(probabilities[order[np.searchsorted(below, rate * weights.sum()) - 1]])


def _correlate(new: Probabilities, old: Probabilities, weights: Weights | None) -> float:
    covariance = np.cov(new, old, aweights=weights)
    return float(covariance[0, 1] / (covariance[0, 0] * covariance[1, 1]) ** 0.5)


def _swap(
    name: str,
    rows: tuple[Labels, Weights | None],
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
    cells = tuple(_describe_cell(label, mask, *rows) for label, mask in masks.items())
    return SwapSet(name, *cutoffs, cells)


def _describe_cell(
    name: str, rows: NDArray[np.bool_], labels: Labels, weights: Weights | None
) -> SwapCell:
    count, bads = int(rows.sum()), int(labels[rows].sum())
    rate = weighted_mean(labels[rows], select_weights(weights, rows)) if count else None
    return SwapCell(name, count, weighted_mean(rows, weights), bads, rate)
