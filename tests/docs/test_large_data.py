"""The guide to large data: its commands run, and its table shows the figures as measured."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from infra.local.cost import fill
from models.catalogue.application import Application
from models.estimators.libxgboost import Booster
from models.features import columns_from_fields, features, matrix_from_columns
from tests.benchmarks.training_scale import FIGURES, MARK, Measured, rendered
from tests.docs.markdown import commands, page
from tests.support.environments import build_environment
from tests.support.running import REPOSITORY, last_line
from training.reading.row_validation import check_rows
from training.streaming.engine import SAMPLE_ROWS
from training.streaming.scan import MOST_LISTED
from training.synthetic.application import generate

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


@pytest.mark.environments
@pytest.mark.skipif(not shutil.which("java"), reason="java is not installed: Spark needs it")
def test_the_recipe_for_spark_fits_trees_that_rank_and_keep_their_signs(tmp_path: Path) -> None:
    build_environment(tmp_path / "spark", REPOSITORY / "tests" / "docs" / "spark.txt")
    python = str(tmp_path / "spark" / "bin" / "python")
    rows = generate(5_000, seed=7)
    (tmp_path / "rows").mkdir()
    rows.head(4_000).to_parquet(tmp_path / "rows" / "part-0.parquet")
    done = subprocess.run(
        [
            *("env", "PYTHONPATH=.", f"PYSPARK_PYTHON={python}", "SPARK_LOCAL_IP=127.0.0.1"),
            *(python, "docs/recipes/train_on_spark.py"),
            *(tmp_path / "rows", tmp_path / "trees.ubj", "2"),
        ],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=480,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    booster = Booster((tmp_path / "trees.ubj").read_bytes())
    held = check_rows(Application, rows.tail(1_000), max_refused_share=0)
    matrix = matrix_from_columns(Application, columns_from_fields(Application, held.columns))
    margins = booster.margins(matrix)
    assert roc_auc_score(held.labels, margins) > 0.75
    for position, feature in enumerate(features(Application)):
        if feature.sign and feature.equals is None:
            raised = matrix.copy()
            raised[:, position] += np.nanstd(matrix[:, position])
            assert (feature.sign * (booster.margins(raised) - margins) >= 0).all(), feature.name
