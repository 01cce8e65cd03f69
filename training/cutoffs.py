"""Choice of cut-offs by declared rules, on out-of-fold predictions of the training part."""

import numpy as np

from models.errors import DataError
from models.metrics import Labels, Probabilities
from models.policy import CutoffRule, CutoffRules, Cutoffs, Fixed, LeastCost
from models.weighting import Weights, weigh


def choose_cutoffs(
    policy: Cutoffs | CutoffRules,
    labels: Labels,
    probabilities: Probabilities,
    weights: Weights | None = None,
) -> Cutoffs:
    """Choose the cut-offs of a policy. If they cross, no application is referred.

    Raises
    ------
    DataError
        If no cut-off reaches the precision of a rule, or if nobody would be approved.
    """
    if isinstance(policy, Cutoffs):
        return policy
    approve, decline = (
        choose_cutoff(rule, labels, probabilities, weights)
        for rule in (policy.approve_below, policy.decline_from)
    )
    chosen = Cutoffs(approve_below=min(approve, decline), decline_from=decline)
    if not (probabilities < chosen.approve_below).any():
        message = (
            f"the policy would approve nobody: no probability is below {chosen.approve_below:.4f}"
        )
        raise DataError(message)
    return chosen


def choose_cutoff(
    rule: CutoffRule,
    labels: Labels,
    probabilities: Probabilities,
    weights: Weights | None = None,
) -> float:
    """Choose the cut-off of one rule. A precision is that of the applications of the rows.

    Raises
    ------
    DataError
        If no cut-off reaches the precision of the rule.
    """
    if isinstance(rule, Fixed):
        return rule.probability
    if isinstance(rule, LeastCost):
        return rule.good_refused / (rule.good_refused + rule.bad_approved)
    return _maximise_recall(rule.precision, labels, probabilities, weights)


def _maximise_recall(
    precision: float, labels: Labels, probabilities: Probabilities, weights: Weights | None
) -> float:
    """Return the lowest probability at which the rows at or above it have the precision."""
    order = np.argsort(-probabilities, kind="stable")
    ranked = probabilities[order]
    shares = weigh(np.ones(len(order)), weights)[order]
    precisions = np.cumsum(shares * labels[order]) / np.cumsum(shares)
    # Rows of equal probability are on the same side, so only the last of them can be the cut-off.
    is_last_of_value = np.append(ranked[1:] != ranked[:-1], True)
    row_indices = np.flatnonzero((precisions >= precision) & is_last_of_value)
    if not len(row_indices):
        message = f"no cut-off reaches a precision of {precision:g}; lower it in the policy"
        raise DataError(message)
    return float(ranked[row_indices[-1]])
