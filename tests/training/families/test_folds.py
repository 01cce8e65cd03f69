import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from tests.support.toy import Toy
from training.families.candidates import Candidate, Fit
from training.families.folds import FoldedData, predict_folds, predict_held

FIT = Fit(Toy, seed=3, threads=1)
RANDOM = np.random.default_rng(6)
X = RANDOM.normal(size=200)
FRAME = pd.DataFrame({"x": X})
LABELS = RANDOM.binomial(1, 1 / (1 + np.exp(1 - 2 * X)))
CANDIDATE = Candidate("logistic", lambda _: Pipeline([("classify", LogisticRegression())]))


def test_folds_hold_every_row_once_and_have_equal_default_rates() -> None:
    data = FoldedData(FRAME, LABELS).fold(4, seed=1)
    held = np.concatenate([held for _, held in data.folds])
    assert sorted(held) == list(range(200))
    rates = [LABELS[held].mean() for _, held in data.folds]
    assert rates == pytest.approx([LABELS.mean()] * 4, abs=0.03)


def test_held_out_rows_are_predicted_by_a_fit_without_them() -> None:
    data = FoldedData(FRAME, LABELS).fold(4, seed=1)
    for (fitted, held), (yielded, log_odds) in zip(
        data.folds, predict_folds(CANDIDATE, FIT, data), strict=True
    ):
        np.testing.assert_array_equal(yielded, held)
        alone = LogisticRegression().fit(FRAME.iloc[fitted], LABELS[fitted])
        np.testing.assert_allclose(log_odds, alone.decision_function(FRAME.iloc[held]))


def test_some_rows_are_split_into_folds_of_their_own() -> None:
    data = FoldedData(FRAME, LABELS).fold(4, seed=1)
    rows = np.arange(50, 150)
    part = data.select(rows).fold(2, seed=2)
    assert (len(part.folds), len(part.labels)) == (2, 100)
    np.testing.assert_array_equal(part.labels, LABELS[50:150])
    fitted, held = part.folds[0]
    assert predict_held(CANDIDATE, FIT, part, (fitted, held)).shape == (50,)


def test_rows_of_one_group_are_in_one_fold_also_of_selected_rows() -> None:
    groups = np.repeat(np.arange(len(LABELS) // 5 + 1, dtype=np.uint64), 5)[: len(LABELS)]
    data = FoldedData(FRAME, LABELS, groups=groups).fold(4, seed=1)
    for fitted, held in data.folds:
        assert not set(groups[fitted]) & set(groups[held])
    part = data.select(data.folds[0][0])
    assert part.groups is not None
    assert part.folds == ()
    for fitted, held in part.fold(3, seed=1).folds:
        assert not set(part.groups[fitted]) & set(part.groups[held])
