import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from models.calibration import calibrate
from models.scorer import probabilities_from_log_odds
from tests.support.toy import Toy
from training.families.balance import (
    BalancedPipeline,
    repeat_rows,
    synthesise_rows,
    warn_of_balance,
)
from training.families.candidates import Candidate, Fit
from training.families.folds import FOLDS, FoldedData
from training.families.selection import compare_families
from training.search_settings import Balance

FIT = Fit(Toy, seed=3, threads=1)
ROWS = np.array([[0.0, 1.0], [1.0, 0.0], [4.0, 1.0]])


def test_rows_are_repeated_equally_often_but_for_the_remainder() -> None:
    added = repeat_rows(ROWS, 8, seed=1)
    times = [int((np.vstack([ROWS, added]) == row).all(axis=1).sum()) for row in ROWS]
    assert sum(times) == 8
    assert sorted(times) == [2, 3, 3]


def test_synthetic_rows_lie_between_two_rows_and_levels_stay_levels() -> None:
    added = synthesise_rows(ROWS, 203, seed=1)
    assert added.shape == (200, 2)
    assert added[:, 0].min() >= 0
    assert added[:, 0].max() <= 4
    assert len(np.unique(added[:, 0])) > 100
    assert set(added[:, 1]) == {0.0, 1.0}


def test_a_missing_value_of_a_neighbour_stays_missing() -> None:
    rows = np.array([[0.0, np.nan], [1.0, np.nan], [2.0, np.nan]])
    added = synthesise_rows(rows, 20, seed=1)
    assert np.isnan(added[:, 1]).all()
    assert not np.isnan(added[:, 0]).any()


@pytest.mark.parametrize("balance", ["weights", "oversample"])
def test_a_balanced_fit_takes_both_outcomes_for_equally_frequent(balance: Balance) -> None:
    random = np.random.default_rng(2)
    frame = pd.DataFrame({"x": random.normal(size=2_000)})
    labels = random.binomial(1, 0.1, 2_000)
    steps = [("classify", LogisticRegression())]
    balanced = BalancedPipeline(steps, balance=balance, seed=1).fit(frame, labels)
    assert balanced.predict_proba(frame)[:, 1].mean() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("balance", ["weights", "oversample"])
def test_balanced_models_are_calibrated_to_the_rows_as_they_are(balance: Balance) -> None:
    random = np.random.default_rng(2)
    x = random.normal(size=2_000)
    labels = random.binomial(1, 1 / (1 + np.exp(2.5 - x)))
    plain = Candidate("logistic", lambda _: Pipeline([("classify", LogisticRegression())]))
    data = FoldedData(pd.DataFrame({"x": x}), labels).fold(FOLDS, FIT.seed)
    [result] = compare_families(FIT, [plain.with_balance(balance)], data)
    log_odds = result.out_of_fold.log_odds
    assert probabilities_from_log_odds(log_odds).mean() > 0.4
    calibrated = probabilities_from_log_odds(calibrate(log_odds, result.calibration.calibration))
    assert calibrated.mean() == pytest.approx(labels.mean(), abs=0.01)


def test_the_report_is_told_that_rows_were_balanced() -> None:
    remark = warn_of_balance("oversample")
    assert "(--balance oversample), for parity with an earlier system only" in remark
