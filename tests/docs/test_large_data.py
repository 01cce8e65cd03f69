"""The guide to large data: its commands run, and its table shows the figures as measured."""

import json
import subprocess
from pathlib import Path

import pytest

from infra.local.cost import fill
from tests.benchmarks.training_scale import FIGURES, MARK, Measured, rendered
from tests.docs.markdown import commands, page
from tests.support.running import REPOSITORY, last_line
from training.streaming.engine import SAMPLE_ROWS
from training.streaming.scan import MOST_LISTED

TEXT = page("large-data")


@pytest.mark.slow
def test_the_documented_run_streams_what_is_not_in_its_sample(tmp_path: Path) -> None:
    generate, train = (c.replace("var/large", str(tmp_path)) for c in commands(TEXT))
    for command in (generate, train):
        done = subprocess.run(
            ["sh", "-c", command], cwd=REPOSITORY, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    assert last_line(done.stdout)["family"] == "xgboost"
    assert "a sample of 8000 of 20000 rows" in done.stderr


def test_the_table_and_the_numbers_are_those_of_figures_and_code() -> None:
    figures = json.loads(FIGURES.read_text())
    text = (REPOSITORY / "docs" / "large-data.md").read_text()
    assert fill(text, MARK, rendered(figures)) == text
    assert f"{SAMPLE_ROWS:,} rows (`--sample-rows`)" in text
    assert f"at most {MOST_LISTED:,} rows" in text
    ours, bare = (Measured(**run) for run in figures["runs"])
    assert (figures["rows"], bare.rows) == (10_000_000, 10_000_000)
    assert ours.peak_bytes <= 4 * 2**30
    assert ours.rate("all") >= 0.6 * bare.rate("fit")
