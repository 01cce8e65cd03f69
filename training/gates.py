"""What a new model must show before it may go live."""

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
ENOUGH_BADS = 500  # in the test part, to tell two models apart
CHANCE = 0.5
ALPHA = 0.05  # of refusing a perfectly calibrated model, over three checks
CALIBRATION_CONFIDENCE = 1 - ALPHA / 3
LEAST_SLOPE_TOLERANCE = 0.05
MOST_SLOPE_TOLERANCE = 0.5  # an error larger than this says nothing, and passes nothing


@dataclass(frozen=True, slots=True)
class Gate:
    """One condition, whether it holds, and the figures that say so."""

    name: str
    passed: bool
    detail: str


def absolute_gates(
    labels: Labels, probabilities: Probabilities, auc: Estimate, base_rate: float
) -> tuple[Gate, ...]:
    """Judge what any model must pass, a first one too. `base_rate` is that of the training part."""
    constant = np.full(len(labels), base_rate)
    baseline, fitted = log_loss(labels, constant), log_loss(labels, probabilities)
    return (
        Gate(
            "ranks_better_than_chance",
            auc.low > CHANCE,
            f"AUC {auc.value:.4f}, 95 % interval from {auc.low:.4f}; must be above {CHANCE}",
        ),
        Gate(
            "fits_better_than_base_rate",
            fitted < baseline,
            f"log-loss {fitted:.4f}; the base rate alone gives {baseline:.4f}",
        ),
    )


def champion_gates(
    labels: Labels, probabilities: Probabilities, champion: Probabilities
) -> tuple[Gate, ...]:
    """Judge against the champion, scored on the same untouched rows."""
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


def calibration_gates(found: Reliability) -> tuple[Gate, ...]:
    """Judge whether probabilities can be taken at their word, within what chance allows.

    Each check has `1 - CALIBRATION_CONFIDENCE` of failing for a perfect model, so that the three
    together have `ALPHA` (Bonferroni).
    """
    errors = NormalDist().inv_cdf((1 + CALIBRATION_CONFIDENCE) / 2)
    large = errors * found.in_the_large_error
    slope = min(max(LEAST_SLOPE_TOLERANCE, errors * found.slope_error), MOST_SLOPE_TOLERANCE)
    return (
        Gate(
            "calibration_error_within_noise",
            found.ece <= found.ece_floor_high,
            f"ECE {found.ece:.4f}; a perfect model shows {found.ece_floor:.4f} on average and "
            f"up to {found.ece_floor_high:.4f}",
        ),
        Gate(
            "calibrated_in_the_large",
            abs(found.in_the_large) <= large,
            f"mean probability differs from the default rate by {found.in_the_large:+.4f}; "
            f"at most {large:.4f}",
        ),
        Gate(
            "calibration_slope_is_one",
            abs(found.slope - 1) <= slope,
            f"slope {found.slope:.3f}; must be within {slope:.3f} of 1",
        ),
    )


def sign_gate(checks: Sequence[SignCheck]) -> Gate:
    """Judge whether probabilities follow every documented sign."""
    broken = [check.feature for check in checks if check.violations]
    return Gate(
        "documented_signs_hold",
        not broken,
        f"{len(checks)} signed features checked; broken: {', '.join(broken) or 'none'}",
    )


def evidence_gate(bads: int) -> Gate:
    """Say whether the test part can tell two models apart at all."""
    return Gate(
        "enough_evidence_to_replace",
        bads >= ENOUGH_BADS,
        f"{bads} defaults in the test part; replacing a champion needs {ENOUGH_BADS}",
    )
