"""What `make pipeline` does, with a smaller bank and one family."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.running import REPOSITORY

SMALL = ("--customers", "1500", "--months", "15", "--family", "logistic")


def run_pipeline(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "infra/local/pipeline.py", "--folder", str(folder), *options],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )


def read_warehouse(folder: Path) -> dict[str, str]:
    """The sha256 of the rows of every table."""
    with duckdb.connect(folder / "warehouse.duckdb", read_only=True) as connection:
        names = [row[0] for row in connection.execute("SHOW TABLES").fetchall()]
        return {
            name: hashlib.sha256(
                repr(connection.sql(f"FROM {name} ORDER BY ALL").fetchall()).encode()
            ).hexdigest()
            for name in names
        }


def read_lake(folder: Path) -> dict[str, str]:
    """The sha256 of every object."""
    files = sorted((folder / "lake").rglob("*.parquet"))
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.mark.environments
def test_a_day_runs_from_the_sources_to_a_model_and_twice_is_the_same(tmp_path: Path) -> None:
    first = run_pipeline(tmp_path, *SMALL)
    assert first.returncode == 0, first.stderr
    summary: dict[str, Any] = json.loads(first.stdout)
    steps = summary["steps"]
    assert [step.partition(" ")[0] for step in steps] == [
        *["ingest"] * 3,
        "quality",
        "features",
        "snapshot",
        "train",
        "decide",
        "outcomes",
        "monitor",
    ]
    assert (steps["quality"]["outcome"], steps["train"]["model"]) == ("passed", "customer")
    assert steps["outcomes"]["joined"] == steps["decide"]["rows"]["outcomes"] > 500
    assert steps["monitor"]["day"] == "2026-11-28"
    assert "observed AUC" in (tmp_path / "monitoring.html").read_text()
    figures = "".join(file.read_text() for file in (tmp_path / "metrics").glob("*.prom"))
    assert "surety_quality_day_timestamp_seconds" in figures
    assert 'surety_monitor_day_timestamp_seconds{model="customer"}' in figures
    tables, objects = read_warehouse(tmp_path), read_lake(tmp_path)
    decisions = (tmp_path / "decisions.jsonl").read_bytes()
    training = (tmp_path / "customer.parquet").read_bytes()
    second = run_pipeline(tmp_path, *SMALL)
    assert second.returncode == 0, second.stderr
    assert json.loads(second.stdout)["steps"]["ingest core_banking"]["outcome"] == "unchanged"
    assert (read_warehouse(tmp_path), read_lake(tmp_path)) == (tables, objects)
    assert (tmp_path / "customer.parquet").read_bytes() == training
    assert (tmp_path / "decisions.jsonl").read_bytes() == decisions


def test_a_step_that_fails_is_named_and_ends_with_1(tmp_path: Path) -> None:
    done = run_pipeline(tmp_path, "--day", "someday")
    assert done.returncode == 1
    assert "error: generate ended with exit code 2" in done.stderr
