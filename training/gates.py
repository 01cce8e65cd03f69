"""Promotion gates: the conditions a new model must meet before it goes live.

`judge_alone` has the list for every model. `judge_against` adds the comparison with a champion.
What the gates compare with, and what a failure means, is data: `models/gate_policy.py`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Self

import numpy as np
from numpy.typing import NDArray

from models.gate_policy import GateName, GatePolicy
from models.metrics import (
    Estimate,
    Labels,
    Probabilities,
    auc_difference,
    bootstrap_loss_difference,
    log_loss,
    measure_figure,
    row_brier,
    row_log_loss,
)
from models.reliability import Reliability
from models.stability import Stability, measure_stability
from models.weighting import Weights, select_weights
from training.gate import Gate
from training.gate_evidence import GateEvidence
from training.group_gates import judge_groups
from training.model_review import SignCheck
from training.reason_check import ReasonCheck

FEWEST_OF_EACH_OUTCOME = 2  # below this, nothing can be compared
CHANCE = 0.5
EVIDENCE_GATE: GateName = "enough_evidence_to_replace"
COMPARING_GATES: frozenset[GateName] = frozenset(
    (
        "auc_not_worse_than_champion",
        "log_loss_not_worse_than_champion",
        "brier_not_worse_than_champion",
        "score_is_stable_against_champion",
        EVIDENCE_GATE,
    )
)
LEAST_SLOPE_TOLERANCE = 0.05
MOST_SLOPE_TOLERANCE = 0.5  # a standard error too large for this tolerance fails the check

Loss = Callable[[Labels, Probabilities], NDArray[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What the gates need to know of a model: its results on the test part.

    `base_rate` is the default rate of the training part, and `default_from` the probability from
    which a row is classified as a default. `weights` are how many applications a row stands for.
    """

    labels: Labels
    probabilities: Probabilities
    base_rate: float
    auc: Estimate
    reliability: Reliability
    signs: Sequence[SignCheck]
    policy: GatePolicy
    default_from: float
    evidence: GateEvidence
    seed: int
    weights: Weights | None = None

    def select(self, rows: NDArray[np.int64]) -> Self:
        """Return the same evaluation with some rows of the test part only."""
        return replace(
            self,
            labels=self.labels[rows],
            probabilities=self.probabilities[rows],
            weights=select_weights(self.weights, rows),
        )


@dataclass(frozen=True, slots=True, eq=False)
class ChampionScores:
    """The champion's probabilities for the rows of the test part that it was not fitted to.

    `rows` has their indices. Only on these rows are two models compared.
    """

    rows: NDArray[np.int64]
    probabilities: Probabilities

    @classmethod
    def of_all(cls, probabilities: Probabilities) -> Self:
        """Return the scores of a champion that was fitted to no row of the test part."""
        return cls(np.arange(len(probabilities)), probabilities)


def judge_alone(evaluation: Evaluation) -> tuple[Gate, ...]:
    """Apply the gates that every model must pass, including the first one."""
    policy, evidence = evaluation.policy, evaluation.evidence
    return (
        *judge_fit(evaluation),
        *judge_calibration(evaluation.reliability, policy),
        judge_signs(evaluation.signs, policy),
        *judge_reasons(evidence.reasons, policy),
        *judge_leakage(evidence, policy),
        judge_stability("score_is_stable", evidence.stability, policy),
        judge_steps(evidence.steps, policy),
        *judge_groups(evidence.groups, policy),
        *judge_floors(evaluation),
    )


def judge_against(
    evaluation: Evaluation, champion: ChampionScores, alpha_share: float = 1.0
) -> tuple[Gate, ...]:
    """Apply all gates, with those that compare the model with the champion.

    `alpha_share` is this model's share of the policy's `alpha`, if other families may be judged on
    the same rows.
    """
    policy, rows = evaluation.policy, champion.rows
    if np.bincount(evaluation.labels[rows], minlength=2).min() < FEWEST_OF_EACH_OUTCOME:
        bads = int(evaluation.labels[rows].sum())
        return (*judge_alone(evaluation), judge_bads(bads, policy))
    compared, scores = evaluation.select(rows), champion.probabilities
    stability = measure_stability(
        scores,
        compared.probabilities,
        policy.stability_psi,
        policy.stability_alpha,
        (compared.weights, compared.weights),
    )
    return (
        *judge_alone(evaluation),
        *judge_difference(compared, scores, alpha_share),
        judge_stability("score_is_stable_against_champion", stability, policy),
        judge_bads(int(compared.labels.sum()), policy),
    )


def judge_fit(evaluation: Evaluation) -> tuple[Gate, ...]:
    """Require that the model ranks better than chance and fits better than the base rate."""
    labels, auc, policy = evaluation.labels, evaluation.auc, evaluation.policy
    weights = evaluation.weights
    constant = log_loss(labels, np.full(len(labels), evaluation.base_rate), weights)
    loss = log_loss(labels, evaluation.probabilities, weights)
    return (
        _build_gate(
            policy,
            "ranks_better_than_chance",
            (auc.low, CHANCE, auc.low > CHANCE),
            f"AUC {auc.value:.4f}, 95 % interval from {auc.low:.4f}; must be above {CHANCE}",
        ),
        _build_gate(
            policy,
            "fits_better_than_base_rate",
            (loss, constant, loss < constant),
            f"log-loss {loss:.4f}; the base rate alone gives {constant:.4f}",
        ),
    )


def judge_calibration(reliability: Reliability, policy: GatePolicy) -> tuple[Gate, ...]:
    """Require that the probabilities are calibrated, within what chance allows.

    A perfectly calibrated model fails each of the three checks with a third of
    `calibration_alpha`, and any of them with at most all of it (Bonferroni).
    """
    errors = NormalDist().inv_cdf((1 + policy.calibration_confidence) / 2)
    large = errors * reliability.in_the_large_error
    slope = min(max(LEAST_SLOPE_TOLERANCE, errors * reliability.slope_error), MOST_SLOPE_TOLERANCE)
    off, slope_off = abs(reliability.in_the_large), abs(reliability.slope - 1)
    return (
        _build_gate(
            policy,
            "calibration_error_within_noise",
            (reliability.ece, reliability.ece_floor_high, None),
            f"ECE {reliability.ece:.4f}; a perfect model shows {reliability.ece_floor:.4f} on "
            f"average and up to {reliability.ece_floor_high:.4f}",
        ),
        _build_gate(
            policy,
            "calibrated_in_the_large",
            (off, large, None),
            f"mean probability differs from the default rate by {reliability.in_the_large:+.4f}; "
            f"at most {large:.4f}",
        ),
        _build_gate(
            policy,
            "calibration_slope_is_one",
            (slope_off, slope, None),
            f"slope {reliability.slope:.3f}; must be within {slope:.3f} of 1",
        ),
    )


def judge_signs(checks: Sequence[SignCheck], policy: GatePolicy) -> Gate:
    """Require that probabilities follow every documented sign."""
    if not checks:
        return Gate(
            name="documented_signs_hold",
            figure=None,
            bound=0.0,
            passed=True,
            consequence=policy.find_consequence("documented_signs_hold"),
            reason="not measured: the model documents no sign",
        )
    broken = [check.feature for check in checks if check.violations]
    return _build_gate(
        policy,
        "documented_signs_hold",
        (float(sum(check.violations for check in checks)), 0.0, None),
        f"{len(checks)} signed features checked; broken: {', '.join(broken) or 'none'}",
    )


def judge_reasons(check: ReasonCheck, policy: GatePolicy) -> tuple[Gate, ...]:
    """Require reasons for every application that is not approved, all of them adverse."""
    return (
        _build_gate(
            policy,
            "reasons_are_complete",
            (float(check.without_reasons), 0.0, None),
            f"{check.without_reasons} of {check.rows} sampled applications that are not approved "
            "have no reason",
        ),
        _build_gate(
            policy,
            "reasons_are_adverse",
            (float(check.not_adverse), 0.0, None),
            f"{check.not_adverse} of {check.reasons} sampled reasons do not raise the risk, or do "
            "not lower it when improved",
        ),
    )


def judge_leakage(evidence: GateEvidence, policy: GatePolicy) -> tuple[Gate, ...]:
    """Require that no field tells the outcome, and that the test part repeats no training row."""
    strongest = evidence.strengths[0]
    informative = max(evidence.strengths, key=lambda strength: strength.information_value)
    value = informative.information_value
    return (
        _build_gate(
            policy,
            "no_feature_reveals_the_outcome",
            (strongest.auc, policy.highest_feature_auc, None),
            f"{strongest.feature} alone has an AUC of {strongest.auc:.4f}; "
            f"at most {policy.highest_feature_auc:g}",
        ),
        _build_gate(
            policy,
            "information_values_are_plausible",
            (value, policy.highest_information_value, None),
            f"{informative.feature} alone has an information value of {value:.2f}; "
            f"at most {policy.highest_information_value:g}",
        ),
        _judge_share(
            policy,
            "parts_share_no_rows",
            (evidence.repetition.shared, policy.most_shared_rows),
            "of the test rows repeat a training row",
        ),
        _judge_share(
            policy,
            "rows_are_not_repeated",
            (evidence.repetition.repeated, policy.most_repeated_rows),
            "of all rows repeat another row",
        ),
    )


def _judge_share(
    policy: GatePolicy, name: GateName, measured: tuple[float | None, float], text: str
) -> Gate:
    share, bound = measured
    if share is None:
        reason = "too few numbers with many values to tell repeated rows from chance"
        return Gate(
            name=name,
            figure=None,
            bound=bound,
            passed=True,
            consequence=policy.find_consequence(name),
            reason=reason,
        )
    return _build_gate(
        policy, name, (share, bound, None), f"{share:.2%} {text}; at most {bound:.2%}"
    )


def judge_stability(name: GateName, stability: Stability, policy: GatePolicy) -> Gate:
    """Require that the score has the distribution of its reference, within what chance allows."""
    return _build_gate(
        policy,
        name,
        (stability.psi, stability.bound, None),
        f"PSI of the probabilities {stability.psi:.4f}; at most {stability.bound:.4f}",
    )


def judge_steps(steps: int | None, policy: GatePolicy) -> Gate:
    """Require that scoring one row takes few steps, which a machine's speed does not change."""
    counted = "not counted for this form" if steps is None else f"{steps:,}"
    return Gate(
        name="served_form_is_light",
        figure=None if steps is None else float(steps),
        bound=float(policy.most_steps),
        passed=steps is None or steps <= policy.most_steps,
        consequence=policy.find_consequence("served_form_is_light"),
        reason=f"steps to score one row: {counted}; at most {policy.most_steps:,}",
    )


def judge_floors(evaluation: Evaluation) -> tuple[Gate, ...]:
    """Require the policy's absolute floors."""
    gates = []
    for floor in evaluation.policy.floors:
        cutoff = evaluation.default_from if floor.cutoff is None else floor.cutoff
        value = measure_figure(
            floor.figure,
            evaluation.labels,
            evaluation.probabilities,
            evaluation.weights,
            default_from=cutoff,
        )
        gates.append(
            Gate(
                name=floor.gate_name,
                figure=value,
                bound=floor.least,
                passed=value >= floor.least,
                consequence=floor.consequence,
                reason=f"{floor.figure} {value:.4f}; the policy asks for {floor.least:g}",
            )
        )
    return tuple(gates)


def judge_difference(
    evaluation: Evaluation, champion: Probabilities, alpha_share: float
) -> tuple[Gate, ...]:
    """Require that the model loses no margin to the champion on the same test rows."""
    labels, ours, policy = evaluation.labels, evaluation.probabilities, evaluation.policy
    weights = evaluation.weights
    confidence = 1 - policy.alpha * alpha_share
    auc = auc_difference(labels, ours, champion, weights)
    lower = auc.lower_bound(confidence)
    losses: list[tuple[GateName, Loss, float]] = [
        ("log_loss_not_worse_than_champion", row_log_loss, policy.log_loss_margin),
        ("brier_not_worse_than_champion", row_brier, policy.brier_margin),
    ]
    gates = [
        _build_gate(
            policy,
            "auc_not_worse_than_champion",
            (lower, -policy.auc_margin, lower > -policy.auc_margin),
            f"AUC differs by {auc.value:+.5f}, {confidence:.2%} certain above {lower:+.5f}; "
            f"must be above {-policy.auc_margin:g}",
        )
    ]
    for name, loss, margin in losses:
        difference = bootstrap_loss_difference(
            loss(labels, ours), loss(labels, champion), confidence, evaluation.seed, weights
        )
        gates.append(
            _build_gate(
                policy,
                name,
                (difference.upper_bound, margin, difference.upper_bound < margin),
                f"differs by {difference.value:+.6f}, {confidence:.2%} certain below "
                f"{difference.upper_bound:+.6f}; must be below {margin:g}",
            )
        )
    return tuple(gates)


def judge_bads(bads: int, policy: GatePolicy) -> Gate:
    """Require enough defaults in the test part to compare two models."""
    return _build_gate(
        policy,
        EVIDENCE_GATE,
        (float(bads), float(policy.least_bads), bads >= policy.least_bads),
        f"{bads} defaults in the test part; replacing a champion needs {policy.least_bads}",
    )


def _build_gate(
    policy: GatePolicy, name: GateName, measured: tuple[float, float, bool | None], reason: str
) -> Gate:
    """Build a gate from its figure, its bound and whether it passed; None: figure <= bound."""
    figure, bound, passed = measured
    return Gate(
        name=name,
        figure=float(figure),
        bound=float(bound),
        passed=bool(figure <= bound if passed is None else passed),
        consequence=policy.find_consequence(name),
        reason=reason,
    )
