"""Promotion gates: the conditions a new model must meet before it goes live.

`judge_alone` has the list for every model. `judge_against` adds the comparison with a champion.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from models.metrics import (
    Estimate,
    Labels,
    Probabilities,
    auc_difference,
    log_loss,
    log_loss_difference,
)
from models.reliability import Reliability
from training.model_review import SignCheck

AUC_MARGIN = 0.005  # of AUC a challenger may lose, at 95 % confidence
ENOUGH_BADS = 500  # defaults in the test part that are needed to compare two models
CHANCE = 0.5
ALPHA = 0.05  # probability of refusing a perfectly calibrated model, over three checks
CALIBRATION_CONFIDENCE = 1 - ALPHA / 3
LEAST_SLOPE_TOLERANCE = 0.05
MOST_SLOPE_TOLERANCE = 0.5  # a standard error too large for this tolerance fails the check
EVIDENCE_GATE = "enough_evidence_to_replace"


@dataclass(frozen=True, slots=True)
class Gate:
    """One condition, whether it is met, and the figures it is based on."""

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What the gates need to know of a model: its results on the test part.

    `base_rate` is the default rate of the training part.
    """

    labels: Labels
    probabilities: Probabilities
    base_rate: float
    auc: Estimate
    reliability: Reliability
    signs: Sequence[SignCheck]


def judge_alone(evaluation: Evaluation) -> tuple[Gate, ...]:
    """Apply the gates that every model must pass, including the first one."""
    return (
        *judge_fit(evaluation),
        *judge_calibration(evaluation.reliability),
        judge_signs(evaluation.signs),
    )


def judge_against(evaluation: Evaluation, champion: Probabilities) -> tuple[Gate, ...]:
    """Apply all gates, with those that compare the model with the champion.

    `champion` has the champion's probabilities for the rows of the test part.
    """
    return (
        *judge_alone(evaluation),
        *judge_difference(evaluation.labels, evaluation.probabilities, champion),
        judge_evidence(int(evaluation.labels.sum())),
    )


def judge_fit(evaluation: Evaluation) -> tuple[Gate, ...]:
    """Require that the model ranks better than chance and fits better than the base rate."""
    labels, auc = evaluation.labels, evaluation.auc
    constant = np.full(len(labels), evaluation.base_rate)
    constant_loss, model_loss = (
        log_loss(labels, constant),
        log_loss(labels, evaluation.probabilities),
    )
    return (
        Gate(
            "ranks_better_than_chance",
            auc.low > CHANCE,
            f"AUC {auc.value:.4f}, 95 % interval from {auc.low:.4f}; must be above {CHANCE}",
        ),
        Gate(
            "fits_better_than_base_rate",
            model_loss < constant_loss,
            f"log-loss {model_loss:.4f}; the base rate alone gives {constant_loss:.4f}",
        ),
    )


def judge_calibration(reliability: Reliability) -> tuple[Gate, ...]:
    """Require that the probabilities are calibrated, within what chance allows.

    A perfectly calibrated model fails each of the three checks with a probability of
    `1 - CALIBRATION_CONFIDENCE`, and any of them with at most `ALPHA` (Bonferroni).
    """
    errors = NormalDist().inv_cdf((1 + CALIBRATION_CONFIDENCE) / 2)
    large = errors * reliability.in_the_large_error
    slope = min(max(LEAST_SLOPE_TOLERANCE, errors * reliability.slope_error), MOST_SLOPE_TOLERANCE)
    return (
        Gate(
            "calibration_error_within_noise",
            reliability.ece <= reliability.ece_floor_high,
            f"ECE {reliability.ece:.4f}; a perfect model shows {reliability.ece_floor:.4f} on "
            f"average and up to {reliability.ece_floor_high:.4f}",
        ),
        Gate(
            "calibrated_in_the_large",
            abs(reliability.in_the_large) <= large,
            f"mean probability differs from the default rate by {reliability.in_the_large:+.4f}; "
            f"at most {large:.4f}",
        ),
        Gate(
            "calibration_slope_is_one",
            abs(reliability.slope - 1) <= slope,
            f"slope {reliability.slope:.3f}; must be within {slope:.3f} of 1",
        ),
    )


def judge_signs(checks: Sequence[SignCheck]) -> Gate:
    """Require that probabilities follow every documented sign."""
    broken = [check.feature for check in checks if check.violations]
    return Gate(
        "documented_signs_hold",
        not broken,
        f"{len(checks)} signed features checked; broken: {', '.join(broken) or 'none'}",
    )


def judge_difference(
    labels: Labels, probabilities: Probabilities, champion: Probabilities
) -> tuple[Gate, ...]:
    """Require that the model is no worse than the champion on the same test rows."""
    auc = auc_difference(labels, probabilities, champion)
    loss = log_loss_difference(labels, probabilities, champion)
    return (
        Gate(
            "auc_not_worse_than_champion",
            auc.lower_bound() > -AUC_MARGIN,
            f"AUC differs by {auc.value:+.5f}, 95 % certain above {auc.lower_bound():+.5f}; "
            f"must be above {-AUC_MARGIN}",
        ),
        Gate(
            "log_loss_better_than_champion",
            loss.value < 0,
            f"log-loss differs by {loss.value:+.6f}; must be below 0",
        ),
    )


def judge_evidence(bads: int) -> Gate:
    """Require enough defaults in the test part to compare two models."""
    return Gate(
        EVIDENCE_GATE,
        bads >= ENOUGH_BADS,
        f"{bads} defaults in the test part; replacing a champion needs {ENOUGH_BADS}",
    )
