"""Selection of the best family by cross-validated log-loss after calibration."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.estimators.families import Family
from models.metrics import auc, log_loss
from models.scorer import probabilities_from_log_odds
from models.weighting import select_weights
from training.families.calibration_fit import CalibrationChoice, OutOfFold, choose_calibration
from training.families.candidates import CANDIDATES, Candidate, Fit
from training.families.folds import FoldedData, predict_folds
from training.families.search import SearchPlan, SearchResult, measure_nested_loss, search
from training.families.search_space import SHARES, SPACES
from training.progress import show_steps

NO_SEARCH = SearchPlan(trials=0)


@dataclass(frozen=True, slots=True)
class FoldResult:
    """The results of one family on one held-out fold."""

    family: Family
    fold: int
    auc: float
    log_loss: float


@dataclass(frozen=True, slots=True)
class FamilyResult:
    """The results of one family on all held-out folds, its calibration, and its search if any."""

    candidate: Candidate
    folds: tuple[FoldResult, ...]
    out_of_fold: OutOfFold
    calibration: CalibrationChoice
    search: SearchResult | None = None


def compare_families(
    fit: Fit,
    candidates: Sequence[Candidate],
    data: FoldedData,
    plan: SearchPlan = NO_SEARCH,
) -> tuple[FamilyResult, ...]:
    """Cross-validate every candidate on the same folds, and return the best one first.

    The best candidate has the lowest log-loss after calibration. The simpler family wins a tie. A
    plan of trials also searches for better parameters of each family that has some, unless they
    are given, and enters the better of the two candidates.
    """
    with show_steps("cross-validation", len(data.folds) * len(candidates)) as advance:
        results = [_cross_validate(candidate, fit, data, advance) for candidate in candidates]
    if plan.trials:
        results = _search_all(results, fit, data, plan)
    ranked = sorted(results, key=lambda result: result.calibration.log_loss)
    if plan.trials and plan.is_nested:
        ranked[0] = _nest(ranked[0], fit, data, plan)
    return tuple(ranked)


def _search_all(
    results: Sequence[FamilyResult], fit: Fit, data: FoldedData, plan: SearchPlan
) -> list[FamilyResult]:
    """Search each family that has something to tune, within its share of the seconds."""
    start = plan.clock()
    tuned = {result.candidate.family: result for result in results}
    order = [f for f in SPACES if f in tuned and not tuned[f].candidate.parameters]
    for i, family in enumerate(order):
        left = plan.seconds - (plan.clock() - start)
        share = SHARES[family] / sum(SHARES[name] for name in order[i:])
        bounded = replace(plan, seconds=left * share)
        tuned[family] = _search_one(tuned[family], fit, data, bounded)
    return list(tuned.values())


def _search_one(result: FamilyResult, fit: Fit, data: FoldedData, plan: SearchPlan) -> FamilyResult:
    searched = search(result.candidate, fit, data, plan)
    better = result
    if searched.log_loss < searched.default_log_loss:
        candidate = result.candidate.with_parameters(searched.parameters)
        with show_steps(
            f"cross-validation of the best {candidate.family}", len(data.folds)
        ) as advance:
            tuned = _cross_validate(candidate, fit, data, advance)
        better = min(result, tuned, key=lambda one: one.calibration.log_loss)
    return replace(better, search=searched)


def _nest(result: FamilyResult, fit: Fit, data: FoldedData, plan: SearchPlan) -> FamilyResult:
    """Add the loss of nested searches, which no choice of parameters flatters."""
    if result.search is None:
        return result
    own = next(c for c in CANDIDATES if c.family == result.candidate.family)
    loss = measure_nested_loss(own.with_balance(result.candidate.balance), fit, data, plan)
    return replace(result, search=replace(result.search, nested_log_loss=loss))


def _cross_validate(
    candidate: Candidate, fit: Fit, data: FoldedData, advance: Callable[[], None]
) -> FamilyResult:
    labels = data.labels
    fold_indices, log_odds = np.empty(len(labels), dtype=np.int64), np.empty(len(labels))
    folds = []
    for fold, (held, predicted) in enumerate(predict_folds(candidate, fit, data)):
        fold_indices[held], log_odds[held] = fold, predicted
        probabilities = probabilities_from_log_odds(predicted)
        weights = select_weights(data.weights, held)
        folds.append(
            FoldResult(
                family=candidate.family,
                fold=fold,
                auc=auc(labels[held], probabilities, weights),
                log_loss=log_loss(labels[held], probabilities, weights),
            )
        )
        advance()
    out_of_fold = OutOfFold(log_odds, fold_indices)
    is_balanced = candidate.balance is not None
    calibration = choose_calibration(out_of_fold, labels, data.weights, is_needed=is_balanced)
    return FamilyResult(candidate, tuple(folds), out_of_fold, calibration)
