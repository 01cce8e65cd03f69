import json
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.errors import DataError
from models.registry.bundle import bundle_from_bytes, scorer_from_bundle
from models.registry.pointer import Author
from models.scorer import probabilities_from_log_odds
from tests.support.toy import Toy
from training.families.balance import warn_of_balance
from training.gates import judge_alone
from training.reading.applications import applications_from_fields
from training.reading.options import DataOptions
from training.reading.row_validation import check_rows
from training.report import ReportedRun, build_report_files
from training.run import Trained, TrainingJob, train
from training.search_settings import SearchSettings
from training.split import is_test

JOB = TrainingJob(model=Toy, data=DataOptions(), seed=7, threads=1, max_refused_share=0.05)


@pytest.fixture(scope="module")
def trained(toy_frame: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    path = tmp_path_factory.mktemp("run") / "rows.parquet"
    frame = toy_frame.copy()
    frame.loc[0, "income"] = -1.0
    frame.to_parquet(path)
    return train(
        TrainingJob(
            model=Toy,
            data=DataOptions(values={"data": str(path)}),
            seed=7,
            threads=1,
            max_refused_share=0.05,
            families=("logistic",),
        )
    )


def test_a_job_knows_the_command_that_repeats_it() -> None:
    assert JOB.build_command() == (
        "python -m training train --model toy --seed 7 --max-refused-share 0.05"
    )
    job = TrainingJob(
        model=Toy,
        data=DataOptions(values={"data": "a b.csv", "missing": ["NA", "?"]}),
        seed=1,
        threads=2,
        max_refused_share=0.0,
        families=("xgboost",),
    )
    assert job.build_command() == (
        "python -m training train --model toy --data 'a b.csv' --missing NA --missing '?' "
        "--family xgboost --seed 1 --max-refused-share 0.0"
    )


@pytest.fixture(scope="module")
def searched(toy_frame: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    path = tmp_path_factory.mktemp("searched") / "rows.parquet"
    toy_frame[:1_500].to_parquet(path)
    settings = SearchSettings(budget="standard", trials=3)
    return train(
        replace(
            JOB,
            data=DataOptions(values={"data": str(path)}),
            families=("logistic", "scorecard"),
            search=settings,
        )
    )


def test_a_search_says_how_many_trials_it_made(searched: Trained) -> None:
    by_family = {result.candidate.family: result.search for result in searched.families}
    assert by_family["scorecard"] is None  # it has nothing to tune
    assert by_family["logistic"]
    assert (by_family["logistic"].trials, by_family["logistic"].ended_by) == (3, "trials")


def test_the_job_of_a_searched_run_repeats_it_byte_for_byte_without_a_search(
    searched: Trained,
) -> None:
    assert searched.job.search.trials == 0
    again = train(searched.job)
    assert again.bundle.to_bytes() == searched.bundle.to_bytes()
    assert again.families[0].search is None


def test_parameters_that_won_are_part_of_the_version(searched: Trained) -> None:
    [logistic] = [r for r in searched.families if r.candidate.family == "logistic"]
    chosen = {"logistic": dict(logistic.candidate.parameters) or {"C": 0.5}}
    job = replace(
        searched.job,
        families=("logistic",),
        search=SearchSettings(parameters=chosen),  # type: ignore[arg-type]  # a family
    )
    assert train(job).manifest.provenance.parameters == chosen["logistic"]


def test_a_budget_with_time_measures_what_signs_cost(searched: Trained, trained: Trained) -> None:
    assert searched.constraints
    assert {sign.feature for sign in searched.constraints.signs} == {
        *("income", "debt", "months_since_default", "debt_to_income")
    }
    assert trained.constraints is None


def test_balanced_rows_are_remarked_on(toy_frame: pd.DataFrame, tmp_path: Path) -> None:
    toy_frame[:1_500].to_parquet(tmp_path / "rows.parquet")
    job = replace(
        JOB,
        data=DataOptions(values={"data": str(tmp_path / "rows.parquet")}),
        families=("logistic",),
        search=SearchSettings(balance="weights"),
    )
    trained = train(job)
    assert trained.data.remarks == (warn_of_balance("weights"),)
    assert trained.probabilities.mean() == pytest.approx(trained.fitted.base_rate, abs=0.05)
    assert "--balance weights" in trained.job.build_command()


def test_without_requested_families_all_compete_in_their_order() -> None:
    families = [candidate.family for candidate in JOB.select_candidates()]
    trees = ["random_forest", "xgboost", "lightgbm"]
    assert families == ["logistic", "scorecard", "additive", *trees]


def test_the_test_part_is_that_of_the_split_and_was_not_fitted(
    trained: Trained, toy_frame: pd.DataFrame
) -> None:
    rows = check_rows(Toy, toy_frame.iloc[1:], max_refused_share=0)
    is_in_test = is_test(rows.hashes)
    provenance = trained.manifest.provenance
    assert trained.test.labels.tolist() == rows.labels[is_in_test].tolist()
    assert (provenance.rows_train, provenance.rows_test) == ((~is_in_test).sum(), is_in_test.sum())
    assert (provenance.rows, provenance.rows_refused) == (3_999, 1)
    assert provenance.bads_test == rows.labels[is_in_test].sum()
    assert trained.fitted.base_rate == rows.labels[~is_in_test].mean()


def test_the_bundle_scores_as_the_run_does(trained: Trained) -> None:
    served = scorer_from_bundle(bundle_from_bytes(trained.bundle.to_bytes()), Toy)
    log_odds = served.log_odds(applications_from_fields(Toy, trained.test.columns))
    assert probabilities_from_log_odds(log_odds).tolist() == trained.probabilities.tolist()
    assert served.policy == trained.manifest.policy == Toy.policy


def test_the_gates_judge_the_figures_of_the_manifest(trained: Trained) -> None:
    evaluation = trained.evaluation
    assert evaluation.auc is trained.manifest.metrics["auc"]
    assert evaluation.reliability is trained.manifest.reliability
    assert evaluation.labels is trained.test.labels
    assert [check.feature for check in evaluation.signs] == [
        *("income", "debt", "months_since_default", "debt_to_income")
    ]
    assert len(judge_alone(evaluation)) == 17


def test_a_run_keeps_each_fact_once(trained: Trained) -> None:
    assert [field.name for field in fields(Trained)] == [
        *("job", "data", "parts", "fitted", "families", "constraints"),
        *("probabilities", "signs", "evidence"),
        *("manifest", "golden"),
    ]
    assert trained.model is trained.job.model
    assert trained.scorer is trained.fitted.scorer
    assert trained.bundle.baseline is trained.scorer.baseline
    assert Path(trained.data.source).name == "rows.parquet"


@pytest.fixture(scope="module")
def undersampled(toy_frame: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A run on every default and one good row of four, which stands for four applications."""
    path = tmp_path_factory.mktemp("undersampled") / "rows.parquet"
    goods = toy_frame[toy_frame.is_default == 0][::4]
    frame = pd.concat([goods, toy_frame[toy_frame.is_default == 1]])
    frame.assign(applications=np.where(frame.is_default == 0, 4.0, 1.0)).to_parquet(path)
    values = {"data": str(path), "weight-column": "applications"}
    return train(replace(JOB, data=DataOptions(values=values), families=("logistic",)))


def test_a_weighted_run_gives_the_risk_of_the_applications(
    undersampled: Trained, toy_frame: pd.DataFrame
) -> None:
    rate = toy_frame["is_default"].mean()
    assert undersampled.part.default_rate == pytest.approx(rate, abs=0.02)
    weights = undersampled.test.weights
    assert weights is not None
    risk = np.average(undersampled.probabilities, weights=weights)
    assert risk == pytest.approx(rate, abs=0.03)
    assert undersampled.test.labels.mean() > rate + 0.15  # what the rows alone would say


def test_a_weighted_run_is_judged_with_its_weights_and_says_so(undersampled: Trained) -> None:
    assert undersampled.evaluation.weights is undersampled.test.weights
    calibrated = [g for g in judge_alone(undersampled.evaluation) if g.name.startswith("calib")]
    assert calibrated
    assert all(gate.passed for gate in calibrated)
    unweighted = replace(undersampled.evaluation, weights=None)
    assert judge_alone(unweighted) != judge_alone(undersampled.evaluation)
    weighting = undersampled.manifest.provenance.weights
    assert weighting is not None
    rows = undersampled.manifest.provenance.rows_train
    assert rows < weighting.applications_train
    assert weighting.effective_train < rows


def test_the_report_of_a_weighted_run_counts_applications(undersampled: Trained) -> None:
    run = ReportedRun(
        outcome="promoted",
        gates=judge_alone(undersampled.evaluation),
        version="20261121T000000Z-0123456789ab",
        author=Author(who="tester", when=datetime(2026, 11, 21, tzinfo=UTC)),
        champion=None,
        champion_scores=None,
    )
    files = build_report_files(undersampled, run)
    document, page = json.loads(files["report.json"]), files["report.html"].decode()
    weighting = undersampled.manifest.provenance.weights
    assert weighting is not None
    assert "Column <code>applications</code>" in page
    decisions = document["decisions"]
    assert sum(group["share"] for group in decisions["decisions"]) == pytest.approx(1)
    histogram = decisions["scores"]
    assert sum(histogram["goods"]) + sum(histogram["bads"]) == pytest.approx(
        weighting.applications_test, abs=30
    )
    assert document["data"]["train_default_rate"] == pytest.approx(
        undersampled.part.default_rate, rel=1e-3
    )


def test_parameters_of_a_family_that_is_not_trained_are_refused() -> None:
    search = SearchSettings(parameters={"xgboost": {"max_depth": 3}})
    job = replace(JOB, families=("logistic",), search=search)
    with pytest.raises(DataError, match="--parameters: xgboost is not trained; add --family xgbo"):
        job.select_candidates()
