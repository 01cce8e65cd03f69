"""The first of the two commands, with a gcloud and a terraform that note what they are asked."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.running import REPOSITORY


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What the command reads, with a project named in the one file to edit."""
    for part in ("infra/bootstrap.sh", "terraform/environments", "terraform/bootstrap"):
        source, target = REPOSITORY / part, tmp_path / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns(".terraform*"))
        else:
            shutil.copy(source, target)
    tfvars = tmp_path / "terraform/environments/prod.tfvars"
    tfvars.write_text(tfvars.read_text().replace("your-project", "example-project"))
    return tmp_path


def bootstrap(clone: Path, *, bucket_exists: bool, apply_fails: bool = False) -> tuple[int, str]:
    """Run the command: its exit code and the calls it made."""
    tools = clone / "tools"
    tools.mkdir(exist_ok=True)
    calls = clone / "calls"
    calls.write_text("")
    scripts = {
        "gcloud": f"exit {0 if bucket_exists else 1}",
        # Like the real one: an apply without a backend leaves its state in a file.
        "terraform": 'case "$1" in apply) [ -f backend.tf ] || touch terraform.tfstate;'
        f" exit {1 if apply_fails else 0};; esac",
    }
    for name, script in scripts.items():
        tool = tools / name
        tool.write_text(f'#!/bin/sh\necho "{name} $@" >> {calls}\n{script}\n')
        tool.chmod(0o755)
    done = subprocess.run(
        ["sh", str(clone / "infra/bootstrap.sh"), "prod"],
        env={"PATH": f"{tools}:/usr/bin:/bin"},
        capture_output=True,
        check=False,
    )
    return done.returncode, calls.read_text().replace(str(clone), "")


APPLY = "terraform apply -compact-warnings -var-file /terraform/environments/prod.tfvars"
LOOK = "gcloud storage buckets describe gs://example-project-surety-state"
MOVE = "terraform init -migrate-state -force-copy"


def test_a_first_run_moves_its_state_into_the_bucket_it_made(clone: Path) -> None:
    code, calls = bootstrap(clone, bucket_exists=False)
    assert code == 0
    assert calls.splitlines() == [LOOK, "terraform init -reconfigure", APPLY, MOVE]
    module = clone / "terraform/bootstrap"
    assert 'bucket = "example-project-surety-state"' in (module / "backend.tf").read_text()
    assert not (module / "terraform.tfstate").exists()


def test_a_later_run_on_any_machine_uses_the_bucket(clone: Path) -> None:
    code, calls = bootstrap(clone, bucket_exists=True)
    assert code == 0
    assert calls.splitlines() == [LOOK, "terraform init -reconfigure", APPLY]
    assert (clone / "terraform/bootstrap/backend.tf").exists()


def test_a_run_that_failed_half_way_goes_on_from_its_own_state(clone: Path) -> None:
    assert bootstrap(clone, bucket_exists=False, apply_fails=True)[0] != 0
    assert (clone / "terraform/bootstrap/terraform.tfstate").exists()
    code, calls = bootstrap(clone, bucket_exists=True)
    assert code == 0
    assert calls.splitlines() == ["terraform init -reconfigure", APPLY, MOVE]


def test_an_environment_must_be_named(clone: Path) -> None:
    done = subprocess.run(
        ["sh", str(clone / "infra/bootstrap.sh")], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "which environment" in done.stderr
