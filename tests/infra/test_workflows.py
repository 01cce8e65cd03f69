"""The pipelines of GitHub and Bitbucket: who they are to Google, and what they do."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.infra.rehearsal import Cloud, commit_all, git, scripts
from tests.support.running import REPOSITORY

WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yaml"))
RELEASE = yaml.safe_load((REPOSITORY / ".github/workflows/release.yaml").read_text())
BITBUCKET = yaml.safe_load((REPOSITORY / "bitbucket-pipelines.yml").read_text())
BOOTSTRAP = REPOSITORY / "terraform" / "bootstrap"
TARGETS = re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
PINNED = re.compile(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def bitbucket_steps() -> list[dict[str, Any]]:
    return [item["step"] for items in BITBUCKET["pipelines"]["custom"].values() for item in items]


def lines(job: str) -> list[str]:
    """Every command of a job of GitHub's."""
    steps = RELEASE["jobs"][job]["steps"]
    return [line for step in steps for line in step.get("run", "").splitlines()]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_action_is_named_by_its_commit(path: Path) -> None:
    actions = re.findall(r"uses: (.+)$", path.read_text(), re.MULTILINE)
    assert actions
    assert [action for action in actions if not PINNED.fullmatch(action)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_no_input_becomes_part_of_a_command(path: Path) -> None:
    """What somebody types reaches a command by its environment, never by the command's text."""
    workflow = yaml.safe_load(path.read_text())
    runs = [step.get("run", "") for job in workflow["jobs"].values() for step in job["steps"]]
    inputs = re.findall(r"\$\{\{(?! *matrix\.)[^}]*\}\}", "\n".join(runs))
    assert inputs == []


def test_a_release_may_read_the_repository_and_say_who_it_is_and_nothing_else() -> None:
    assert RELEASE["permissions"] == {}
    for name, job in RELEASE["jobs"].items():
        assert job["permissions"] == {"contents": "read", "id-token": "write"}, name
        assert job["environment"], name  # whose reviewers approve
    assert RELEASE["concurrency"]["cancel-in-progress"] is False


def test_what_starts_a_release_is_what_google_lets_in() -> None:
    condition = (BOOTSTRAP / "github.tf").read_text()
    events = re.findall(r"'(\w+)'", re.findall(r"event_name in \[(.*?)\]", condition)[0])
    assert set(RELEASE[True]) == set(events)  # `on` is YAML's word for true
    assert RELEASE[True]["push"] == {"branches": ["main"]}
    assert "refs/heads/main" in condition


def test_both_log_in_as_the_account_that_the_bootstrap_lets_them_take() -> None:
    account = re.findall(r'account_id   = "(.+)"', (BOOTSTRAP / "submit.tf").read_text())
    assert account == ["surety-submit"]
    logins = [
        step["with"]
        for job in RELEASE["jobs"].values()
        for step in job["steps"]
        if "google-github-actions/auth" in step.get("uses", "")
    ]
    assert len(logins) == len(RELEASE["jobs"])
    for login in logins:
        assert login == {
            "workload_identity_provider": "${{ vars.WORKLOAD_IDENTITY_PROVIDER }}",
            "service_account": "surety-submit@${{ vars.PROJECT_ID }}.iam.gserviceaccount.com",
        }
    for step in bitbucket_steps():
        assert step["oidc"]
        assert step["script"][0] == "sh infra/bitbucket_login.sh"
    assert "surety-submit@$PROJECT_ID" in (REPOSITORY / "infra/bitbucket_login.sh").read_text()


def test_every_command_is_a_target_or_a_script() -> None:
    commands = [line for job in RELEASE["jobs"] for line in lines(job)]
    commands += [command for step in bitbucket_steps() for command in step["script"]]
    assert len(commands) >= 12
    for command in commands:
        for target in re.findall(r"make ([\w-]+)", command):
            assert target in TARGETS
        for script in re.findall(r"sh (\S+\.sh)", command):
            assert (REPOSITORY / script).is_file()
        assert re.search(r"make|sh infra/|git checkout|^echo|^export|^rm serving$", command), (
            command
        )


def test_a_promotion_is_approved_and_is_of_the_commit_that_is_served() -> None:
    promote = RELEASE["jobs"]["promote"]
    assert promote["needs"] == "serving"
    assert promote["environment"] == "${{ inputs.environment }}"
    serving, promotion = (item["step"] for item in BITBUCKET["pipelines"]["custom"]["promote-prod"])
    assert (serving["deployment"], promotion["deployment"]) == ("dev", "prod")
    assert promotion["trigger"] == "manual"
    for commands in ("\n".join(lines("promote")), "\n".join(promotion["script"])):
        assert commands.index('git checkout --quiet "${SERVING%% *}"') < commands.index("promote")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A committed clone of what the pipelines call, for `prod` and for `dev`."""
    folder = scripts(tmp_path / "clone")
    for name in ("Makefile", "cloudbuild.yaml", ".gitignore"):
        shutil.copy(REPOSITORY / name, folder)
    dev = 'project_id = "play"\nregion = "there"\n'
    (folder / "terraform/environments/dev.tfvars").write_text(dev)
    git(folder, "init", "--quiet")
    commit_all(folder)
    return folder


def carry_out(cloud: Cloud, clone: Path, commands: list[str], **variables: str) -> list[str]:
    """Run commands as a pipeline's shell does; what gcloud was asked."""
    path = f"PATH={cloud.folder}:/usr/bin:/bin"
    words = [path, *(f"{name}={value}" for name, value in variables.items())]
    script = "\n".join(commands)
    done = subprocess.run(
        ["env", "-i", f"HOME={clone.parent}", *words, "bash", "-euo", "pipefail", "-c", script],
        cwd=clone,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    calls: list[str] = cloud.state()["calls"]
    return calls


def test_github_submits_the_commit_beside_the_credentials_of_its_login(
    cloud: Cloud, clone: Path
) -> None:
    (clone / "gha-creds-0123456789abcdef.json").write_text("{}")  # the action leaves it there
    [call] = carry_out(cloud, clone, lines("release"), ENVIRONMENT="prod")
    assert call.startswith("builds submit ")
    assert f"_COMMIT={git(clone, 'rev-parse', 'HEAD')}" in call
    assert "--project=money" in call


def test_github_promotes_what_was_served_without_asking_again(cloud: Cloud, clone: Path) -> None:
    serving = f"{git(clone, 'rev-parse', 'HEAD')} scoring=sha256:1 training=sha256:2"
    variables = {"ENVIRONMENT": "prod", "FROM": "dev", "CONFIRM": "prod", "SERVING": serving}
    (clone / "later").touch()
    commit_all(clone)  # main has moved on
    [call] = carry_out(cloud, clone, lines("promote"), **variables)
    assert "_SCORING_DIGEST=sha256:1" in call
    assert f"_COMMIT={serving.split(maxsplit=1)[0]}" in call


def test_bitbucket_logs_in_without_showing_its_token_and_promotes(
    cloud: Cloud, clone: Path
) -> None:
    (clone / "serving").write_text(
        f"{git(clone, 'rev-parse', 'HEAD')} scoring=sha256:1 training=sha256:2\n"
    )
    [_, promotion] = BITBUCKET["pipelines"]["custom"]["promote-prod"]
    variables = {
        "BITBUCKET_STEP_OIDC_TOKEN": "secret",
        "PROJECT_ID": "money",
        "WORKLOAD_IDENTITY_PROVIDER": "projects/1/locations/global/workloadIdentityPools/p",
    }
    calls = carry_out(cloud, clone, promotion["step"]["script"], **variables)
    assert [" ".join(call.split()[:3]) for call in calls] == [
        "iam workload-identity-pools create-cred-config",
        "auth login " + calls[1].split()[2],
        "builds submit " + calls[2].split()[2],
    ]
    assert "--service-account=surety-submit@money.iam.gserviceaccount.com" in calls[0]
    assert "secret" not in "".join(calls)
    assert "_TRAINING_DIGEST=sha256:2" in calls[2]


def test_a_step_without_a_token_says_what_it_lacks(cloud: Cloud, clone: Path) -> None:
    done = subprocess.run(
        ["env", "-i", f"PATH={cloud.folder}:/usr/bin:/bin", "sh", "infra/bitbucket_login.sh"],
        cwd=clone,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "the step must have oidc: true" in done.stderr
