"""The command line, mostly as a process of its own: what it prints, writes and exits with."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from models.catalogue.application import Application
from models.catalogue.bureau import Bureau
from models.catalogue.card_default import CardDefault
from models.catalogue.customer import Customer
from models.catalogue.german_credit import GermanCredit
from models.metrics import auc
from models.registry.serving import load_champion
from models.reliability import measure_reliability
from models.stores.uri import open_store
from tests.support.running import (
    MODELS,
    REPOSITORY,
    SHARED_DATA,
    TrainedStore,
    last_line,
    run_training,
)
from training.cli import main
from training.reading.bureau_tables import join
from training.reading.row_validation import check_rows
from training.split import is_test
from training.synthetic import bureau, customer
from training.synthetic.application import ROWS, compute_true_terms, generate

pytestmark = pytest.mark.trained

GERMAN = REPOSITORY / "training" / "data" / "german_credit.parquet"


@pytest.mark.parametrize("model", MODELS)
def test_a_run_ends_with_one_json_object(trained_store: TrainedStore, model: str) -> None:
    summary = trained_store.summaries[model]
    assert summary["outcome"] == "promoted"
    assert summary["model"] == model
    assert set(summary["metrics"]) == {
        *("auc", "gini", "ks", "brier", "log_loss"),
        *("accuracy", "precision", "recall", "f1"),
    }
    failed = [name for name, passed in summary["gates"].items() if not passed]
    assert failed == summary["warnings"]


def test_card_default_ranks_the_untouched_quarter(trained_store: TrainedStore) -> None:
    assert trained_store.summaries["card_default"]["metrics"]["auc"] >= 0.772


def test_card_default_is_calibrated_on_the_untouched_quarter(
    trained_store: TrainedStore,
) -> None:
    champion = load_champion(open_store(trained_store.uri), CardDefault)
    frame = pd.read_parquet(REPOSITORY / "training" / "data" / "card_default.parquet")
    rows = check_rows(CardDefault, frame, max_refused_share=0)
    held = is_test(rows.hashes)
    applications = [a for a, h in zip(rows.applications, held, strict=True) if h]
    scored = np.array([d.probability_of_default for d in champion.scorer.decide(applications)])
    figures = measure_reliability(rows.labels[held], scored, confidence=0.95, seed=1)
    assert figures.ece <= figures.ece_floor_high
    assert abs(figures.slope - 1) <= max(0.05, 2 * figures.slope_error)
    assert abs(figures.in_the_large) <= 2 * figures.in_the_large_error
    assert auc(rows.labels[held], scored) >= 0.772


def test_the_same_run_again_publishes_nothing(tmp_path: Path) -> None:
    arguments = ("train", "--model", "german_credit", "--store", tmp_path.as_uri())
    first, second = run_training(*arguments), run_training(*arguments)
    assert (first.returncode, second.returncode) == (0, 0)
    assert last_line(first.stdout)["outcome"] == "promoted"
    assert last_line(second.stdout)["outcome"] == "kept"
    assert last_line(first.stdout)["version"] == last_line(second.stdout)["version"]


def test_a_few_rows_cannot_replace_a_champion(trained_store: TrainedStore) -> None:
    done = run_training(
        *("train", "--model", "german_credit", "--seed", "7", "--dry-run"),
        *("--store", trained_store.uri),
    )
    assert last_line(done.stdout)["outcome"] == "insufficient_evidence"
    assert last_line(done.stdout)["version"] is None


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    done = run_training(
        *("train", "--model", "german_credit", "--dry-run", "--store", tmp_path.as_uri())
    )
    assert last_line(done.stdout)["outcome"] == "promoted"
    assert list(tmp_path.iterdir()) == []


def test_work_is_shown_as_plain_lines_where_there_is_no_terminal(tmp_path: Path) -> None:
    done = run_training(
        *("train", "--model", "german_credit", "--dry-run", "--store", tmp_path.as_uri())
    )
    assert "cross-validation: 30 of 30" in done.stderr
    assert "\x1b" not in done.stderr + done.stdout


def test_too_many_refused_rows_exit_2_and_publish_nothing(tmp_path: Path) -> None:
    frame = pd.read_parquet(GERMAN)
    frame.loc[:99, "credit_amount"] = -1
    frame.to_csv(tmp_path / "bad.csv", index=False)
    store = tmp_path / "store"
    done = run_training(
        *("train", "--model", "german_credit", "--data", str(tmp_path / "bad.csv")),
        *("--store", store.as_uri()),
    )
    assert done.returncode == 2
    assert "the contract refuses 100 of 1000 rows" in done.stderr
    assert not store.exists()


def test_refused_rows_are_counted_in_the_report(tmp_path: Path) -> None:
    frame = pd.read_parquet(GERMAN)
    frame.loc[:4, "housing"] = "tent"
    frame.to_parquet(tmp_path / "some.parquet")
    store = (tmp_path / "store").as_uri()
    arguments = ["train", "--model", "german_credit", "--data", str(tmp_path / "some.parquet")]
    assert main([*arguments, "--store", store], {}) == 0
    opened = open_store(store)
    version = load_champion(opened, GermanCredit).version
    report = json.loads(opened.read(f"versions/german_credit/{version}/report.json").data)
    assert report["data"]["refused"] == 5
    assert list(report["data"]["refusals"].values()) == [5]
    assert report["reproduce"]["command"].startswith("python -m training train --model german")
    assert [len(c["folds"]) for c in report["candidates"]] == [5] * 6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "mortgage"], "no credit model of this name"),
        (["--model", "application", "--data", "nowhere.csv"], "nowhere.csv"),
        (["--model", "application", "--store", "ftp://x"], "a store is file:///path"),
        (["--model", "application", "--store", "gs://["], "a store is file:///path"),
    ],
)
def test_unusable_arguments_exit_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", *arguments], {}) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    "option",
    [
        *(("--max-refused-share", share) for share in ("-0.1", "1", "x")),
        *(("--seed", seed) for seed in ("-1", "4294967296", "x")),
    ],
)
def test_an_option_out_of_its_range_exits_2(option: tuple[str, str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["train", "--model", "application", *option], {})
    assert caught.value.code == 2


def test_the_same_rows_in_a_file_of_another_name_are_the_same_model(
    tmp_path: Path, toy_frame: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    outcomes = []
    for name in ("rows.csv", "sp ace.parquet"):
        path = tmp_path / name
        if path.suffix == ".csv":
            toy_frame.to_csv(path, index=False)
        else:
            toy_frame.to_parquet(path, index=False)
        environment = {
            "MODEL_STORE": (tmp_path / "s").as_uri(),
            "CREDIT_MODELS": "tests.support.toy",
        }
        assert main(["train", "--model", "toy", "--data", str(path)], environment) == 0
        outcomes.append(last_line(capsys.readouterr().out)["outcome"])
    assert outcomes == ["promoted", "kept"]


def test_a_row_whose_derived_number_is_infinite_is_refused_and_listed(
    tmp_path: Path, toy_frame: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = toy_frame.copy()
    frame.loc[0, "income"] = 5e-324
    frame.to_parquet(tmp_path / "rows.parquet")
    environment = {"MODEL_STORE": (tmp_path / "s").as_uri(), "CREDIT_MODELS": "tests.support.toy"}
    arguments = ["train", "--model", "toy", "--data", str(tmp_path / "rows.parquet")]
    listed = ["--max-refused-share", "0", "--refused", str(tmp_path / "refused.csv")]
    assert main([*arguments, *listed], environment) == 2
    message = "debt_to_income: Number cannot be computed: its inputs are out of proportion (1 row,"
    assert message in capsys.readouterr().err
    refused = pd.read_csv(tmp_path / "refused.csv")
    assert refused["row"].tolist() == [1]
    assert refused["fault"][0].startswith("debt_to_income: Number cannot be computed")
    assert not (tmp_path / "s").exists()
    assert main([*arguments, "--family", "logistic", "--dry-run"], environment) == 0
    assert last_line(capsys.readouterr().out)["rows_refused"] == 1


def test_a_store_that_fails_exits_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    arguments = ["train", "--model", "german_credit", "--store", (tmp_path / "file").as_uri()]
    assert main(arguments, {}) == 1
    assert "error: " in capsys.readouterr().err


def test_a_model_from_outside_is_trained_without_editing_a_project_file(
    tmp_path: Path, toy_frame: pd.DataFrame
) -> None:
    toy_frame.to_csv(tmp_path / "toy.csv", index=False)
    arguments = ["train", "--model", "toy", "--data", str(tmp_path / "toy.csv")]
    environment = {"MODEL_STORE": (tmp_path / "s").as_uri(), "CREDIT_MODELS": "tests.support.toy"}
    assert main(arguments, environment) == 0


def test_synthetic_applications_are_written_and_can_be_trained_on(tmp_path: Path) -> None:
    for name in ("rows.csv", "rows.parquet"):
        path = tmp_path / name
        assert main(["generate", "--rows", "3000", "--output", str(path)], {}) == 0
        store = (tmp_path / "store").as_uri()
        arguments = ["train", "--model", "application", "--data", str(path), "--store", store]
        assert main([*arguments, "--dry-run"], {}) == 0


def test_synthetic_tables_are_written_and_can_be_trained_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, store = tmp_path / "tables", tmp_path / "store"
    written = ["generate", "--model", "bureau", "--rows", "3000", "--output", str(folder)]
    assert main(written, {}) == 0
    assert {p.name for p in folder.iterdir()} == {"customers.csv", "loans.csv", "bureau.csv"}
    arguments = ["train", "--model", "bureau", "--data", str(folder), "--family", "logistic"]
    assert main([*arguments, "--store", store.as_uri()], {}) == 0
    captured = capsys.readouterr()
    assert "bureau: loan_purpose: Personaal corrected (12 rows)" in captured.err
    [report] = store.rglob("report.json")
    data = json.loads(report.read_text())["data"]
    assert data["refused"] == last_line(captured.out)["rows_refused"]
    assert data["refusals"]["loan_id: Loan should be listed once"] == 3
    assert len(data["remarks"]) == 5
    assert "loan_purpose: Personaal corrected" in report.with_suffix(".html").read_text()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--output", "/dev/null/rows.csv"],
        ["--output", "rows.txt"],
        ["--rows", "0", "--output", "rows.csv"],
        ["--model", "german_credit", "--output", "rows.csv"],
        ["--model", "bureau", "--rows", "1000", "--output", "loans.csv"],
    ],
)
def test_what_cannot_be_generated_exits_2(arguments: list[str]) -> None:
    try:
        code = main(["generate", *arguments], {})
    except SystemExit as caught:
        code = int(str(caught.code))
    assert code == 2


def test_application_ranks_fresh_rows_almost_as_well_as_the_truth(
    trained_store: TrainedStore,
) -> None:
    frame = generate(20_000, seed=2_026)
    rows = check_rows(Application, frame, max_refused_share=0)
    scorer = load_champion(open_store(trained_store.uri), Application).scorer
    scored = np.array([d.probability_of_default for d in scorer.decide(rows.applications)])
    truth = frame["true_probability"].to_numpy()
    assert auc(rows.labels, scored) > auc(rows.labels, truth) - 0.01


def test_customer_ranks_fresh_rows_of_another_economy_almost_as_well_as_the_truth(
    trained_store: TrainedStore,
) -> None:
    frame = customer.generate(20_000, seed=2_026)
    rows = check_rows(Customer, frame, max_refused_share=0)
    scorer = load_champion(open_store(trained_store.uri), Customer).scorer
    scored = np.array([d.probability_of_default for d in scorer.decide(rows.applications)])
    truth = frame["true_probability"].to_numpy()
    assert auc(rows.labels, truth) > 0.82
    assert auc(rows.labels, scored) > auc(rows.labels, truth) - 0.01
    assert scored.mean() == pytest.approx(truth.mean(), abs=0.01)


def test_bureau_ranks_fresh_loans_almost_as_well_as_the_truth_and_finds_the_defaults(
    trained_store: TrainedStore,
) -> None:
    tables = bureau.generate(20_000, seed=2_026)
    frame = join(tables.by_name()).frame
    rows = check_rows(Bureau, frame, max_refused_share=0)
    champion = load_champion(open_store(trained_store.uri), Bureau)
    scored = np.array([d.probability_of_default for d in champion.scorer.decide(rows.applications)])
    truth = np.array(tables.true_probability.loc[frame["loan_id"]], dtype=np.float64)
    assert auc(rows.labels, truth) > 0.98
    assert auc(rows.labels, scored) > auc(rows.labels, truth) - 0.01
    assert scored.mean() == pytest.approx(truth.mean(), abs=0.01)
    flagged = scored >= champion.manifest.default_from
    assert rows.labels[flagged].mean() == pytest.approx(0.52, abs=0.05)  # the declared precision
    assert flagged[rows.labels == 1].mean() > 0.95


def test_the_figures_of_bureau_are_those_of_its_default_rule(trained_store: TrainedStore) -> None:
    metrics = trained_store.summaries["bureau"]["metrics"]
    assert metrics["precision"] == pytest.approx(0.52, abs=0.06)
    assert metrics["recall"] > 0.93
    assert metrics["auc"] > 0.975


def test_application_is_as_near_the_truth_as_its_true_form_fitted_to_the_same_rows(
    trained_store: TrainedStore,
) -> None:
    frame = generate(ROWS, seed=42)  # what the model was trained on: the default source
    rows = check_rows(Application, frame, max_refused_share=0)
    held = is_test(rows.hashes)
    truth = frame["true_probability"].to_numpy()[held]
    terms = compute_true_terms(frame)
    design = np.column_stack(list(terms.values()))
    true_form = LogisticRegression(C=np.inf, max_iter=10_000).fit(design[~held], rows.labels[~held])
    best = np.abs(true_form.predict_proba(design[held])[:, 1] - truth).mean()
    scorer = load_champion(open_store(trained_store.uri), Application).scorer
    untouched = [row for row, test in zip(rows.applications, held, strict=True) if test]
    scored = np.array([d.probability_of_default for d in scorer.decide(untouched)])
    assert best < 0.01
    assert np.abs(scored - truth).mean() <= 1.5 * best


def test_only_the_families_asked_for_compete(tmp_path: Path) -> None:
    families = ("--family", "scorecard", "--family", "random_forest")
    done = run_training(
        "train", "--model", "german_credit", "--store", tmp_path.as_uri(), *families
    )
    assert done.returncode == 0, done.stderr
    assert last_line(done.stdout)["family"] in {"scorecard", "random_forest"}
    [report] = tmp_path.rglob("report.json")
    document = json.loads(report.read_text())
    assert {c["family"] for c in document["candidates"]} == {"scorecard", "random_forest"}
    assert "--family scorecard --family random_forest" in document["reproduce"]["command"]


def test_a_search_is_resumed_from_its_journal_and_its_trials_are_counted(tmp_path: Path) -> None:
    words = ("train", "--model", "german_credit", "--family", "logistic", "--dry-run")
    journal = ("--journal", str(tmp_path / "journal"), "--trials")
    for trials in (1, 2):
        done = run_training(*words, *journal, str(trials))
        assert done.returncode == 0, done.stderr
        searched = last_line(done.stdout)["search"]["logistic"]
        assert (searched["trials"], searched["ended_by"]) == (trials, "trials")
    assert "search of logistic: 2 of 2" not in done.stderr  # only one of them was left to make


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("--parameters", "{"), "--parameters must be a JSON object"),
        (("--parameters", '{"scorecard": {}}'), "scorecard has no parameters; those of logistic"),
        (("--trials", "-1"), "must be from 0 to 10000, got -1"),
        (("--balance", "smote"), "invalid choice: 'smote'"),
        (("--budget", "long"), "invalid choice: 'long'"),
    ],
)
def test_wrong_words_of_a_search_are_refused_by_name(words: tuple[str, str], fault: str) -> None:
    done = run_training("train", "--model", "german_credit", "--dry-run", *words)
    assert done.returncode == 2
    assert fault in done.stderr


@pytest.mark.skipif(not SHARED_DATA.exists(), reason="the 1,000-row file is not beside this clone")
def test_where_the_truth_is_linear_the_logistic_family_is_chosen(tmp_path: Path) -> None:
    done = run_training(
        *("train", "--model", "application", "--store", tmp_path.as_uri()),
        *("--data", str(SHARED_DATA / "application_1000.parquet")),
    )
    assert last_line(done.stdout)["family"] == "logistic"


def test_commands_that_train_nothing_do_not_wait_for_trainings_libraries() -> None:
    code = "import sys, training.cli; print({'sklearn', 'optbinning', 'xgboost'} & {*sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
