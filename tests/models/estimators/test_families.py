import threading

import numpy as np
import pytest

from models.errors import ModelRefusedError
from models.estimators.families import Additive, Estimator, Trees, estimator_from_bytes


@pytest.fixture(params=["logistic", "trees"])
def estimator(request: pytest.FixtureRequest) -> Estimator:
    fixture: Estimator = request.getfixturevalue(request.param)
    return fixture


def rows(n: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    random = np.random.default_rng(n)
    matrix = random.normal(size=(n, 8)) * 1e3
    matrix[random.random(matrix.shape) < 0.2] = np.nan
    return matrix


def test_an_estimator_read_back_from_its_bytes_answers_the_same(estimator: Estimator) -> None:
    again = estimator_from_bytes(estimator.family, estimator.to_bytes())
    assert again.to_bytes() == estimator.to_bytes()
    np.testing.assert_array_equal(again.log_odds(rows(50)), estimator.log_odds(rows(50)))


def test_a_row_scores_the_same_to_the_last_bit_alone_in_a_batch_and_in_any_order(
    estimator: Estimator,
) -> None:
    matrix = rows(777)
    batch = estimator.log_odds(matrix)
    order = np.random.default_rng(1).permutation(len(matrix))
    shuffled = estimator.log_odds(np.ascontiguousarray(matrix[order]))
    alone = np.concatenate([estimator.log_odds(matrix[i : i + 1]) for i in range(len(matrix))])
    assert batch.tobytes() == alone.tobytes()
    assert batch[order].tobytes() == shuffled.tobytes()


def test_contributions_and_their_base_add_up_to_the_log_odds(estimator: Estimator) -> None:
    matrix = rows(300)
    contributions = estimator.contributions(matrix, rows(1))
    assert contributions.values.shape == matrix.shape
    np.testing.assert_allclose(
        contributions.expected_value + contributions.values.sum(axis=1),
        estimator.log_odds(matrix),
        rtol=0,
        atol=1e-4,
    )


def test_contributions_of_a_row_are_the_same_alone_and_in_a_batch(estimator: Estimator) -> None:
    matrix, reference = rows(60), rows(1)
    batch = estimator.contributions(matrix, reference).values
    for i in range(len(matrix)):
        alone = estimator.contributions(matrix[i : i + 1], reference).values
        assert alone.tobytes() == batch[i : i + 1].tobytes()


def test_the_reference_itself_has_no_contributions(logistic: Additive) -> None:
    contributions = logistic.contributions(rows(1), rows(1))
    assert not contributions.values.any()
    assert contributions.expected_value == logistic.log_odds(rows(1))[0]


def test_threads_get_the_same_answers_at_once(trees: Trees) -> None:
    matrix = rows(200)
    answers: list[bool] = []
    expected = trees.log_odds(matrix).tobytes()

    def score() -> None:
        answers.extend(trees.log_odds(matrix).tobytes() == expected for _ in range(50))

    threads = [threading.Thread(target=score) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True] * 400


def test_a_missing_value_counts_as_its_fill(logistic: Additive) -> None:
    row = np.array([[50_000.0, 10_000.0, 1.0, 0.0, np.nan, 1.0, 0.0, 0.2]])
    # -1 - .5 + .1 - .2 - .01 * 48 (the fill) - .5 + 2 * .2
    assert logistic.log_odds(row)[0] == pytest.approx(-2.18)


@pytest.mark.parametrize(
    ("family", "data"),
    [
        ("xgboost", b""),
        ("xgboost", b"not a model"),
        ("logistic", b"{}"),
        ("logistic", b'{"features":["a"],"intercept":0.0,"weights":[],"fills":[0.0]}'),
        ("logistic", b'{"features":["a"],"intercept":NaN,"weights":[1.0],"fills":[0.0]}'),
    ],
)
def test_bytes_that_are_no_estimator_are_refused(family: str, data: bytes) -> None:
    with pytest.raises(ModelRefusedError):
        estimator_from_bytes(family, data)  # type: ignore[arg-type]
