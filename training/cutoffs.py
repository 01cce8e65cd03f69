"""Cut-offs by rule: chosen on out-of-fold predictions, so that no row judges itself."""

import numpy as np

from models.errors import DataError
from models.metrics import Labels, Probabilities
from models.policy import CutoffRule, CutoffRules, Cutoffs, Fixed, LeastCost


def choose_cutoffs(
    policy: Cutoffs | CutoffRules, labels: Labels, probabilities: Probabilities
) -> Cutoffs:
    """Turn declared rules into numbers; where they cross, nothing is referred.

    Raises
    ------
    DataError
        If no cut-off reaches a precision that is asked for, or nobody would be approved.
    """
    if isinstance(policy, Cutoffs):
        return policy
    approve, decline = (
        choose_cutoff(rule, labels, probabilities)
        for rule in (policy.approve_below, policy.decline_from)
    )
    chosen = Cutoffs(approve_below=min(approve, decline), decline_from=decline)
    if not (probabilities < chosen.approve_below).any():
        message = f"the rules for cut-offs would approve nobody: below {chosen.approve_below:.4f}"
        raise DataError(message)
    return chosen


def choose_cutoff(rule: CutoffRule, labels: Labels, probabilities: Probabilities) -> float:
    """Turn one declared rule into a number.

    Raises
    ------
    DataError
        If no cut-off reaches the precision that is asked for.
    """
    if isinstance(rule, Fixed):
        return rule.probability
    if isinstance(rule, LeastCost):
        return rule.good_refused / (rule.good_refused + rule.bad_approved)
    return _recall_at(rule.precision, labels, probabilities)


def _recall_at(precision: float, labels: Labels, probabilities: Probabilities) -> float:
    """Lowest probability at which those at or above it have the precision."""
    order = np.argsort(-probabilities, kind="stable")
    ranked = probabilities[order]
    reached = np.cumsum(labels[order]) / np.arange(1, len(order) + 1)
    last_of_its_value = np.append(ranked[1:] != ranked[:-1], True)
    sound = np.flatnonzero((reached >= precision) & last_of_its_value)
    if not len(sound):
        message = f"no cut-off reaches a precision of {precision:g}"
        raise DataError(message)
    return float(ranked[sound[-1]])
