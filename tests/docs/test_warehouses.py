"""The guide to scores in a warehouse: its command and its code run, and its tables are complete."""

import re
import shlex
import subprocess
import sys

import pytest

from tests.docs.markdown import blocks, commands, page, rows
from tests.support.running import REPOSITORY, run_training
from training.scoring_sql.statement import RESULTS

TEXT = page("warehouses")


def test_the_command_and_the_code_of_the_guide_run(
    made_store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL_STORE", made_store)
    [command], [code] = commands(TEXT), blocks(TEXT, "python")
    words = shlex.split(command)
    for done in (
        [sys.executable, *words[1:]],
        [sys.executable, "-c", code],
    ):
        result = subprocess.run(done, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    lines = [line.split() for line in result.stdout.splitlines()]
    assert [line[0] for line in lines] == ["L1", "L2"]
    assert lines[0][1] == "0.5000"


def test_every_option_and_every_column_is_in_a_table() -> None:
    documented = {cells[0] for cells in rows(TEXT)}
    usage = run_training("export-sql", "--help").stdout
    options = set(re.findall(r"^  (--[a-z]+)", usage, re.MULTILINE)) - {
        "--model",
        "--store",
        "--output",
    }
    assert options == {cell.strip("`").split()[0] for cell in documented if cell.startswith("`--")}
    columns = {name for cell in documented for name in re.findall(r"`([a-z_]+)`", cell)}
    assert columns >= set(RESULTS)
