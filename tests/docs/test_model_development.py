"""The guide to model development: its commands run, and its figures are those of a report."""

import re
import shlex
import subprocess
from typing import Any

import numpy as np
import pytest

from models.metrics import METRICS
from tests.docs.markdown import blocks, commands, page, rows
from tests.support.running import REPOSITORY, last_line, run_training

TEXT = page("model-development")


@pytest.mark.trained
def test_the_first_run_compares_families_and_publishes_nothing() -> None:
    [command] = commands(TEXT)
    done = subprocess.run(
        shlex.split(command), cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    summary: dict[str, Any] = last_line(done.stdout)
    assert summary["version"] is None
    assert isinstance(summary["would_promote"], bool)


def test_every_command_of_the_guide_exists() -> None:
    usage = run_training("--help").stdout
    for command in set(re.findall(r"-m training ([a-z-]+)", TEXT)):
        assert re.search(rf"^    {command}\b", usage, re.MULTILINE), command


def test_the_figures_are_defined_as_the_code_computes_them() -> None:
    names = {cells[0] for cells in rows(TEXT)}
    assert {"AUC", "Gini", "KS", "log-loss", "Brier score", "ECE", "PSI"} <= names
    labels, probabilities = np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8])
    assert METRICS["auc"](labels, probabilities) == 3 / 4  # 3 of 4 pairs are in order
    assert METRICS["gini"](labels, probabilities) == 2 * 3 / 4 - 1
    assert METRICS["ks"](labels, probabilities) == 0.5
    assert METRICS["brier"](labels, probabilities) == pytest.approx(
        (0.1**2 + 0.4**2 + 0.65**2 + 0.2**2) / 4
    )
    assert METRICS["log_loss"](labels, probabilities) == pytest.approx(
        -np.log([0.9, 0.6, 0.35, 0.8]).mean()
    )
    assert len(blocks(TEXT, "mermaid")) == 1
