from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.calibration import BetaCalibration
from models.contract import name_from_model
from models.errors import DataError, PointerMovedError
from models.estimators.families import Family
from models.gate_policy import Floor, GatePolicy
from models.registry.pointer import Author, Challenger, challenge, promote, read_pointer
from models.registry.serving import load_champion
from models.registry.versions import publish
from models.scorer import Scorer
from models.stores.store import Store
from models.stores.uri import open_store
from tests.support.monitored import toy_rows
from tests.support.toy import Toy
from training.gates import EVIDENCE_GATE
from training.golden_rows import draw_golden_rows
from training.promotion import PassedOver, judge, release, select_family, share_alpha
from training.reading.options import DataOptions
from training.reading.row_validation import check_rows
from training.reporting.version_comparison import read_report
from training.run import Prepared, Trained, TrainingJob, finish, prepare, train
from training.split import is_test

pytestmark = pytest.mark.trained

NOW = datetime(2026, 11, 21, tzinfo=UTC)
AUTHOR = Author(who="tester", when=NOW)


def trained_on(frame: pd.DataFrame, folder: Path, seed: int = 1) -> Trained:
    path = folder / "rows.parquet"
    frame.to_parquet(path)
    job = TrainingJob(
        model=Toy,
        data=DataOptions(values={"data": str(path)}),
        seed=seed,
        threads=2,
        max_refused_share=0.01,
    )
    return train(job)


def misled(frame: pd.DataFrame) -> pd.DataFrame:
    """The same rows, but nine in ten of the outcomes that a model is fitted to are shuffled."""
    random = np.random.default_rng(2)
    labels = frame["is_default"].to_numpy().copy()
    fitted = ~is_test(check_rows(Toy, frame, 0).hashes) & (random.random(len(frame)) < 0.9)
    labels[fitted] = random.permutation(labels[fitted])
    return frame.assign(is_default=labels)


def overconfident(trained: Trained) -> bytes:
    """The same model with log-odds doubled: it ranks as well and fits worse."""
    doubled = BetaCalibration(a=2.0, b=2.0)
    scorer = Scorer.from_catalogue(
        Toy, trained.bundle.estimator, doubled, trained.bundle.baseline, trained.scorer.policy
    )
    manifest = trained.bundle.manifest.model_copy(update={"calibration": doubled})
    golden = draw_golden_rows(scorer, trained.data.rows.columns, seed=1)
    return replace(trained.bundle, manifest=manifest, golden=golden).to_bytes()


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return trained_on(toy_rows(12_000), tmp_path_factory.mktemp("good"))


@pytest.fixture(scope="module")
def worse(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return trained_on(misled(toy_rows(12_000)), tmp_path_factory.mktemp("worse"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store((tmp_path / "store").as_uri())


def test_the_first_model_that_passes_goes_live(good: Trained, store: Store) -> None:
    verdict = judge(good, store)
    version = release(good, verdict, store, AUTHOR)
    assert verdict.outcome == "promoted"
    assert load_champion(store, Toy).version == version
    assert {Path(name).name for name in store.names("versions/")} == {
        *("bundle.zip", "reference.json", "report.html", "report.json")
    }


def test_the_same_model_again_is_kept(good: Trained, store: Store) -> None:
    first = release(good, judge(good, store), store, AUTHOR)
    verdict = judge(good, store)
    assert verdict.outcome == "kept"
    assert release(good, verdict, store, AUTHOR) == first
    assert read_pointer(store, "toy").sequence == 1


def test_a_run_that_ended_before_promoting_is_finished_by_the_next(
    good: Trained, store: Store
) -> None:
    promote(store, "toy", publish(store, "toy", overconfident(good), {}, NOW), AUTHOR)
    published = publish(store, "toy", good.bundle.to_bytes(), {}, NOW)
    verdict = judge(good, store)
    assert verdict.outcome == "promoted"
    assert release(good, verdict, store, AUTHOR) == published.version
    assert load_champion(store, Toy).version == published.version


@pytest.mark.parametrize("first", [True, False])
def test_a_model_is_not_promoted_over_a_champion_it_was_not_judged_against(
    good: Trained, store: Store, *, first: bool
) -> None:
    if not first:
        promote(store, "toy", publish(store, "toy", overconfident(good), {}, NOW), AUTHOR)
    verdict = judge(good, store)
    assert verdict.outcome == "promoted"
    rival = publish(store, "toy", b"another run's model", {}, NOW)
    promote(store, "toy", rival, AUTHOR)
    with pytest.raises(PointerMovedError, match="tester moved the pointer of toy first"):
        release(good, verdict, store, AUTHOR)
    assert read_pointer(store, "toy").champion == rival


def test_a_challenge_while_a_model_is_judged_does_not_hinder_its_promotion(
    good: Trained, store: Store
) -> None:
    champion = publish(store, "toy", overconfident(good), {}, NOW)
    promote(store, "toy", champion, AUTHOR)
    verdict = judge(good, store)
    challenger = Challenger(version=publish(store, "toy", b"another", {}, NOW), share=0.1)
    challenge(store, "toy", challenger, AUTHOR)
    version = release(good, verdict, store, AUTHOR)
    pointer = read_pointer(store, "toy")
    assert (pointer.champion.version, pointer.previous) == (version, champion)
    assert pointer.challenger == challenger


def test_the_report_says_what_was_decided_and_compares_with_the_champion(
    good: Trained, store: Store
) -> None:
    champion = publish(store, "toy", overconfident(good), {}, NOW)
    promote(store, "toy", champion, AUTHOR)
    version = release(good, judge(good, store), store, AUTHOR)
    document = read_report(store, "toy", version)
    identity = document["identity"]
    assert (identity["version"], identity["champion"]) == (version, champion.version)
    assert (identity["outcome"], identity["run_by"]) == ("promoted", "tester")
    assert [gate["name"] for gate in document["gates"]][-1] == EVIDENCE_GATE
    assert document["champion"]["rows"] == len(good.test.labels)
    # Doubled log-odds rank alike, so at the same approval rate both approve the same applicants.
    at_the_same_rate = {c["name"]: c["rows"] for c in document["champion"]["swap_sets"][1]["cells"]}
    assert at_the_same_rate["only by the new version"] == 0
    assert document["champion"]["log_loss"]["value"] < 0


def test_a_former_champion_is_not_promoted_by_being_trained_again(
    good: Trained, store: Store
) -> None:
    release(good, judge(good, store), store, AUTHOR)
    promote(store, "toy", publish(store, "toy", overconfident(good), {}, NOW), AUTHOR)
    assert judge(good, store).outcome == "kept"


def test_a_worse_model_never_goes_live(good: Trained, worse: Trained, store: Store) -> None:
    release(good, judge(good, store), store, AUTHOR)
    verdict = judge(worse, store)
    release(worse, verdict, store, AUTHOR)
    assert verdict.outcome == "rejected"
    assert {gate.name for gate in verdict.gates if not gate.passed} >= {
        "auc_not_worse_than_champion",
        "log_loss_not_worse_than_champion",
    }
    assert load_champion(store, Toy).manifest == good.bundle.manifest
    assert len(store.names("versions/")) == 8


def test_a_better_model_replaces_the_champion(good: Trained, store: Store) -> None:
    promote(store, "toy", publish(store, "toy", overconfident(good), {}, NOW), AUTHOR)
    verdict = judge(good, store)
    release(good, verdict, store, AUTHOR)
    assert verdict.outcome == "promoted"
    assert load_champion(store, Toy).manifest == good.bundle.manifest


def test_a_replacement_needs_enough_evidence(
    toy_frame: pd.DataFrame, store: Store, tmp_path: Path
) -> None:
    first, second = (trained_on(toy_frame, tmp_path, seed) for seed in (1, 2))
    release(first, judge(first, store), store, AUTHOR)
    verdict = judge(second, store)
    assert verdict.outcome == "insufficient_evidence"
    [evidence] = [gate for gate in verdict.gates if gate.name == "enough_evidence_to_replace"]
    assert not evidence.passed


def test_a_first_model_no_better_than_chance_is_published_but_not_promoted(
    toy_frame: pd.DataFrame, store: Store, tmp_path: Path
) -> None:
    random = np.random.default_rng(4)
    labels = random.permutation(toy_frame["is_default"].to_numpy())
    chance = trained_on(toy_frame.assign(is_default=labels), tmp_path)
    verdict = judge(chance, store)
    release(chance, verdict, store, AUTHOR)
    assert verdict.outcome == "rejected"
    assert store.names("champions/") == []
    assert len(store.names("versions/")) == 4


@pytest.mark.parametrize("rows", [1, 150])
def test_too_few_outcomes_of_a_kind_are_no_data(rows: int, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="at least 20 of each are needed"):
        trained_on(toy_rows(rows), tmp_path)


def test_a_champion_that_must_be_refused_defends_nothing(
    good: Trained, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    version = publish(store, name_from_model(Toy), b"no bundle", {}, NOW)
    promote(store, "toy", version, AUTHOR)
    assert judge(good, store).outcome == "promoted"
    assert "champion is refused and cannot be compared" in capsys.readouterr().err


def test_judging_writes_nothing(good: Trained, store: Store) -> None:
    judge(good, store)
    assert store.names("") == []


def test_a_champion_damaged_in_the_bucket_is_replaced_by_the_next_run(
    good: Trained, store: Store
) -> None:
    damaged = release(good, judge(good, store), store, AUTHOR)
    name = f"versions/toy/{damaged}/bundle.zip"
    stored = store.read(name)
    store.replace(name, stored.data[:-1] + b"x", stored.generation)
    later = replace(AUTHOR, when=AUTHOR.when + timedelta(days=1))
    verdict = judge(good, store)
    healed = release(good, verdict, store, later)
    assert verdict.outcome == "promoted"
    assert healed != damaged
    assert load_champion(store, Toy).version == healed


class Picky(Toy):
    """The toy model, of which only a formula is light enough."""

    gate_policy = GatePolicy(most_steps=600)


class Demanding(Toy):
    """The toy model, whose policy asks for more than its data can give."""

    gate_policy = GatePolicy(floors=(Floor(figure="auc", least=0.99),))


def prepared_for(model: type[Toy], frame: pd.DataFrame, folder: Path) -> Prepared:
    frame.to_parquet(folder / "rows.parquet")
    families: tuple[Family, ...] = ("logistic", "xgboost")
    job = TrainingJob(
        model=model,
        data=DataOptions(values={"data": str(folder / "rows.parquet")}),
        seed=1,
        threads=2,
        max_refused_share=0.01,
        families=families,
    )
    return prepare(job)


def test_a_winner_that_fails_gives_way_to_the_next_family_that_passes(
    toy_frame: pd.DataFrame, store: Store, tmp_path: Path
) -> None:
    prepared = prepared_for(Picky, toy_frame, tmp_path)
    trees_first = sorted(prepared.families, key=lambda r: r.candidate.family != "xgboost")
    selection = select_family(replace(prepared, families=tuple(trees_first)), store)
    assert selection.trained.manifest.family == "logistic"
    assert selection.verdict.outcome == "promoted"
    assert selection.passed_over == (PassedOver("xgboost", ("served_form_is_light",)),)


def test_a_run_in_which_no_family_passes_reports_the_best_one_and_the_others(
    toy_frame: pd.DataFrame, store: Store, tmp_path: Path
) -> None:
    prepared = prepared_for(Demanding, toy_frame, tmp_path)
    best, other = (result.candidate.family for result in prepared.families)
    selection = select_family(prepared, store)
    assert (selection.trained.manifest.family, selection.verdict.outcome) == (best, "rejected")
    assert [gate.name for gate in selection.verdict.failures] == ["floor[auc]"]
    assert selection.passed_over == (PassedOver(other, ("floor[auc]",)),)


def test_a_lack_of_evidence_lets_no_other_family_try(
    toy_frame: pd.DataFrame, store: Store, tmp_path: Path
) -> None:
    prepared = prepared_for(Toy, toy_frame, tmp_path)
    first, second = (finish(prepared, result) for result in prepared.families)
    release(second, judge(second, store), store, AUTHOR)
    selection = select_family(prepared, store)
    assert selection.verdict.outcome == "insufficient_evidence"
    assert selection.trained.manifest == first.manifest
    assert selection.passed_over == ()


@pytest.mark.parametrize(("families", "first"), [(1, 1.0), (2, 0.5), (5, 0.5)])
def test_families_share_the_probability_of_error(families: int, first: float) -> None:
    shares = share_alpha(families)
    assert (len(shares), shares[0]) == (families, first)
    assert sum(shares) == pytest.approx(1)
