"""The same figures on the training part, across folds, and on the test part."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from models.calibration import calibrate
from models.metrics import Labels, Probabilities, measure_figure
from models.scorer import probabilities_from_log_odds
from models.weighting import Weights, select_weights
from training.families.search import SearchResult
from training.families.selection import FamilyResult
from training.run import Trained


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFigures:
    """One figure in three places. `gap` is the training part minus the test part.

    `folds` and `deviation` are the mean and the standard deviation over the held-out folds.
    """

    name: str
    train: float
    folds: float
    deviation: float
    test: float
    low: float
    high: float
    gap: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateFigures:
    """One family in the comparison, and what its search brought, if it was searched."""

    family: str
    is_selected: bool
    calibrated_log_loss: float
    log_loss: float
    log_loss_deviation: float
    auc: float
    auc_deviation: float
    folds: tuple[dict[str, Any], ...]
    search: SearchResult | None
    parameters: dict[str, Any]


def compare_parts(trained: Trained) -> tuple[PartFigures, ...]:
    """Compare every figure of the test part with the other two places."""
    part, result = trained.part, trained.fitted.result
    in_sample = probabilities_from_log_odds(trained.scorer.log_odds_from_matrix(part.matrix))
    out_of_fold = find_out_of_fold(trained)
    indices = result.out_of_fold.folds
    figures = []
    for name, estimate in trained.manifest.metrics.items():
        folds = [
            _measure(
                name,
                trained,
                part.labels[indices == k],
                out_of_fold[indices == k],
                select_weights(part.weights, indices == k),
            )
            for k in np.unique(indices)
        ]
        train = _measure(name, trained, part.labels, in_sample, part.weights)
        figures.append(
            PartFigures(
                name=name,
                train=train,
                folds=float(np.mean(folds)),
                deviation=float(np.std(folds, ddof=1)) if len(folds) > 1 else 0.0,
                test=estimate.value,
                low=estimate.low,
                high=estimate.high,
                gap=train - estimate.value,
            )
        )
    return tuple(figures)


def find_out_of_fold(trained: Trained) -> Probabilities:
    """Return the calibrated probability of each training row from a fit without it."""
    result = trained.fitted.result
    calibration = result.calibration.calibration
    return probabilities_from_log_odds(calibrate(result.out_of_fold.log_odds, calibration))


def _measure(
    name: str,
    trained: Trained,
    labels: Labels,
    probabilities: Probabilities,
    weights: Weights | None,
) -> float:
    default_from = trained.fitted.default_from
    return measure_figure(name, labels, probabilities, weights, default_from=default_from)


def describe_candidate(result: FamilyResult, *, is_selected: bool) -> CandidateFigures:
    """Describe a family's results, and what a search added to them."""
    losses = [fold.log_loss for fold in result.folds]
    aucs = [fold.auc for fold in result.folds]
    return CandidateFigures(
        family=result.candidate.family,
        is_selected=is_selected,
        calibrated_log_loss=result.calibration.log_loss,
        log_loss=float(np.mean(losses)),
        log_loss_deviation=float(np.std(losses, ddof=1)) if len(losses) > 1 else 0.0,
        auc=float(np.mean(aucs)),
        auc_deviation=float(np.std(aucs, ddof=1)) if len(aucs) > 1 else 0.0,
        folds=tuple(asdict(fold) for fold in result.folds),
        search=result.search,
        parameters=dict(result.candidate.parameters),
    )
