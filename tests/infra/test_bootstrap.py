"""The first of the two commands, with a gcloud and a terraform that note what they are asked."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.running import REPOSITORY


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What the command reads, with a project named in the one file to edit."""
    scripts = ("infra/bootstrap.sh", "infra/environment.sh")
    for part in (*scripts, "terraform/environments", "terraform/bootstrap"):
        source, target = REPOSITORY / part, tmp_path / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns(".terraform*"))
        else:
            shutil.copy(source, target)
    tfvars = tmp_path / "terraform/environments/prod.tfvars"
    tfvars.write_text(tfvars.read_text().replace("your-project", "example-project"))
    return tmp_path


def bootstrap(
    clone: Path, *, buckets: str = "", apply_fails: bool = False, listing_fails: bool = False
) -> tuple[int, str]:
    """Run the command: its exit code and the calls it made."""
    tools = clone / "tools"
    tools.mkdir(exist_ok=True)
    calls = clone / "calls"
    calls.write_text("")
    names = "".join(f"example-project-surety-{name}\\n" for name in buckets.split())
    listing = f'printf "{names}"; exit {1 if listing_fails else 0}'
    scripts = {
        "bq": "",
        "gcloud": f'case "$2" in buckets) {listing};; esac',
        # Like the real one: an apply without a backend leaves its state in a file.
        "terraform": """case "$1" in apply)
            [ -f backend.tf ] || echo '"project": "example-project"' > terraform.tfstate"""
        f"\nexit {1 if apply_fails else 0};; esac",
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
ENABLE = (
    "gcloud services enable --project example-project serviceusage.googleapis.com "
    "cloudresourcemanager.googleapis.com iam.googleapis.com"
)
LOOK = (
    "gcloud storage buckets list --project example-project "
    "--filter name:example-project-surety-* --format value(name)"
)
IDENTITY = (
    "gcloud beta services identity create --project example-project "
    "--service monitoring.googleapis.com --quiet"
)
BEFORE = [ENABLE, LOOK, "terraform init -reconfigure"]
MOVE = "terraform init -migrate-state -force-copy"


def test_a_first_run_moves_its_state_into_the_bucket_it_made(clone: Path) -> None:
    code, calls = bootstrap(
        clone,
    )
    assert code == 0
    assert calls.splitlines() == [*BEFORE, APPLY, MOVE, IDENTITY]
    module = clone / "terraform/bootstrap"
    assert 'bucket = "example-project-surety-bootstrap"' in (module / "backend.tf").read_text()
    assert not (module / "terraform.tfstate").exists()


def test_googles_accounts_are_there_before_they_are_given_a_key(clone: Path) -> None:
    """Google makes them when they are asked for: a new project has none to grant anything to."""
    tfvars = clone / "terraform/environments/prod.tfvars"
    tfvars.write_text(tfvars.read_text() + 'kms_key = "projects/p/locations/l/keyRings/r/..."\n')
    code, calls = bootstrap(clone)
    assert code == 0
    before, _, _ = calls.partition(APPLY)
    for call in (
        "gcloud storage service-agent --project example-project\n",
        "bq --project_id example-project show --encryption_service_account\n",
        IDENTITY.replace("monitoring.", "artifactregistry.") + "\n",
    ):
        assert call in before


def test_a_billing_accounts_grants_find_their_api(clone: Path) -> None:
    tfvars = clone / "terraform/environments/prod.tfvars"
    tfvars.write_text(tfvars.read_text() + 'billing_account = "012345-6789AB-CDEF01"\n')
    code, calls = bootstrap(clone)
    assert code == 0
    before, _, _ = calls.partition(APPLY)
    assert "enable --project example-project cloudbilling.googleapis.com" in before


def test_a_later_run_on_any_machine_uses_the_bucket(clone: Path) -> None:
    code, calls = bootstrap(clone, buckets="bootstrap state")
    assert code == 0
    assert calls.splitlines() == [*BEFORE, APPLY, IDENTITY]
    assert (clone / "terraform/bootstrap/backend.tf").exists()


def test_state_that_stands_beside_the_builds_is_moved_to_a_bucket_of_its_own(clone: Path) -> None:
    code, calls = bootstrap(clone, buckets="state")
    assert code == 0
    assert calls.splitlines() == [*BEFORE, APPLY, MOVE, IDENTITY]
    backend = (clone / "terraform/bootstrap/backend.tf").read_text()
    assert 'bucket = "example-project-surety-bootstrap"' in backend


def test_a_move_that_was_interrupted_is_made_again(clone: Path) -> None:
    backend = clone / "terraform/bootstrap/backend.tf"
    backend.write_text('bucket = "example-project-surety-state"')
    code, calls = bootstrap(clone, buckets="bootstrap state")
    assert code == 0
    assert calls.splitlines() == [*BEFORE, APPLY, MOVE, IDENTITY]


def test_a_run_that_failed_half_way_goes_on_from_its_own_state(clone: Path) -> None:
    assert bootstrap(clone, apply_fails=True)[0] != 0
    assert (clone / "terraform/bootstrap/terraform.tfstate").exists()
    code, calls = bootstrap(clone, buckets="bootstrap state")
    assert code == 0
    assert calls.splitlines() == [*BEFORE, APPLY, MOVE, IDENTITY]


def test_a_project_that_cannot_be_looked_into_is_left_alone(clone: Path) -> None:
    code, calls = bootstrap(clone, listing_fails=True)
    assert code != 0
    assert "terraform" not in calls


def test_the_state_of_another_project_is_neither_used_nor_removed(clone: Path) -> None:
    state = clone / "terraform/bootstrap/terraform.tfstate"
    state.write_text('"project": "another-project"')
    code, calls = bootstrap(clone, buckets="bootstrap state")
    assert code != 0
    assert "terraform" not in calls
    assert "another-project" in state.read_text()


def test_an_environment_must_be_named(clone: Path) -> None:
    done = subprocess.run(
        ["sh", str(clone / "infra/bootstrap.sh")], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "which environment" in done.stderr


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        (None, "there is no"),
        ('region = "here"', "must state project_id"),
        ('project_id = "money"', "must state region"),
    ],
)
def test_an_environment_without_a_project_or_region_changes_nothing(
    clone: Path, variables: str | None, message: str
) -> None:
    tfvars = clone / "terraform/environments/prod.tfvars"
    tfvars.unlink() if variables is None else tfvars.write_text(variables)
    words = ["sh", str(clone / "infra/bootstrap.sh"), "prod"]
    path = {"PATH": "/usr/bin:/bin"}
    done = subprocess.run(words, env=path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert message in done.stderr
