"""Terraform's own checks, and each safety property broken once on purpose."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.running import REPOSITORY

TERRAFORM = shutil.which("terraform")
SOURCE = REPOSITORY / "terraform"


def terraform(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["terraform", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def initialised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the module with its provider installed."""
    if TERRAFORM is None:
        pytest.skip("terraform is not installed: nothing of terraform/ was checked")
    folder = tmp_path_factory.mktemp("terraform") / "module"
    shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns(".terraform*"))
    done = terraform(folder, "init", "-backend=false", "-no-color")
    if done.returncode != 0:
        pytest.skip("no provider can be had: nothing of terraform/ was checked")
    return folder


def test_the_module_is_formatted_and_valid(initialised: Path) -> None:
    for command in (["fmt", "-check", "-recursive"], ["validate", "-no-color"]):
        done = terraform(initialised, *command)
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_safety_property_holds(initialised: Path) -> None:
    done = terraform(initialised, "test", "-no-color")
    assert done.returncode == 0, done.stdout
    assert "6 passed, 0 failed" in done.stdout


@dataclass(frozen=True)
class Break:
    """One safety property broken in one file, and what terraform must say of it."""

    file: str
    sound: str
    broken: str
    message: str


BREAKS = (
    Break(
        "scoring.tf",
        'var.allow_public ? toset(["allUsers"]) : var.invokers',
        'setunion(["allUsers"], var.invokers)',
        "Only the listed invokers may call the scoring service",
    ),
    Break(
        "bucket.tf",
        '"roles/storage.objectViewer"\n  member = google_service_account.scoring.member',
        '"roles/storage.objectAdmin"\n  member = google_service_account.scoring.member',
        "Scoring may only read the model bucket",
    ),
    Break(
        "bucket.tf",
        "/objects/champions/",
        "/objects/",
        "Training may replace objects under champions/ only",
    ),
)


@pytest.mark.parametrize("case", BREAKS, ids=lambda case: case.message)
def test_a_broken_safety_property_is_noticed(
    initialised: Path, tmp_path: Path, case: Break
) -> None:
    folder = tmp_path / "module"
    shutil.copytree(initialised, folder, symlinks=True)
    source = (folder / case.file).read_text()
    assert case.sound in source
    (folder / case.file).write_text(source.replace(case.sound, case.broken, 1))
    done = terraform(folder, "test", "-no-color")
    assert done.returncode != 0
    assert case.message in re.sub(r"[\s│]+", " ", done.stdout + done.stderr)


def resources() -> list[tuple[str, str, str]]:
    """Kind, name and text of every resource of the module."""
    pattern = re.compile(r'^resource "(\w+)" "(\w+)" \{\n(.*?)^\}', re.MULTILINE | re.DOTALL)
    return [m for path in SOURCE.glob("*.tf") for m in pattern.findall(path.read_text())]


def test_no_other_grant_lets_scoring_write() -> None:
    grants = [
        (kind, text)
        for kind, _, text in resources()
        if "_iam_" in kind and "google_service_account.scoring." in text
    ]
    assert len(grants) == 1
    assert 'role   = "roles/storage.objectViewer"' in grants[0][1]


def test_there_is_no_key_and_no_grant_over_a_whole_project() -> None:
    kinds = {kind for kind, _, _ in resources()}
    assert "google_storage_bucket" in kinds
    assert not {k for k in kinds if k.endswith("_key") or k.startswith("google_project_iam")}


def test_what_the_service_is_told_is_what_the_code_reads() -> None:
    [scoring] = [text for kind, _, text in resources() if kind == "google_cloud_run_v2_service"]
    sources = ("functions/settings.py", "functions/scoring/settings.py")
    settings = "".join((REPOSITORY / source).read_text() for source in sources)
    names = re.findall(r'name  = "([A-Z_]+)"', scoring)
    assert names == ["MODEL_STORE", "AUTH"]
    assert all(f'"{name}"' in settings for name in names)
    operations = (REPOSITORY / "functions/scoring/operations.py").read_text()
    for path in re.findall(r'path = "(/[a-z/]+)"', scoring):
        assert f'"{path}"' in operations
