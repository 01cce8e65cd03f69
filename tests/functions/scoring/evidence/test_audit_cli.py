"""The commands that read a decision log: what they print, and how they end."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from functions.scoring.evidence.audit_cli import main
from functions.scoring.evidence.decision_log import Anchors, open_private
from models.evidence.hash_chain import Seal
from models.stores.files import FileStore
from tests.functions.scoring.recording import (
    caller,
    decision_log,
    record,
    records_in,
    toy_version,
    toys,
    write_log,
)
from tests.support.google_logs import SHAPES, log_entry
from tests.support.running import REPOSITORY

KEY = "a-key-without-spaces-for-the-environment"


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DECISION_LOG_KEY", KEY)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    write_log(tmp_path / "decisions.jsonl", Seal(KEY))
    return tmp_path / "decisions.jsonl"


Output = pytest.CaptureFixture[str]


def test_a_sound_log_ends_with_0_and_its_heads(log: Path, capsys: Output) -> None:
    assert main(["audit", "verify", str(log)]) == 0
    *_, one, other, ends, summary = capsys.readouterr().out.splitlines()
    assert ends == "ends of chains not checked: give --head or --anchors"
    assert summary == "60 decisions in 20 records of 2 chains, 0 erased: 0 faults"
    heads = [line.removeprefix("head ") for line in (one, other)]
    assert main(["audit", "verify", str(log), "--head", heads[0], "--head", heads[1]]) == 0
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:-1]))
    capsys.readouterr()
    assert main(["audit", "verify", str(log), "--head", heads[0], "--head", heads[1]]) == 1
    assert "cut: after it records" in capsys.readouterr().out


def test_a_cut_tail_is_found_by_the_anchors(tmp_path: Path, capsys: Output) -> None:
    path, store = tmp_path / "log", tmp_path / "anchors"
    log = decision_log(path, Seal(KEY), Anchors(FileStore(str(store))))
    for _ in range(9):
        record(log, toy_version(), toys(2), caller())
    log.close()
    command = ["audit", "verify", str(path), "--anchors", store.as_uri()]
    assert main(command) == 0
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:6]))
    capsys.readouterr()
    assert main(command) == 1
    fault = "line 6: cut: after it records 6 to 8 are missing"
    assert capsys.readouterr().out.splitlines()[0] == fault


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["verify", "/nowhere/log"], "No such file"),
        (["verify", "{log}", "--anchors", "nowhere"], "a store is file:///path"),
        (["verify", "/dev/null"], "no decision record in /dev/null"),
        (["verify", "{log}", "--anchors", "{empty}"], "there is no anchor in this store"),
        (["replay", "{log}", "--version", "x"], "no model with decisions in this log"),
        (["erase", "{log}", "--applicant", "applicant 1", "--output", "{log}"], "File exists"),
    ],
)
def test_what_cannot_be_told_ends_with_2(
    log: Path, capsys: Output, arguments: list[str], message: str
) -> None:
    replacements = {"{log}": str(log), "{empty}": (log.parent / "empty").as_uri()}
    assert main(["audit", *(replacements.get(word, word) for word in arguments)]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("command", ["export", "erase"])
def test_nobody_is_no_applicant(log: Path, tmp_path: Path, capsys: Output, command: str) -> None:
    output = tmp_path / "erased.jsonl"
    more = ["--output", str(output)] if command == "erase" else []
    with pytest.raises(SystemExit) as ended:
        main(["audit", command, str(log), "--applicant", "", *more])
    assert ended.value.code == 2
    assert "must not be empty" in capsys.readouterr().err
    assert not output.exists()


def test_whose_records_of_another_key_are_cannot_be_told(
    log: Path, tmp_path: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DECISION_LOG_KEY", "another" * 8)
    output = tmp_path / "erased.jsonl"
    for more in (["export"], ["erase", "--output", str(output)]):
        assert main(["audit", *more, str(log), "--applicant", "applicant 3"]) == 2
        assert "made with a key that is not in DECISION_LOG_KEY" in capsys.readouterr().err
    assert not output.exists()


def test_an_erasure_of_nobody_writes_nothing(log: Path, tmp_path: Path) -> None:
    output = tmp_path / "erased.jsonl"
    arguments = ["audit", "erase", str(log), "--applicant", "nobody", "--output", str(output)]
    assert main(arguments) == 1
    assert not output.exists()


def test_what_will_hold_personal_data_is_only_its_owners(log: Path, tmp_path: Path) -> None:
    output, written = tmp_path / "erased.jsonl", tmp_path / "written.jsonl"
    main(["audit", "erase", str(log), "--applicant", "applicant 3", "--output", str(output)])
    with open_private(written, "ab"):
        pass
    assert [path.stat().st_mode & 0o777 for path in (output, written)] == [0o600, 0o600]


def test_a_record_cut_short_is_named(log: Path, capsys: Output) -> None:
    log.write_bytes(log.read_bytes()[:-50])
    assert main(["audit", "verify", str(log)]) == 0
    lines = len(log.read_bytes().splitlines())
    assert f"line {lines}: fragment of a record" in capsys.readouterr().out


def test_records_that_anybody_could_make_are_counted(
    tmp_path: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DECISION_LOG_KEY")
    write_log(tmp_path / "log", Seal())
    assert main(["audit", "verify", str(tmp_path / "log")]) == 0
    assert (
        "20 records were made without a key: anyone could have made them" in capsys.readouterr().out
    )


def test_a_head_that_is_none_is_refused(log: Path, capsys: Output) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["audit", "verify", str(log), "--head", "x"])
    assert ended.value.code == 2
    assert "a head is chain:sequence:link" in capsys.readouterr().err


def test_an_applicants_records_are_exported_and_no_others(log: Path, capsys: Output) -> None:
    assert main(["audit", "export", str(log), "--applicant", "applicant 3"]) == 0
    fault = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {r["request_id"] for r in fault} == {"r3", "r10", "r17"}
    assert all(r["inputs"]["toy"]["income"] > 0 for r in fault)
    assert main(["audit", "export", str(log), "--applicant", "nobody"]) == 1


def test_an_erased_applicant_is_gone_and_the_log_still_verifies(
    log: Path, tmp_path: Path, capsys: Output
) -> None:
    output = tmp_path / "erased.jsonl"
    arguments = ["audit", "erase", str(log), "--applicant", "applicant 3", "--output", str(output)]
    assert main(arguments) == 0
    before, after = (path.read_bytes().splitlines() for path in (log, output))
    assert len(before) == len(after)
    changed = {i for i, pair in enumerate(zip(before, after, strict=True), 1) if len(set(pair)) > 1}
    old, new = records_in(before), records_in(after)
    assert {old[i]["request_id"] for i in changed} == {"r3", "r10", "r17"}
    pairs = [
        pair
        for i in changed
        for pair in zip(old[i]["applications"], new[i]["applications"], strict=True)
    ]
    for had, has in pairs:
        assert set(had) - set(has) == {"applicant", "inputs", "features", "salt"}
        assert has["decision"] == had["decision"]
    assert f"{len(pairs)} decisions erased" in capsys.readouterr().out
    assert main(["audit", "verify", str(output)]) == 0
    assert f"{len(pairs)} erased: 0 faults" in capsys.readouterr().out
    assert main(["audit", "export", str(output), "--applicant", "applicant 3"]) == 1


@pytest.mark.parametrize("change", ["unmarked", "decision", "personal"])
def test_an_erasure_hides_no_other_change(
    log: Path, tmp_path: Path, capsys: Output, change: str
) -> None:
    output = tmp_path / "erased.jsonl"
    main(["audit", "erase", str(log), "--applicant", "applicant 3", "--output", str(output)])
    lines = output.read_bytes().splitlines(keepends=True)
    number, document = next(
        (i, r) for i, r in records_in(lines).items() if "erasure" in r["applications"][0]
    )
    erased, *others = document["applications"]
    changes: dict[str, Any] = {
        "unmarked": {"erasure": None, "erased_at": None},
        "decision": {"decision": "refer" if erased["decision"] == "approve" else "approve"},
        "personal": {"inputs": "[1.0]", "features": "AAAA", "salt": "00"},
    }
    edited = document | {"applications": [erased | changes[change], *others]}
    lines[number - 1] = json.dumps(edited).encode() + b"\n"
    output.write_bytes(b"".join(lines))
    capsys.readouterr()
    assert main(["audit", "verify", str(output)]) == 1
    place = "" if change == "decision" else ", decision 1"
    assert capsys.readouterr().out.startswith(f"line {number}{place}: ")


def test_decisions_are_exported_and_erased_by_their_ids(
    log: Path, tmp_path: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = records_in(log.read_bytes().splitlines()).values()
    members = max((record["applications"] for record in records), key=len)
    ids = [member["decision_id"] for member in members[:2]]
    chosen = [word for one in ids for word in ("--decision", one)]
    output = tmp_path / "erased.jsonl"
    assert main(["audit", "export", str(log), *chosen]) == 0
    exported = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [decision["decision_id"] for decision in exported] == ids
    assert main(["audit", "erase", str(log), *chosen, "--output", str(output)]) == 0
    out = capsys.readouterr().out
    assert "2 decisions erased" in out
    assert f"audit erase {log}.1 --decision ID --output" in out
    assert main(["audit", "verify", str(output)]) == 0
    assert "2 erased: 0 faults" in capsys.readouterr().out
    again = ["audit", "erase", str(output), *chosen, "--output", str(tmp_path / "again.jsonl")]
    assert main(again) == 1
    assert main(["audit", "export", str(log)]) == 2
    assert "name an --applicant, or decisions by --decision" in capsys.readouterr().err
    monkeypatch.delenv("DECISION_LOG_KEY")
    assert main(["audit", "erase", str(log), *chosen, "--output", str(tmp_path / "x")]) == 2
    assert "made with a key that is not in DECISION_LOG_KEY" in capsys.readouterr().err


def test_an_edited_record_is_not_erased(log: Path, tmp_path: Path, capsys: Output) -> None:
    text = log.read_text().replace('"request_id":"r3"', '"request_id":"r4"')
    log.write_text(text)
    output = tmp_path / "erased.jsonl"
    arguments = ["audit", "erase", str(log), "--applicant", "applicant 3", "--output", str(output)]
    assert main(arguments) == 2
    assert "edited: its link does not match its content" in capsys.readouterr().err
    assert not output.exists()


def test_without_the_key_nobody_is_found(
    log: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.delenv("DECISION_LOG_KEY")
    assert main(["audit", "export", str(log), "--applicant", "applicant 3"]) == 2
    assert "DECISION_LOG_KEY is not set" in capsys.readouterr().err


def test_a_key_that_was_replaced_still_makes_out_its_records(
    log: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.setenv("DECISION_LOG_KEY", f"{'new' * 12}\n{KEY}\n")
    assert main(["audit", "verify", str(log)]) == 0
    assert main(["audit", "export", str(log), "--applicant", "applicant 3"]) == 0
    capsys.readouterr()


@pytest.mark.parametrize("command", ["verify", "export"])
def test_a_short_key_is_refused_by_name_and_not_shown(
    log: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output, command: str
) -> None:
    monkeypatch.setenv("DECISION_LOG_KEY", "hunter2")
    more = ["--applicant", "x"] if command == "export" else []
    assert main(["audit", command, str(log), *more]) == 2
    printed = capsys.readouterr().err
    assert "DECISION_LOG_KEY: a key has at least 32 characters" in printed
    assert "hunter2" not in printed


def test_the_command_runs_as_documented_and_the_server_does_not_load_it(log: Path) -> None:
    run: Callable[..., subprocess.CompletedProcess[str]] = subprocess.run
    command = [sys.executable, "-m", "functions.scoring", "audit", "verify", str(log)]
    done = run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (
        0,
        "60 decisions in 20 records of 2 chains, 0 erased: 0 faults",
    )
    script = (
        "import sys, functions.scoring.app;"
        " print('functions.scoring.evidence.audit_cli' in sys.modules)"
    )
    done = run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize("shape", SHAPES)
def test_what_google_cloud_exports_is_verified_and_exported_from_and_erased_in(
    log: Path, capsys: Output, tmp_path: Path, shape: str
) -> None:
    records = list(records_in(log.read_bytes().splitlines()).values())
    folder = tmp_path / "exported"
    folder.mkdir()
    path = SHAPES[shape](records, folder)
    assert main(["audit", "verify", str(path)]) == 0
    assert "60 decisions in 20 records of 2 chains, 0 erased: 0 faults" in capsys.readouterr().out
    assert main(["audit", "export", str(path), "--applicant", "applicant 1"]) == 0
    exported = capsys.readouterr().out.splitlines()
    assert len(exported) == 7
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    for i, file in enumerate(files):
        output = tmp_path / "erased" / f"{i}.jsonl"
        output.parent.mkdir(exist_ok=True)
        main(["audit", "erase", str(file), "--applicant", "applicant 1", "--output", str(output)])
        if not output.exists():  # it holds nothing of this applicant
            output.write_bytes(file.read_bytes())
    capsys.readouterr()
    assert main(["audit", "verify", str(tmp_path / "erased")]) == 0
    assert "in 20 records of 2 chains, 7 erased: 0 faults" in capsys.readouterr().out
    assert main(["audit", "export", str(tmp_path / "erased"), "--applicant", "applicant 1"]) == 1
    # What stands around a record stays, so that it can be loaded where it came from.
    lines = (tmp_path / "erased" / "0.jsonl").read_text().splitlines()
    line = next(line for line in lines if "erased_at" in line)
    around = set(json.loads(line))
    assert around in ({"line"}, set(log_entry(records[0])))


def test_a_file_among_several_is_named(log: Path, capsys: Output) -> None:
    lines = log.read_bytes().splitlines(keepends=True)
    files = [log.with_name(name) for name in ("a.jsonl", "b.jsonl")]
    files[0].write_bytes(b"".join(lines[:20]))
    files[1].write_bytes(b"".join(lines[20:]))
    assert main(["audit", "verify", *map(str, files)]) == 0
    edited = lines[31].replace(b'"decision":"', b'"decision":"x')
    files[1].write_bytes(b"".join([*lines[20:31], edited, *lines[32:]]))
    capsys.readouterr()
    assert main(["audit", "verify", *map(str, files)]) == 1
    assert capsys.readouterr().out.startswith(f"{files[1]} line 12, decision 1: edited: ")


def test_anchors_outside_a_window_are_not_asked_for(tmp_path: Path, capsys: Output) -> None:
    path, store = tmp_path / "log", tmp_path / "anchors"
    for _ in range(2):  # two processes, of which the first has ended before the window
        log = decision_log(path, Seal(KEY), Anchors(FileStore(str(store))))
        for _ in range(3):
            record(log, toy_version(), toys(1), caller())
        log.close()
    lines = path.read_bytes().splitlines(keepends=True)
    since = json.loads(lines[3])["decided_at"]
    path.write_bytes(b"".join(lines[3:]))
    command = ["audit", "verify", str(path), "--anchors", store.as_uri()]
    assert main(command) == 1
    assert main([*command, "--from", since]) == 0
    path.write_bytes(b"".join(lines[3:5]))
    assert main([*command, "--from", since]) == 1
    assert main([*command, "--from", "2000-01-01", "--to", "2000-01-02"]) == 2
    assert "within --from, --to and --model" in capsys.readouterr().err


def test_a_faulty_time_is_named(log: Path, capsys: Output) -> None:
    with pytest.raises(SystemExit):
        main(["audit", "verify", str(log), "--from", "yesterday"])
    assert "must be a time such as 2026-11-21" in capsys.readouterr().err
