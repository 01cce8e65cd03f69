import numpy as np
import pytest

from models.metrics import Estimate
from training.gates import absolute_gates, champion_gates, evidence_gate

RANDOM = np.random.default_rng(9)
TRUTH = RANDOM.beta(2, 5, 6_000)
LABELS = RANDOM.binomial(1, TRUTH)
WORSE = np.clip(TRUTH + RANDOM.normal(0, 0.15, 6_000), 0.001, 0.999)


def passed(first: np.ndarray, champion: np.ndarray) -> dict[str, bool]:
    return {gate.name: gate.passed for gate in champion_gates(LABELS, first, champion)}


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
    auc = Estimate(value=0.6, low=low, high=0.65)
    gates = absolute_gates(LABELS, probabilities, auc, base_rate=float(LABELS.mean()))
    assert [gate.passed for gate in gates] == expected


@pytest.mark.parametrize(("bads", "enough"), [(499, False), (500, True)])
def test_telling_two_models_apart_needs_500_defaults(bads: int, enough: bool) -> None:  # noqa: FBT001
    assert evidence_gate(bads).passed is enough
