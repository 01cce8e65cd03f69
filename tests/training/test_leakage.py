import numpy as np
import pytest

from models.features import Matrix, features
from tests.support.monitored import toy_rows
from tests.support.toy import Toy
from training.leakage import measure_repetition, measure_strengths

RANDOM = np.random.default_rng(5)
LABELS = RANDOM.binomial(1, 0.3, 5_000)


def strength(column: np.ndarray) -> tuple[float, float]:
    [found_strength] = measure_strengths(["x"], column.reshape(-1, 1), LABELS, seed=1)
    return found_strength.auc, found_strength.information_value


def test_noise_tells_nothing() -> None:
    auc, information_value = strength(RANDOM.normal(size=5_000))
    assert auc < 0.53
    assert information_value < 0.1


@pytest.mark.parametrize("sign", [1, -1])
def test_the_outcome_in_disguise_tells_everything(sign: int) -> None:
    auc, information_value = strength(sign * LABELS * 1_000.0 + RANDOM.normal(size=5_000))
    assert auc == 1
    assert information_value > 3


@pytest.mark.parametrize("label", [0, 1])
def test_a_value_that_only_one_outcome_lacks_tells_everything(label: int) -> None:
    column = np.where(label == LABELS, np.nan, RANDOM.normal(size=5_000))
    auc, information_value = strength(column)
    assert auc == 1
    assert information_value > 3


def test_a_column_without_values_tells_nothing() -> None:
    assert strength(np.full(5_000, np.nan)) == (0.5, 0.0)


def test_the_strongest_column_is_first() -> None:
    matrix = np.column_stack([RANDOM.normal(size=5_000), LABELS + RANDOM.normal(size=5_000)])
    strengths = measure_strengths(["noise", "signal"], matrix, LABELS, seed=1)
    assert [s.feature for s in strengths] == ["signal", "noise"]


def wide_matrix(rows: int) -> Matrix:
    """A matrix of the toy model whose fourth number has many values too."""
    frame = toy_rows(rows)
    matrix = np.zeros((rows, len(features(Toy))))
    names = [f.name for f in features(Toy)]
    matrix[:, names.index("income")] = frame["income"]
    matrix[:, names.index("debt")] = frame["debt"]
    matrix[:, names.index("months_since_default")] = RANDOM.uniform(1, 900, rows)
    return matrix


def test_rows_by_chance_do_not_repeat_each_other() -> None:
    matrix = wide_matrix(4_000)
    repetition = measure_repetition(Toy, matrix[:3_000], matrix[3_000:])
    assert (repetition.shared, repetition.repeated) == (0, 0)


def test_rows_that_differ_in_the_fourth_digit_are_near_duplicates() -> None:
    matrix = wide_matrix(4_000)
    test = matrix[3_000:].copy()
    test[:100] = matrix[:100]
    test[:100, 0] = np.round(test[:100, 0] / 100) * 100  # income to hundreds
    matrix[:100, 0] = test[:100, 0] + 1
    repetition = measure_repetition(Toy, matrix[:3_000], test)
    assert (repetition.shared, repetition.repeated) == (0.1, 0.025)


def test_a_block_within_one_part_is_repeated_and_not_shared() -> None:
    matrix = wide_matrix(4_000)
    train = np.vstack([matrix[:3_000], matrix[:1_000]])
    repetition = measure_repetition(Toy, train, matrix[3_000:])
    assert (repetition.shared, repetition.repeated) == (0, 0.2)


def test_a_model_of_few_values_is_not_judged() -> None:
    matrix = wide_matrix(4_000)
    matrix[:, 0] = np.round(matrix[:, 0], -5)
    repetition = measure_repetition(Toy, matrix[:3_000], matrix[3_000:])
    assert (repetition.shared, repetition.repeated) == (None, None)
