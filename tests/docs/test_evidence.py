"""The guide to the decision log: its command runs, its table has every command."""

import shlex
import subprocess
from pathlib import Path

from functions.scoring.evidence.decision_log import ANCHOR_RECORDS, ANCHOR_SECONDS
from models.evidence.hash_chain import Seal
from tests.docs.markdown import commands, normalised, page, rows
from tests.functions.scoring.recording import write_log
from tests.support.running import REPOSITORY

TEXT = page("evidence")
KEY = "a-key-of-this-test-that-is-long-enough"


def test_the_command_of_the_guide_runs(tmp_path: Path) -> None:
    [command] = commands(TEXT)
    log = tmp_path / "decisions.jsonl"
    write_log(log, Seal(KEY))
    done = subprocess.run(
        shlex.split(command.replace("var/decisions.jsonl", str(log))),
        cwd=REPOSITORY,
        env={"DECISION_LOG_KEY": KEY},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "decisions in 20 records of 2 chains, 0 erased: 0 faults" in done.stdout
    assert done.returncode == 0


def test_the_table_has_every_command() -> None:
    documented = [cells[0].split()[1] for cells in rows(TEXT) if cells[0].startswith("`audit ")]
    assert documented == ["verify", "replay", "export", "erase"]


def test_anchors_are_as_frequent_as_the_guide_says() -> None:
    text = f"every {ANCHOR_RECORDS:,} records or {ANCHOR_SECONDS:g} seconds"
    assert text in normalised(TEXT)
