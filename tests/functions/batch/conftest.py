"""A store with a model of trees, a file of applications, and runs of it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from functions.batch import cli
from tests.support.running import REPOSITORY, ModelStore
from training.synthetic.application import generate

KEY = "k" * 32
ROWS = 5_000
NOW = datetime(2026, 11, 30, 15, tzinfo=UTC)

Run = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def applications(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Parquet file of 5,000 applications in row groups of 700."""
    path = tmp_path_factory.mktemp("batch") / "applications.parquet"
    frame = generate(ROWS, seed=5)
    frame["account"] = [f"A{i}" for i in range(ROWS)]
    pq.write_table(pa.Table.from_pandas(frame), path, row_group_size=700)
    return path


@pytest.fixture
def environment(made_models: ModelStore) -> dict[str, str]:
    return {"MODEL_STORE": made_models.uri, "DECISION_LOG_KEY": KEY}


@pytest.fixture
def run(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Run the command in this process: return its last line with its exit code and errors."""

    def start(*arguments: str, **variables: str) -> dict[str, Any]:
        for name, value in (environment | variables).items():
            monkeypatch.setenv(name, value)
        code = cli.main(arguments)
        output, errors = capsys.readouterr()
        last = json.loads(output.splitlines()[-1]) if output else {}
        return {**last, "exit": code, "errors": errors}

    return start


def start_task(arguments: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start the real command as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "functions.batch", *arguments],
        cwd=REPOSITORY,
        env={**os.environ, **environment},  # noqa: TID251 -- the rest as it is
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def score_arguments(file: Path, output: Path, *more: str) -> list[str]:
    return ["score", "--model", "application", "--input", str(file), "--output", str(output), *more]


def objects(folder: Path) -> dict[str, bytes]:
    """Every object below a folder, by name."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def find_run(output: Path) -> Path:
    """The folder of the only run of an output."""
    [success] = output.rglob("plan.json")
    return success.parent


def read_results(output: Path) -> pa.Table:
    paths = sorted(find_run(output).glob("part-*.parquet"))
    return pa.concat_tables([pq.read_table(path) for path in paths])


def columns_equal(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> bool:
    """The same bits."""
    return one.tobytes() == other.tobytes()
