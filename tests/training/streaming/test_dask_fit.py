"""The large fit on a cluster of two processes, in an environment that has Dask."""

import importlib.util
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from models.errors import LibraryMissingError
from tests.support.environments import build_environment
from tests.support.running import REPOSITORY, last_line
from training.streaming.engine import Engine
from training.streaming.preparation import require_streamable

REQUIREMENTS = ("training/requirements.txt", "training/dask.txt")


@pytest.mark.skipif(importlib.util.find_spec("distributed") is not None, reason="Dask is here")
def test_a_missing_dask_is_named_before_any_row_is_read() -> None:
    message = "needs dask and distributed: pip install --requirement training/dask.txt"
    with pytest.raises(LibraryMissingError, match=message):
        require_streamable(Engine(name="dask"), (), None)


@pytest.fixture(scope="module")
def dask_python() -> Path:
    """The Python of an environment with what training needs and Dask, as locked."""
    folder = REPOSITORY / "var" / "dask"
    folder.mkdir(parents=True, exist_ok=True)
    requirements = folder / "client.txt"
    requirements.write_text("".join((REPOSITORY / f).read_text() for f in REQUIREMENTS))
    build_environment(folder / "client", requirements)
    return folder / "client" / "bin" / "python"


def run(python: Path, folder: Path, *arguments: str) -> dict[str, Any]:
    command = [str(python), "-m", "training", "train", "--model", "toy", "--data", str(folder)]
    command += ["--parameters", '{"xgboost": {"n_estimators": 100}}', *arguments]
    variables = {"CREDIT_MODELS": "tests.support.toy", "PYTHONPATH": ".", "PATH": os.defpath}
    done = subprocess.run(
        command, cwd=REPOSITORY, env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    if "dask" in arguments:
        assert "rows on 2 workers" in done.stderr
    return last_line(done.stdout)


@pytest.mark.environments
def test_two_processes_give_the_same_bytes_twice_and_rank_as_one_process_does(
    dask_python: Path, folder: Path, tmp_path: Path
) -> None:
    sample = ("--sample-rows", "8000")
    versions = [
        run(
            dask_python,
            folder,
            *("--engine", "dask", *sample, "--store", (tmp_path / name).as_uri()),
        )
        for name in ("first", "second")
    ]
    bundles = [next((tmp_path / n).rglob("bundle.zip")).read_bytes() for n in ("first", "second")]
    assert bundles[0] == bundles[1]
    alone = run(dask_python, folder, "--engine", "stream", *sample, "--dry-run")
    assert versions[0]["metrics"]["auc"] == pytest.approx(alone["metrics"]["auc"], abs=0.005)


@pytest.mark.environments
def test_a_scheduler_that_is_not_there_is_one_line(dask_python: Path, folder: Path) -> None:
    command = [str(dask_python), "-m", "training", "train", "--model", "toy", "--data", str(folder)]
    command += ["--engine", "dask", "--sample-rows", "8000", "--dry-run", "--scheduler"]
    variables = {"CREDIT_MODELS": "tests.support.toy", "PYTHONPATH": ".", "PATH": os.defpath}
    done = subprocess.run(
        [*command, "bogus://127.0.0.1:1"],
        cwd=REPOSITORY,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    error = done.stderr.splitlines()[-1]
    assert error.startswith("error: --scheduler bogus://127.0.0.1:1: the scheduler cannot be")
