from dataclasses import replace

import numpy as np
import pytest

from models.metrics import Estimate
from models.reliability import Reliability
from training.gates import (
    Evaluation,
    judge_against,
    judge_alone,
    judge_calibration,
    judge_difference,
    judge_evidence,
    judge_fit,
    judge_signs,
)
from training.model_review import SignCheck

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
    )


def passed(first: np.ndarray, champion: np.ndarray) -> dict[str, bool]:
    return {gate.name: gate.passed for gate in judge_difference(LABELS, first, champion)}


def test_a_better_model_passes_both_gates() -> None:
    assert all(passed(TRUTH, WORSE).values())


def test_a_worse_model_fails_both_gates() -> None:
    assert not any(passed(WORSE, TRUTH).values())


def test_an_equal_model_is_not_better() -> None:
    assert passed(TRUTH, TRUTH) == {
        "auc_not_worse_than_champion": True,
        "log_loss_better_than_champion": False,
    }


def test_a_model_that_ranks_as_well_but_fits_worse_fails() -> None:
    assert passed(TRUTH**3, TRUTH) == {
        "auc_not_worse_than_champion": True,
        "log_loss_better_than_champion": False,
    }


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
    assert judge_evidence(bads).passed is enough


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
    gates = judge_calibration(perfect(**changes))
    assert [gate.name for gate in gates if not gate.passed] == ([failed] if failed else [])


@pytest.mark.parametrize(("violations", "passes"), [(0, True), (1, False)])
def test_one_broken_sign_fails_a_model(violations: int, passes: bool) -> None:  # noqa: FBT001
    checks = [SignCheck("income", -1, 1_000, 0), SignCheck("debt", 1, 1_000, violations)]
    gate = judge_signs(checks)
    assert gate.passed is passes
    assert ("debt" in gate.detail) is not passes


ALONE = [
    "ranks_better_than_chance",
    "fits_better_than_base_rate",
    "calibration_error_within_noise",
    "calibrated_in_the_large",
    "calibration_slope_is_one",
    "documented_signs_hold",
]
AGAINST = [
    *ALONE,
    "auc_not_worse_than_champion",
    "log_loss_better_than_champion",
    "enough_evidence_to_replace",
]


def test_a_first_model_has_to_pass_six_gates() -> None:
    gates = judge_alone(sound_evaluation())
    assert [gate.name for gate in gates] == ALONE
    assert all(gate.passed for gate in gates)


def test_a_champion_adds_three_gates_to_those_of_a_first_model() -> None:
    gates = judge_against(sound_evaluation(), WORSE)
    assert [gate.name for gate in gates] == AGAINST
    assert gates[:6] == judge_alone(sound_evaluation())
    assert all(gate.passed for gate in gates)


def test_a_test_part_with_few_defaults_is_no_evidence_against_a_champion() -> None:
    few = slice(0, 300)
    evaluation = replace(sound_evaluation(), labels=LABELS[few], probabilities=TRUTH[few])
    evidence = judge_against(evaluation, WORSE[few])[-1]
    assert not evidence.passed
    assert evidence.detail.startswith(f"{LABELS[few].sum()} defaults in the test part")
