"""A search sees training rows only, is resumed where it ended, and says how far it came."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from models.estimators.families import Family
from models.features import features
from tests.support.toy import Toy
from training.families import search as module
from training.families.candidates import CANDIDATES, Candidate, Fit, frame_from_matrix
from training.families.folds import FoldedData
from training.families.search import SearchPlan, measure_nested_loss, search

FIT = Fit(Toy, seed=3, threads=1)
NAMES = [f.name for f in features(Toy)]


def build_ridge(_: Fit) -> Pipeline:
    return Pipeline([("classify", LogisticRegression(C=100.0))])


# Many weak columns and few rows: a strong penalty is best, and the family's own is far from it.
RIDGE = Candidate("logistic", build_ridge)


@pytest.fixture(scope="module")
def data() -> FoldedData:
    random = np.random.default_rng(1)
    matrix = random.normal(size=(240, len(NAMES)))
    labels = random.binomial(1, 1 / (1 + np.exp(-0.3 * matrix[:, 0])))
    return FoldedData(frame_from_matrix(Toy, matrix), labels).fold(4, seed=5)


def test_a_search_finds_better_parameters_than_the_familys_own(data: FoldedData) -> None:
    result = search(RIDGE, FIT, data, SearchPlan(trials=8))
    assert (result.trials, result.ended_by) == (8, "trials")
    assert result.log_loss < result.default_log_loss
    assert result.parameters["C"] < 1.0


def test_the_first_trial_has_the_parameters_of_the_family(data: FoldedData) -> None:
    result = search(RIDGE, FIT, data, SearchPlan(trials=1))
    assert result.parameters == {"C": 100.0}
    assert result.log_loss == result.default_log_loss


def test_a_search_that_was_stopped_twice_equals_a_straight_one(
    data: FoldedData, tmp_path: Path
) -> None:
    straight = search(RIDGE, FIT, data, SearchPlan(trials=8))
    plan = SearchPlan(trials=8, journal=tmp_path / "new" / "journal")
    for trials in (3, 5, 8):
        resumed = search(RIDGE, FIT, data, replace(plan, trials=trials))
    assert resumed == straight


def test_a_trial_that_was_killed_is_made_again(data: FoldedData, tmp_path: Path) -> None:
    plan = SearchPlan(trials=6, journal=tmp_path / "journal")
    search(RIDGE, FIT, data, replace(plan, trials=4))
    storage = JournalStorage(JournalFileBackend(str(tmp_path / "journal")))
    [name] = optuna.get_all_study_names(storage)
    optuna.load_study(study_name=name, storage=storage).ask()  # it stays in the state RUNNING
    assert search(RIDGE, FIT, data, plan) == search(RIDGE, FIT, data, replace(plan, journal=None))


def test_a_journal_never_mixes_the_trials_of_two_data_sets(
    data: FoldedData, tmp_path: Path
) -> None:
    plan = SearchPlan(trials=2, journal=tmp_path / "journal")
    search(RIDGE, FIT, data, plan)
    other = replace(data, labels=1 - data.labels)
    assert search(RIDGE, FIT, other, plan) == search(RIDGE, FIT, other, SearchPlan(trials=2))


def test_seconds_end_a_search_after_at_least_one_trial(data: FoldedData) -> None:
    ticks = itertools.count(0, 10)
    plan = SearchPlan(trials=50, seconds=25, clock=lambda: float(next(ticks)))
    result = search(RIDGE, FIT, data, plan)
    assert (result.trials, result.ended_by) == (3, "seconds")
    at_once = replace(plan, seconds=0)
    assert search(RIDGE, FIT, data, at_once).trials == 1


def test_a_trial_that_falls_behind_is_pruned(
    data: FoldedData, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[float] = []

    def predict_worse_and_worse(
        candidate: Candidate, _: Fit, folded: FoldedData
    ) -> "itertools.chain[tuple[np.ndarray, np.ndarray]]":
        calls.append(candidate.parameters["C"])
        noise = np.random.default_rng(len(calls)).normal(size=len(folded.labels)) * len(calls)
        truth = 2.0 * folded.labels - 1.0
        return itertools.chain((held, truth[held] + noise[held]) for _, held in folded.folds)

    monkeypatch.setattr(module, "predict_folds", predict_worse_and_worse)
    result = search(RIDGE, FIT, data, SearchPlan(trials=10))
    assert result.pruned >= 4
    assert result.parameters["C"] == calls[0]


def test_a_nested_loss_is_measured_on_rows_that_no_search_saw(
    data: FoldedData, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched: list[set[float]] = []

    def note_rows(_: Candidate, __: Fit, part: FoldedData, plan: SearchPlan) -> object:
        assert plan.trials == 2
        searched.append(set(part.frame.to_numpy()[:, 0].tolist()))
        return search(RIDGE, FIT, part, replace(plan, trials=1))

    monkeypatch.setattr(module, "search", note_rows)
    loss = measure_nested_loss(RIDGE, FIT, data, SearchPlan(trials=8))
    assert 0.5 < loss < 1.0
    held = [set(data.frame.to_numpy()[rows, 0].tolist()) for _, rows in data.folds]
    assert [seen & out for seen, out in zip(searched, held, strict=True)] == [set()] * 4


@pytest.mark.parametrize("family", ["logistic", "random_forest", "xgboost", "lightgbm"])
def test_every_space_takes_the_parameters_of_its_family(
    family: Family, data: FoldedData, recwarn: pytest.WarningsRecorder
) -> None:
    [candidate] = [c for c in CANDIDATES if c.family == family]
    result = search(candidate, FIT, data, SearchPlan(trials=2))
    assert result.trials == 2
    tuned = candidate.with_parameters(result.parameters)
    fitted = tuned.build(FIT).named_steps["classify"].get_params()
    assert {name: fitted[name] for name in result.parameters} == result.parameters
    assert not recwarn.list
