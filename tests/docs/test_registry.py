"""The guide to versions and the pointer: its commands run, and are all that there are."""

import re
import shlex
import subprocess

import pytest

from tests.docs.markdown import commands, page, rows
from tests.support.running import REPOSITORY, TrainedStore, run_training

TEXT = page("registry")
COMMANDS = TEXT.partition("## What is in the bucket")[0]
NOT_OF_THE_BUCKET = {
    *("inspect", "evaluate", "train", "generate", "outcomes", "monitor"),
    *("ingest", "quality", "features", "snapshot", "review", "warehouse", "export"),
}


@pytest.mark.parametrize("command", commands(TEXT))
def test_every_command_of_the_guide_runs(
    command: str, trained_store: TrainedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL_STORE", trained_store.uri)
    words = shlex.split(command)
    done = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert "german_credit" in done.stdout


def test_the_table_has_every_command_of_the_bucket() -> None:
    usage = run_training("--help").stdout
    existing = set(re.findall(r"^    ([a-z]+)\b", usage, re.MULTILINE)) - NOT_OF_THE_BUCKET
    documented = {cells[0].strip("`").split()[0] for cells in rows(COMMANDS)}
    assert documented == existing
    assert len(existing) == 11
