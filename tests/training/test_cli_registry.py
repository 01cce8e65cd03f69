"""The registry from the shell, on a store with two real versions."""

import json
import re
import shutil
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from models.catalogue.german_credit import GermanCredit
from models.gate_policy import GatePolicy
from models.registry.bundle import bundle_from_bytes, scorer_from_bundle
from models.registry.pointer import read_pointer
from models.registry.versions import read_by_name
from models.stores.uri import open_store
from tests.support.contract_rows import random_rows
from tests.support.running import last_line, run_training
from training.cli import main
from training.cli_registry import find_author

pytestmark = pytest.mark.trained


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A store whose champion is a logistic regression, and where a scorecard was published."""
    folder = tmp_path_factory.mktemp("published")
    names = []
    for family in ("logistic", "scorecard"):
        done = run_training(
            *("train", "--model", "german_credit", "--store", folder.as_uri()),
            *("--family", family),
        )
        assert done.returncode == 0, done.stderr
        names.append(str(last_line(done.stdout)["version"]))
    return folder, names


@pytest.fixture
def store(published: tuple[Path, list[str]], tmp_path: Path) -> Path:
    shutil.copytree(published[0], tmp_path / "store")
    return tmp_path / "store"


@pytest.fixture
def versions(published: tuple[Path, list[str]]) -> list[str]:
    return published[1]


def command(store: Path, *words: str) -> int:
    name, *rest = words
    return main([name, "--model", "german_credit", "--store", store.as_uri(), *rest], {})


def promote_by_hand(store: Path, version: str, *options: str) -> int:
    reason = ("--reason", "a person decides")
    return command(store, "promote", "--version", version, *reason, *options)


def read_summary(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    summary: dict[str, object] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return summary


def test_versions_are_listed_with_their_figures_and_who_moved_the_pointer(
    store: Path, versions: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(store, "versions") == 0
    listed = capsys.readouterr().out
    assert [listed.index(v) > 0 for v in versions] == [True, True]
    assert re.search(rf"{versions[0]} .* champion .* logistic .* 0\.\d{{4}}", listed)
    assert re.search(rf"{versions[1]} .* scorecard .* 0\.\d{{4}}", listed)
    assert re.search(r"pointer: moved 1 times, last 20\d\d-.* UTC by \w+", listed)


def test_a_version_without_figures_is_listed(
    made_store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["versions", "--model", "german_credit", "--store", made_store], {}) == 0
    assert re.search(r" champion .* - ", capsys.readouterr().out)


def test_a_version_is_shown_with_where_it_comes_from(
    store: Path, versions: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(store, "show") == 0
    champion = capsys.readouterr().out
    assert versions[0] in champion
    assert "data_sha256" in champion
    assert command(store, "show", "--version", versions[1]) == 0
    assert "scorecard" in capsys.readouterr().out


def test_promote_roll_back_challenge_and_retire_move_the_pointer(
    store: Path, versions: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(store, "promote", "--version", versions[1]) == 1
    text = " ".join(capsys.readouterr().err.split())
    assert f"the outcome of {versions[1]} was insufficient_evidence, and it failed" in text
    assert "enough_evidence_to_replace" in text
    assert text.endswith("to promote it all the same, give a reason; use --reason")
    assert promote_by_hand(store, versions[1]) == 0
    captured = capsys.readouterr()
    assert "promoted by hand: the outcome of" in captured.err
    assert json.loads(captured.out.splitlines()[-1])["outcome"] == "promoted"
    assert command(store, "rollback") == 1
    text = " ".join(capsys.readouterr().err.split())
    assert f"would make {versions[0]} the champion of german_credit again" in text
    assert f"instead of {versions[1]}; to do so, add --version {versions[0]}" in text
    assert command(store, "rollback", "--version", versions[0]) == 0
    assert read_summary(capsys)["sequence"] == 3
    assert command(store, "rollback", "--version", versions[0]) == 1
    assert f"but {versions[1]} is" in " ".join(capsys.readouterr().err.split())
    pointer = read_pointer(open_store(store.as_uri()), "german_credit")
    assert (pointer.champion.version, pointer.sequence) == (versions[0], 3)
    assert command(store, "challenge", "--version", versions[1], "--share", "0.25") == 0
    pointer = read_pointer(open_store(store.as_uri()), "german_credit")
    assert pointer.challenger
    assert (pointer.challenger.version.version, pointer.challenger.share) == (versions[1], 0.25)
    assert command(store, "retire") == 0
    assert read_summary(capsys)["challenger"] is None


def test_the_history_has_every_move_with_who_and_why(
    store: Path, versions: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert promote_by_hand(store, versions[1], "--approved-by", "somebody else") == 0
    assert command(store, "rollback", "--version", versions[0], "--reason", "[complaints]") == 0
    capsys.readouterr()
    assert command(store, "history") == 0
    out = capsys.readouterr().out
    back, by_hand, first = json.loads(out.splitlines()[-1])["moves"]
    assert (back["action"], back["reason"]) == ("roll_back", "[complaints]")
    assert (by_hand["reason"], by_hand["approved_by"]) == ("a person decides", "somebody else")
    assert "enough_evidence_to_replace" in by_hand["failed"]
    assert (first["reason"], first["failed"]) == ("every gate passed", [])
    assert "[complaints]" in out


def test_the_history_of_a_model_without_a_champion_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(tmp_path / "empty", "history") == 1
    assert "its pointer was never moved" in capsys.readouterr().err


def test_nobody_approves_their_own_promotion(
    store: Path, versions: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    user = find_author().who
    assert promote_by_hand(store, versions[1], "--approved-by", user) == 1
    text = " ".join(capsys.readouterr().err.split())
    assert f"{user} moves the pointer, so somebody else must approve; use --approved-by" in text


def test_a_policy_may_ask_for_a_second_person(
    store: Path,
    versions: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(GermanCredit, "gate_policy", GatePolicy(second_person=True))
    assert promote_by_hand(store, versions[1]) == 1
    text = " ".join(capsys.readouterr().err.split())
    assert "asks for a second person who approves; use --approved-by" in text
    assert promote_by_hand(store, versions[1], "--approved-by", "somebody else") == 0


def test_outcome_and_gates_are_listed_and_shown(
    store: Path, versions: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(store, "versions") == 0
    listed = capsys.readouterr().out
    assert re.search(rf"{versions[0]} .* champion .* promoted ", listed)
    assert re.search(rf"{versions[1]} .* insufficient_evidence ", listed)
    assert command(store, "show", "--version", versions[1]) == 0
    shown_text = " ".join(capsys.readouterr().out.split())
    assert "failed (refuse): " in shown_text
    assert re.search(r"documented_signs_hold . passed: 2 signed features checked", shown_text)
    (store / "versions" / "german_credit" / versions[1] / "report.json").unlink()
    assert command(store, "show", "--version", versions[1]) == 0
    assert "unknown: no report" in " ".join(capsys.readouterr().out.split())


def test_what_cannot_be_done_exits_1_and_says_why(
    store: Path, versions: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(store, "rollback") == 1
    assert "no previous champion" in capsys.readouterr().err
    assert command(store, "retire") == 1
    assert command(store, "promote", "--version", "nonsense") == 1
    assert "is not a version name" in capsys.readouterr().err
    assert command(store, "promote", "--version", "20200101T000000Z-000000000000") == 1
    assert command(store, "challenge", "--version", versions[0]) == 1
    assert "is the champion" in capsys.readouterr().err


def test_verify_of_a_store_without_versions_is_no_success(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(tmp_path / "empty", "verify") == 1
    text = " ".join(capsys.readouterr().err.split())
    assert "has no version of german_credit" in text


def test_a_damaged_version_is_not_rolled_back_to(
    store: Path, versions: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert promote_by_hand(store, versions[1]) == 0
    before = read_pointer(open_store(store.as_uri()), "german_credit")
    bundle = store / "versions" / "german_credit" / versions[0] / "bundle.zip"
    data = bytearray(bundle.read_bytes())
    data[len(data) // 2] ^= 1
    bundle.write_bytes(data)
    capsys.readouterr()
    assert command(store, "verify") == 1
    assert command(store, "rollback", "--version", versions[0]) == 1
    assert "the sha256 of its bundle begins with" in " ".join(capsys.readouterr().err.split())
    assert read_pointer(open_store(store.as_uri()), "german_credit") == before


def test_verify_finds_what_is_not_as_published(
    store: Path, versions: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(store, "verify") == 0
    assert capsys.readouterr().out.count("as published") == 2
    bundle = store / "versions" / "german_credit" / versions[1] / "bundle.zip"
    bundle.write_bytes(bundle.read_bytes()[:-1])
    assert command(store, "verify") == 1
    captured = capsys.readouterr()
    assert captured.out.count("as published") == 1
    assert "the sha256 of its bundle begins with" in " ".join(captured.out.split())
    assert "1 of the versions of german_credit must not be served" in captured.err
    assert command(store, "promote", "--version", versions[1]) == 1


def test_prune_keeps_the_champion(
    store: Path, versions: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(store, "prune", "--keep", "1") == 0
    assert read_summary(capsys)["removed"] == []
    assert promote_by_hand(store, versions[1]) == 0
    assert command(store, "prune", "--keep", "1") == 0
    assert read_summary(capsys)["removed"] == []  # the other one is what a roll-back would need


@pytest.mark.parametrize("option", [("prune", "--keep", "0"), ("challenge", "--share", "1")])
def test_an_option_out_of_its_range_exits_2(store: Path, option: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as exited:
        command(store, *option)
    assert exited.value.code == 2


def test_variants_are_compared_from_the_decision_log(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def record(variant: str, score: int, decision: str) -> str:
        return json.dumps(
            {
                "record": "decision",
                "model": "german_credit",
                "variant": variant,
                "model_version": f"version [/x] of the {variant}",
                "credit_score": score,
                "probability_of_default": 0.25,
                "decision": decision,
            }
        )

    lines = [record("champion", 500 + i, "approve") for i in range(100)]
    lines += [record("challenger", 600, d) for d in ("approve", "decline", "decline", "refer")]
    lines += ['{"message": "model loaded"}', "Traceback", lines[0][:40], "[]", "[" * 100_000]
    for member, value in (("credit_score", "600"), ("variant", ["x"]), ("credit_score", 10**400)):
        lines.append(json.dumps(json.loads(lines[0]) | {member: value}))
    lines.append(lines[0].replace("500", "NaN"))
    log = tmp_path / "decisions.log"
    log.write_text("\n".join(lines))
    assert command(store, "compare", "--log", str(log)) == 0
    challenger, champion = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (champion["decisions"], champion["scores"]["0.5"]) == (100, 549.5)
    assert challenger["shares"] == {"approve": 0.25, "refer": 0.25, "decline": 0.5}
    log.write_text("")
    assert command(store, "compare", "--log", str(log)) == 2
    assert command(store, "compare", "--log", str(tmp_path / "none")) == 2


def test_a_trained_version_scores_in_sql_as_it_is_served(
    store: Path, versions: list[str], tmp_path: Path
) -> None:
    rows = random_rows(GermanCredit, 500, np.random.default_rng(2))
    applications = [GermanCredit.model_validate(row) for row in rows]
    for version in versions:
        output = tmp_path / f"{version}.sql"
        options = ("--version", version, "--dialect", "duckdb", "--table", "loans", "--key", "id")
        assert command(store, "export-sql", *options, "--output", str(output)) == 0
        data = read_by_name(open_store(store.as_uri()), "german_credit", version)[1]
        expected = scorer_from_bundle(bundle_from_bytes(data), GermanCredit).decide(applications)
        with duckdb.connect() as database:
            columns = {name: [row[name] for row in rows] for name in rows[0]}
            database.register("arrow", pa.table(columns | {"id": list(range(len(rows)))}))
            database.execute("CREATE TABLE loans AS SELECT * FROM arrow")
            results = database.execute(output.read_text()).fetchall()
        for (_, probability, score, _, decision, *_), wanted in zip(
            sorted(results), expected, strict=True
        ):
            assert probability == pytest.approx(wanted.probability_of_default, rel=0, abs=1e-9)
            assert (score, decision) == (round(wanted.credit_score), wanted.decision)
