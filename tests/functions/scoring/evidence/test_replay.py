"""Recorded decisions are made again from their features alone, bit by bit.

`make soak` replays 10,000 decisions of each kind of estimator, `make test` 1,000.
"""

import json
from binascii import a2b_base64
from pathlib import Path

import numpy as np
import pytest

from functions.scoring.evidence.audit_cli import main
from functions.scoring.evidence.replay import replay
from models.evidence.hash_chain import Seal
from models.evidence.log_reader import LogLine
from models.registry.bundle import Bundle, Golden
from models.registry.pointer import Author, promote
from models.registry.serving import LoadedVersion, load_champion
from models.registry.versions import publish
from models.scorer import Scorer
from models.stores.files import FileStore
from tests.functions.scoring.recording import (
    caller,
    decision_log,
    decisions_logged,
    record,
    toy_bundle,
    toys,
)
from tests.models.conftest import BASELINE, CALIBRATION, NOW, POLICY, build_toy_trees
from tests.support.counts import counts
from tests.support.toy import Toy

pytestmark = pytest.mark.soak

DECISIONS = counts().replayed_decisions
Output = pytest.CaptureFixture[str]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FileStore:
    monkeypatch.setenv("MODEL_STORE", (tmp_path / "store").as_uri())
    monkeypatch.setenv("CREDIT_MODELS", "tests.support.toy")
    return FileStore(str(tmp_path / "store"))


def published(store: FileStore, bundle: Bundle) -> LoadedVersion:
    version = publish(store, "toy", bundle.to_bytes(), {}, NOW)
    promote(store, "toy", version, Author("tester", NOW))
    return load_champion(store, Toy)


def bundle_of_trees() -> Bundle:
    estimator, formula = build_toy_trees(), toy_bundle()
    scorer = Scorer.from_catalogue(Toy, estimator, CALIBRATION, BASELINE, POLICY)
    rows = [Toy.model_validate(row) for row in formula.golden.applications]
    answers = tuple(scorer.log_odds(rows).tolist())
    golden = Golden(applications=formula.golden.applications, log_odds=answers)
    manifest = formula.manifest.model_copy(update={"family": "xgboost"})
    return Bundle(manifest, estimator, golden, BASELINE)


@pytest.mark.parametrize("kind", ["formula", "trees"])
def test_a_version_makes_every_one_of_its_decisions_again(
    store: FileStore, tmp_path: Path, capsys: Output, kind: str
) -> None:
    loaded = published(store, toy_bundle() if kind == "formula" else bundle_of_trees())
    path = tmp_path / "decisions.jsonl"
    log = decision_log(path, Seal())
    for start in range(0, DECISIONS, 500):
        record(log, loaded, toys(500, seed=start), caller(f"r{start}"))
    capsys.readouterr()
    assert main(["audit", "replay", str(path), "--version", loaded.version]) == 0
    assert capsys.readouterr().out == (
        f"{DECISIONS} decisions replayed by toy {loaded.version}, 0 skipped: "
        "0 flips, 0 differences in its own decisions\n"
    )
    assert len({d["probability_of_default"] for d in decisions_logged(path)}) > 2


def test_inputs_that_were_masked_are_not_needed(store: FileStore, tmp_path: Path) -> None:
    loaded = published(store, toy_bundle())
    path = tmp_path / "log"
    record(decision_log(path), loaded, toys(50), caller())
    masked = [
        LogLine(i, b"", decision | {"inputs": None})
        for i, decision in enumerate(decisions_logged(path))
    ]
    assert (replay(masked, loaded).replayed, replay(masked, loaded).differences) == (50, [])


def test_the_probability_is_the_recorded_one_to_the_last_bit(
    store: FileStore, tmp_path: Path
) -> None:
    loaded = published(store, toy_bundle())
    path = tmp_path / "log"
    # A tenth of these have debts of exactly three tenths of income, where the formula has its step.
    rows = [row.model_copy(update={"debt": row.income * 0.3}) for row in toys(500)]
    record(decision_log(path), loaded, rows, caller())
    logged = decisions_logged(path)
    matrix = np.array([np.frombuffer(a2b_base64(r["features"]), "<f4") for r in logged])
    again = loaded.scorer.decisions_from_matrix(matrix.astype(np.float64))
    assert [d.probability_of_default for d in again] == [
        r["probability_of_default"] for r in logged
    ]


def test_another_version_shows_the_decisions_it_would_change(
    store: FileStore, tmp_path: Path, capsys: Output
) -> None:
    old, new = published(store, toy_bundle()), published(store, toy_bundle(weight=2.0))
    path = tmp_path / "decisions.jsonl"
    rows = toys(200)
    log = decision_log(path, Seal())
    for row in rows:
        record(log, old, [row], caller())
    capsys.readouterr()
    before = [d.decision for d in old.scorer.decide(rows)]
    after = [d.decision for d in new.scorer.decide(rows)]
    flipped = [i for i, pair in enumerate(zip(before, after, strict=True)) if len(set(pair)) == 2]
    assert main(["audit", "replay", str(path), "--version", new.version]) == 1
    *flips, summary = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in flips] == [f"line {i + 1}" for i in flipped] != []
    assert f"{before[flipped[0]]} -> {after[flipped[0]]}" in flips[0]
    assert summary.endswith(f"{len(flipped)} flips, 0 differences in its own decisions")


def test_a_recorded_probability_that_its_version_does_not_give_is_a_difference(
    store: FileStore, tmp_path: Path
) -> None:
    loaded = published(store, toy_bundle())
    path = tmp_path / "log"
    record(decision_log(path), loaded, toys(5), caller())
    changed = decisions_logged(path)[0] | {"probability_of_default": 0.123}
    assert len(replay([LogLine(1, b"", changed)], loaded).differences) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"features": "AAAA"}, "its features are not readable"),
        ({"features": "AAAAAA=="}, "it has 1 features, the version reads 8"),
        ({"probability_of_default": 1.5}, "it has no probability"),
    ],
)
def test_a_record_that_cannot_be_replayed_is_named(
    store: FileStore, tmp_path: Path, capsys: Output, change: dict[str, object], message: str
) -> None:
    loaded = published(store, toy_bundle())
    path = tmp_path / "log"
    record(decision_log(path), loaded, toys(1), caller())
    path.write_text(json.dumps(decisions_logged(path)[0] | change))
    assert main(["audit", "replay", str(path), "--version", loaded.version]) == 2
    assert f"line 1: {message}" in capsys.readouterr().err


def test_other_models_and_erased_records_are_passed_over(store: FileStore, tmp_path: Path) -> None:
    loaded = published(store, toy_bundle())
    path = tmp_path / "log"
    record(decision_log(path), loaded, toys(1), caller())
    [decision] = decisions_logged(path)
    others: list[dict[str, object]] = [{"model": "other"}, {"contract": "0"}, {"features": None}]
    logged = replay([LogLine(1, b"", decision | other) for other in others], loaded)
    assert (logged.replayed, logged.skipped) == (0, 3)
