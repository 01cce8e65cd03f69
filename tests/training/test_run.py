from dataclasses import fields
from pathlib import Path

import pandas as pd
import pytest

from models.registry.bundle import bundle_from_bytes, scorer_from_bundle
from models.scorer import probabilities_from_log_odds
from tests.support.toy import Toy
from training.gates import judge_alone
from training.row_validation import check_rows
from training.run import Trained, TrainingJob, train
from training.split import is_test

JOB = TrainingJob(model=Toy, data=None, seed=7, threads=1, max_refused_share=0.05)


@pytest.fixture(scope="module")
def trained(toy_frame: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    path = tmp_path_factory.mktemp("run") / "rows.parquet"
    frame = toy_frame.copy()
    frame.loc[0, "income"] = -1.0
    frame.to_parquet(path)
    return train(
        TrainingJob(
            model=Toy,
            data=str(path),
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
        model=Toy, data="a b.csv", seed=1, threads=2, max_refused_share=0.0, families=("xgboost",)
    )
    assert job.build_command() == (
        "python -m training train --model toy --data 'a b.csv' --family xgboost "
        "--seed 1 --max-refused-share 0.0"
    )


def test_without_requested_families_all_compete_in_their_order() -> None:
    families = [candidate.family for candidate in JOB.select_candidates()]
    assert families == ["logistic", "scorecard", "additive", "random_forest", "xgboost"]


def test_the_test_part_is_that_of_the_split_and_was_not_fitted(
    trained: Trained, toy_frame: pd.DataFrame
) -> None:
    rows = check_rows(Toy, toy_frame.iloc[1:], max_refused_share=0)
    is_in_test = is_test(rows.keys)
    provenance = trained.manifest.provenance
    assert trained.test.labels.tolist() == rows.labels[is_in_test].tolist()
    assert (provenance.rows_train, provenance.rows_test) == ((~is_in_test).sum(), is_in_test.sum())
    assert (provenance.rows, provenance.rows_refused) == (3_999, 1)
    assert provenance.bads_test == rows.labels[is_in_test].sum()
    assert trained.fitted.base_rate == rows.labels[~is_in_test].mean()


def test_the_bundle_scores_as_the_run_does(trained: Trained) -> None:
    served = scorer_from_bundle(bundle_from_bytes(trained.bundle.to_bytes()), Toy)
    log_odds = served.log_odds(trained.test.applications)
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
    assert len(judge_alone(evaluation)) == 6


def test_a_run_keeps_each_fact_once(trained: Trained) -> None:
    assert [field.name for field in fields(Trained)] == [
        *("job", "data", "fitted", "families", "part", "test", "probabilities", "signs"),
        *("manifest", "golden"),
    ]
    assert trained.model is trained.job.model
    assert trained.scorer is trained.fitted.scorer
    assert trained.bundle.baseline is trained.scorer.baseline
    assert Path(trained.data.source).name == "rows.parquet"
