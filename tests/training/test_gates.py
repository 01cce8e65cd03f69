from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from models.gate_policy import GATE_NAMES, Floor, GatePolicy
from models.metrics import Estimate
from models.reliability import Reliability, measure_reliability
from models.stability import Stability
from training.gate_evidence import GateEvidence
from training.gates import (
    ChampionScores,
    Evaluation,
    judge_against,
    judge_alone,
    judge_bads,
    judge_calibration,
    judge_difference,
    judge_fit,
    judge_floors,
    judge_leakage,
    judge_reasons,
    judge_signs,
    judge_stability,
    judge_steps,
)
from training.leakage import FieldStrength, Repetition
from training.model_review import GroupFigures, SignCheck
from training.reason_check import ReasonCheck

POLICY = GatePolicy()
RANDOM = np.random.default_rng(9)
TRUTH = RANDOM.beta(2, 5, 6_000)
LABELS = RANDOM.binomial(1, TRUTH)
WORSE = np.clip(TRUTH + RANDOM.normal(0, 0.15, 6_000), 0.001, 0.999)


def auc_from(low: float) -> Estimate:
    return Estimate(value=0.6, low=low, high=0.65)


def sound_evaluation() -> Evaluation:
    """An evaluation that passes every gate for a first model."""
    return Evaluation(
        labels=LABELS,
        probabilities=TRUTH,
        base_rate=float(LABELS.mean()),
        auc=auc_from(0.55),
        reliability=perfect(),
        signs=(SignCheck("income", -1, 1_000, 0),),
        policy=POLICY,
        default_from=0.5,
        evidence=sound_evidence(),
        seed=1,
    )


def sound_evidence() -> GateEvidence:
    return GateEvidence(
        strengths=(FieldStrength("income", 0.7, 0.4),),
        repetition=Repetition(0.0, 0.0),
        stability=Stability(0.01, 0.10),
        reasons=ReasonCheck(100, 0, 300, 0),
        groups=tuple(
            GroupFigures("sex", name, 1_000, 0.2, 0.2, 0.8, 1.0, 0.9, 0.0, 0.0)
            for name in ("a", "b")
        ),
        steps=1_600,
    )


def passed(first: np.ndarray, champion: np.ndarray, alpha_share: float = 1.0) -> list[bool]:
    """Whether AUC, log-loss and Brier score are not worse than the champion's."""
    evaluation = replace(sound_evaluation(), probabilities=first)
    return [gate.passed for gate in judge_difference(evaluation, champion, alpha_share)]


def test_a_better_model_passes_the_comparison() -> None:
    assert passed(TRUTH, WORSE) == [True, True, True]


def test_a_worse_model_fails_the_comparison() -> None:
    assert passed(WORSE, TRUTH) == [False, False, False]


def test_an_equal_model_is_not_worse() -> None:
    assert passed(TRUTH, TRUTH) == [True, True, True]


def test_a_model_that_ranks_as_well_but_fits_worse_fails() -> None:
    assert passed(TRUTH**3, TRUTH) == [True, False, False]


def test_a_family_with_a_share_of_alpha_needs_more_certainty() -> None:
    noisy = 1 / (1 + np.exp(-np.log(TRUTH / (1 - TRUTH)) + RANDOM.normal(0, 0.07, 6_000)))
    evaluation = replace(sound_evaluation(), probabilities=noisy)
    bounds = [judge_difference(evaluation, TRUTH, share)[0].figure or 0 for share in (1.0, 0.1)]
    assert bounds[1] < bounds[0]
    assert "99.50% certain" in judge_difference(evaluation, TRUTH, 0.1)[0].reason


@pytest.mark.parametrize(
    ("low", "probabilities", "expected"),
    [
        (0.55, TRUTH, [True, True]),
        (0.50, TRUTH, [False, True]),
        (0.55, np.full(6_000, 0.9), [True, False]),
    ],
)
def test_the_absolute_gates_refuse_chance_and_a_bad_fit(
    low: float,
    probabilities: np.ndarray,
    expected: list[bool],
) -> None:
    gates = judge_fit(replace(sound_evaluation(), probabilities=probabilities, auc=auc_from(low)))
    assert [gate.passed for gate in gates] == expected


@pytest.mark.parametrize(("bads", "enough"), [(499, False), (500, True)])
def test_telling_two_models_apart_needs_500_defaults(bads: int, enough: bool) -> None:  # noqa: FBT001
    assert judge_bads(bads, POLICY).passed is enough


def perfect(**changes: float) -> Reliability:
    figures = {
        "ece": 0.010,
        "ece_floor": 0.009,
        "ece_floor_high": 0.012,
        "in_the_large": 0.0,
        "in_the_large_error": 0.005,
        "slope": 1.0,
        "slope_error": 0.02,
    }
    return Reliability(**(figures | changes))


@pytest.mark.parametrize(
    ("changes", "failed"),
    [
        ({}, None),
        ({"ece": 0.0121}, "calibration_error_within_noise"),
        ({"in_the_large": 0.013}, "calibrated_in_the_large"),
        ({"in_the_large": -0.013}, "calibrated_in_the_large"),
        ({"in_the_large": 0.011}, None),
        ({"slope": 0.94}, "calibration_slope_is_one"),
        ({"slope": 0.96}, None),
        ({"slope": 0.80, "slope_error": 0.1}, None),
        ({"slope": 3.5, "slope_error": 1e6}, "calibration_slope_is_one"),
    ],
)
def test_calibration_is_judged_within_what_chance_allows(
    changes: dict[str, float], failed: str | None
) -> None:
    gates = judge_calibration(perfect(**changes), POLICY)
    assert [gate.name for gate in gates if not gate.passed] == ([failed] if failed else [])


@pytest.mark.parametrize(("violations", "passes"), [(0, True), (1, False)])
def test_one_broken_sign_fails_a_model(violations: int, passes: bool) -> None:  # noqa: FBT001
    checks = [SignCheck("income", -1, 1_000, 0), SignCheck("debt", 1, 1_000, violations)]
    gate = judge_signs(checks, POLICY)
    assert gate.passed is passes
    assert ("debt" in gate.reason) is not passes


def base_names(names: list[str]) -> list[str]:
    return list(dict.fromkeys(name.partition("[")[0] for name in names))


def test_a_first_model_has_to_pass_every_gate_but_the_comparison() -> None:
    policy = GatePolicy(floors=(Floor(figure="auc", least=0.6),))
    gates = judge_alone(replace(sound_evaluation(), policy=policy))
    assert base_names([gate.name for gate in gates]) == list(GATE_NAMES[:18])
    assert [gate.name for gate in gates if not gate.passed] == []


def test_a_champion_adds_five_gates_to_those_of_a_first_model() -> None:
    gates = judge_against(sound_evaluation(), ChampionScores.of_all(WORSE))
    alone = judge_alone(sound_evaluation())
    assert gates[: len(alone)] == alone
    assert [gate.name for gate in gates[len(alone) :]] == list(GATE_NAMES[18:])
    assert [gate.name for gate in gates if gate.refuses] == []


@pytest.mark.parametrize(
    ("check", "failed"),
    [
        (ReasonCheck(10, 0, 30, 0), []),
        (ReasonCheck(10, 1, 30, 0), ["reasons_are_complete"]),
        (ReasonCheck(10, 0, 30, 1), ["reasons_are_adverse"]),
        (ReasonCheck(0, 0, 0, 0), []),
    ],
)
def test_one_reason_that_is_absent_or_not_adverse_fails(
    check: ReasonCheck, failed: list[str]
) -> None:
    assert [gate.name for gate in judge_reasons(check, POLICY) if not gate.passed] == failed


@pytest.mark.parametrize(
    ("strength", "repetition", "failed"),
    [
        (FieldStrength("income", 0.95, 3.0), Repetition(0.02, 0.05), []),
        (
            FieldStrength("balance", 0.951, 1.0),
            Repetition(None, None),
            ["no_feature_reveals_the_outcome"],
        ),
        (
            FieldStrength("balance", 0.9, 3.1),
            Repetition(0.021, 0.051),
            [
                *("information_values_are_plausible", "parts_share_no_rows"),
                "rows_are_not_repeated",
            ],
        ),
    ],
)
def test_leakage_is_judged_by_the_bounds_of_the_policy(
    strength: FieldStrength, repetition: Repetition, failed: list[str]
) -> None:
    evidence = replace(sound_evidence(), strengths=(strength,), repetition=repetition)
    gates = judge_leakage(evidence, POLICY)
    assert [gate.name for gate in gates if not gate.passed] == failed
    assert strength.feature in gates[0].reason


@pytest.mark.parametrize(("psi", "passes"), [(0.10, True), (0.1001, False)])
def test_a_score_that_moved_fails(psi: float, passes: bool) -> None:  # noqa: FBT001
    gate = judge_stability("score_is_stable", Stability(psi, 0.10), POLICY)
    assert (gate.passed, gate.figure, gate.bound) == (passes, psi, 0.10)


@pytest.mark.parametrize(("steps", "passes"), [(100_000, True), (100_001, False), (None, True)])
def test_a_form_with_too_many_steps_fails(steps: int | None, passes: bool) -> None:  # noqa: FBT001
    assert judge_steps(steps, POLICY).passed is passes


def test_floors_are_absolute_and_have_a_cutoff_of_their_own() -> None:
    """Of 4 rows, 2 defaults at .6 and .3: at .5 recall is 1/2, at .3 it is 1; precision 1, 2/3."""
    policy = GatePolicy(
        floors=(
            Floor(figure="recall", least=0.75),
            Floor(figure="recall", least=0.75, cutoff=0.3),
            Floor(figure="precision", least=0.78, cutoff=0.3, consequence="warn"),
            Floor(figure="auc", least=0.70),
        )
    )
    evaluation = replace(
        sound_evaluation(),
        labels=np.array([1, 1, 0, 0]),
        probabilities=np.array([0.6, 0.3, 0.4, 0.1]),
        policy=policy,
    )
    gates = judge_floors(evaluation)
    assert [(gate.name, gate.figure, gate.verdict) for gate in gates] == [
        ("floor[recall]", 0.5, "FAILED"),
        ("floor[recall at 0.3]", 1.0, "passed"),
        ("floor[precision at 0.3]", pytest.approx(2 / 3), "WARNING"),
        ("floor[auc]", 0.75, "passed"),
    ]


def test_the_policy_says_what_a_failed_gate_means() -> None:
    policy = GatePolicy(consequences={"served_form_is_light": "warn"}, most_steps=10)
    gate = judge_steps(11, policy)
    assert (gate.passed, gate.refuses, gate.warns) == (False, False, True)
    assert judge_steps(11, GatePolicy(most_steps=10)).refuses


def test_a_test_part_with_few_defaults_is_no_evidence_against_a_champion() -> None:
    few = slice(0, 300)
    evaluation = replace(sound_evaluation(), labels=LABELS[few], probabilities=TRUTH[few])
    evidence = judge_against(evaluation, ChampionScores.of_all(WORSE[few]))[-1]
    assert not evidence.passed
    assert evidence.reason.startswith(f"{LABELS[few].sum()} defaults in the test part")


def test_a_true_model_of_weighted_rows_seldom_fails_calibration() -> None:
    random, failures, trials = np.random.default_rng(4), 0, 60
    for seed in range(trials):
        probabilities = random.beta(2, 5, 1_500)
        weights = random.lognormal(0, 1, 1_500)
        labels = random.binomial(1, probabilities)
        reliability = measure_reliability(
            labels, probabilities, POLICY.calibration_confidence, seed, weights
        )
        failures += not all(gate.passed for gate in judge_calibration(reliability, POLICY))
    # A rate of `calibration_alpha` exceeds this bound in one run of a thousand.
    assert failures <= binom.ppf(0.999, trials, POLICY.calibration_alpha)


def test_a_loss_on_rows_of_large_weight_counts_more() -> None:
    name = "log_loss_not_worse_than_champion"
    weights = np.where(np.median(TRUTH) < TRUTH, 20.0, 1.0)
    rough = np.where(weights > 1, np.clip(WORSE, 0.3, 0.35), TRUTH)
    weighted = replace(sound_evaluation(), probabilities=rough, weights=weights)
    losses = [
        next(gate.figure for gate in judge_difference(evaluation, TRUTH, 1.0) if gate.name == name)
        for evaluation in (weighted, replace(weighted, weights=None))
    ]
    assert losses[0] is not None
    assert losses[1] is not None
    assert losses[0] > 1.5 * losses[1] > 0


def test_a_model_without_documented_signs_has_none_that_could_hold() -> None:
    gate = judge_signs((), POLICY)
    assert (gate.figure, gate.passed) == (None, True)
    assert gate.reason == "not measured: the model documents no sign"
