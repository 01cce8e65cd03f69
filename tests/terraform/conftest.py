"""Copies of the modules with their provider installed, where terraform and a provider are found."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.running import REPOSITORY

# A backend that needs no bucket, for plans nobody applies.
LOCAL_STATE = 'terraform {\n  backend "local" {}\n}\n'


def run_terraform(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run terraform in a folder; what it drew around its messages is left out."""
    done = subprocess.run(
        ["terraform", *arguments, "-no-color"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    done.stdout = re.sub(r"[\s│╷╵]+", " ", done.stdout + done.stderr)
    return done


def planned(folder: Path, *arguments: str) -> list[dict[str, Any]]:
    """Every resource of a plan."""
    done = run_terraform(folder, "plan", "-out=plan", *arguments)
    assert done.returncode == 0, done.stdout
    shown_plan = subprocess.run(
        ["terraform", "show", "-json", "plan"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    resources: list[dict[str, Any]] = json.loads(shown_plan.stdout)["planned_values"][
        "root_module"
    ]["resources"]
    return resources


@pytest.fixture(scope="session")
def initialised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of `terraform/` and `infra/`, initialised."""
    if shutil.which("terraform") is None:
        pytest.skip("terraform is not installed: nothing of terraform/ was checked")
    folder = tmp_path_factory.mktemp("terraform")
    for part in ("terraform", "infra"):
        shutil.copytree(
            REPOSITORY / part, folder / part, ignore=shutil.ignore_patterns(".terraform*")
        )
    (folder / "terraform" / "backend_override.tf").write_text(LOCAL_STATE)
    for module in (folder / "terraform", folder / "terraform" / "bootstrap"):
        if run_terraform(module, "init").returncode != 0:
            pytest.skip("no provider can be had: nothing of terraform/ was checked")
    return folder


@pytest.fixture
def copied(initialised: Path, tmp_path: Path) -> Iterator[Path]:
    """Another copy, to be changed."""
    folder = tmp_path / "copy"
    shutil.copytree(initialised, folder, symlinks=True)
    yield folder
    shutil.rmtree(folder)
