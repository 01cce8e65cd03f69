import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from tests.support.toy import Toy
from training.families.candidates import Candidate, Fit
from training.families.folds import FOLDS, LEAST_PROBABILITY, FoldedData
from training.families.selection import FamilyResult, compare_families

FIT = Fit(Toy, seed=3, threads=1)
RANDOM = np.random.default_rng(6)
X = RANDOM.normal(size=1_000)
FRAME = pd.DataFrame({"x": X})
LABELS = RANDOM.binomial(1, 1 / (1 + np.exp(1 - 2 * X)))
DATA = FoldedData(FRAME, LABELS).fold(FOLDS, FIT.seed)

USEFUL = Candidate("xgboost", lambda _: Pipeline([("classify", LogisticRegression())]))
CONSTANT = Candidate("logistic", lambda _: Pipeline([("classify", DummyClassifier())]))
SURE = Candidate(
    "scorecard", lambda _: Pipeline([("classify", DummyClassifier(strategy="most_frequent"))])
)


@pytest.fixture(scope="module")
def results() -> tuple[FamilyResult, ...]:
    return compare_families(FIT, [CONSTANT, USEFUL], DATA)


def test_the_family_with_the_lowest_calibrated_log_loss_comes_first(
    results: tuple[FamilyResult, ...],
) -> None:
    assert [result.candidate for result in results] == [USEFUL, CONSTANT]
    losses = [result.calibration.log_loss for result in results]
    rate = LABELS.mean()
    entropy = -(rate * np.log(rate) + (1 - rate) * np.log(1 - rate))
    assert losses[0] < losses[1] == pytest.approx(entropy, abs=1e-3)


def test_every_row_is_predicted_once_by_a_fit_without_it(
    results: tuple[FamilyResult, ...],
) -> None:
    best = results[0].out_of_fold
    assert np.bincount(best.folds).tolist() == [len(LABELS) // FOLDS] * FOLDS
    held = best.folds == 2
    fitted = LogisticRegression().fit(FRAME[~held], LABELS[~held])
    np.testing.assert_allclose(best.log_odds[held], fitted.decision_function(FRAME[held]))


def test_all_families_have_the_same_folds(results: tuple[FamilyResult, ...]) -> None:
    first, second = (result.out_of_fold.folds for result in results)
    np.testing.assert_array_equal(first, second)
    assert [fold.fold for fold in results[0].folds] == list(range(FOLDS))


def test_the_first_of_two_equal_families_wins() -> None:
    twin = Candidate("additive", CONSTANT.build)
    first, second = compare_families(FIT, [CONSTANT, twin], DATA)
    assert (first.candidate, second.candidate) == (CONSTANT, twin)


def test_a_probability_of_0_stays_finite() -> None:
    [sure] = compare_families(FIT, [SURE], DATA)
    least = np.log(LEAST_PROBABILITY / (1 - LEAST_PROBABILITY))
    assert np.abs(sure.out_of_fold.log_odds) == pytest.approx(abs(least))
