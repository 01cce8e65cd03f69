"""The guide to the data pipeline: its commands parse and run, its tables are the code's."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from tests.docs.markdown import commands, page, rows
from tests.support.running import REPOSITORY
from training.cli import build_parser
from training.pipeline.source_file import DatabaseSource, FilesSource, RestSource
from training.pipeline.warehouse_url import CLIENTS
from training.settings import settings_from_environment

TEXT = page("data-pipeline")
MAKE, *STEPS = commands(TEXT)
CELLS = [cells[0].strip("`") for cells in rows(TEXT)]
CHECKS = {
    *("arrived", "row_count", "silent_days", "refused_share", "repeated_keys"),
    *("outside_contract", "null_share", "newest_age_days"),
}
SMALL = ("--customers", "1500", "--months", "15", "--family", "logistic")


def test_the_first_command_runs_what_is_tested_beside_it() -> None:
    assert MAKE == "make pipeline"
    dry = subprocess.run(
        ["make", "-n", MAKE.split()[1]], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert "infra/local/pipeline.py" in dry.stdout


@pytest.mark.parametrize("command", STEPS)
def test_every_command_of_a_step_is_one_of_the_command_line(command: str) -> None:
    python, module, name, *arguments = shlex.split(command)
    assert (python, module, name) == ("python", "-m", "training")
    assert build_parser(settings_from_environment({})).parse_args(arguments).run


@pytest.mark.parametrize("guide", ["data-pipeline", "operate"])
def test_every_step_that_is_run_by_hand_in_the_cloud_is_one_too(guide: str) -> None:
    lines = [line for line in commands(page(guide), "console") if "prod-pipeline-" in line]
    steps = [line.partition("--args=")[2].split(",") for line in lines if "--args=" in line]
    assert [step[0] for step in steps] == ["ingest", "quality", "features"]
    for step in steps:
        assert build_parser(settings_from_environment({})).parse_args(step).run


def test_kinds_of_sources_and_warehouses_are_the_codes() -> None:
    kinds = {
        get_args(kind.model_fields["kind"].annotation)[0]
        for kind in (DatabaseSource, FilesSource, RestSource)
    }
    assert kinds <= set(CELLS)
    assert all(
        any(cell.startswith(f"{name}://") for cell in CELLS) for name in (*CLIENTS, "duckdb")
    )


def test_every_check_of_quality_is_in_the_table_and_no_other() -> None:
    source = (REPOSITORY / "training" / "pipeline" / "quality.py").read_text()
    assert all(f'name="{check}"' in source for check in CHECKS)
    assert source.count('Check(name="') + source.count('        name="') >= len(CHECKS)
    assert set(CELLS) >= CHECKS


@pytest.mark.environments
def test_the_documented_steps_run_one_after_the_other(tmp_path: Path) -> None:
    """In a small bank, whose files of the CRM are still there when its servers have stopped."""
    folder = ("--folder", str(tmp_path))
    subprocess.run(
        [sys.executable, "infra/local/pipeline.py", *folder, *SMALL], cwd=REPOSITORY, check=True
    )
    variables = {
        "PATH": f"{Path(sys.executable).parent}:{os.defpath}",
        "LAKE_URI": (tmp_path / "lake").as_uri(),
        "WAREHOUSE_URL": f"duckdb:///{tmp_path / 'warehouse.duckdb'}",
        "MODEL_STORE": (tmp_path / "store").as_uri(),
        "SOURCE_URL_CRM": (tmp_path / "sources" / "crm").as_uri(),
    }
    outcomes = []
    for command in STEPS:
        text = command.replace("var/customer.parquet", str(tmp_path / "customer.parquet"))
        done = subprocess.run(
            shlex.split(text),
            cwd=REPOSITORY,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (command, done.stderr)
        outcomes.append(json.loads(done.stdout.splitlines()[-1])["outcome"])
    assert outcomes[:5] == ["unchanged", "passed", "computed", "checked", "computed"]
