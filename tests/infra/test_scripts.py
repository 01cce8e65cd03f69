"""The scripts of `make release`, `promote`, `rollback` and `runbook`, in clones of their own."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.test_commands import complaints
from tests.infra.dockerfile import STAGES
from tests.infra.rehearsal import (
    BATCH,
    COMMIT,
    DASHBOARD,
    LENDING,
    OLD,
    SCORING,
    TRAINING,
    Cloud,
    commit_all,
    git,
    scripts,
)
from tests.support.running import REPOSITORY

pytestmark = pytest.mark.slow


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A committed clone of the scripts, for the project `money` in `here`."""
    folder = scripts(tmp_path / "clone")
    shutil.copy(REPOSITORY / "cloudbuild.yaml", folder)
    shutil.copy(REPOSITORY / ".gitignore", folder)
    (folder / "docs").mkdir()
    shutil.copy(REPOSITORY / "docs" / "operate.md", folder / "docs")
    git(folder, "init", "--quiet")
    commit_all(folder)
    return folder


def variables(clone: Path, text: str) -> None:
    (clone / "terraform/environments/prod.tfvars").write_text(text)
    commit_all(clone)


def test_a_submission_is_a_commit_and_names_what_the_variables_say(
    cloud: Cloud, clone: Path
) -> None:
    variables(clone, '# ours\nproject_id     = "money"\nregion = "here" # near\n')
    code, output = cloud.run("sh", "infra/submit.sh", "prod", folder=clone)
    assert code == 0, output
    [call] = [re.sub(r"/\S*?/tmp\.\w+", "TREE", call) for call in cloud.state()["calls"]]
    assert call == (
        "builds submit TREE --project=money --region=here --config=TREE/cloudbuild.yaml "
        "--gcs-source-staging-dir=gs://money-surety-state/source "
        "--gcs-log-dir=gs://money-surety-state/logs --substitutions=_ENVIRONMENT=prod,_REGION=here,"
        f"_STATE_BUCKET=money-surety-state,_COMMIT={git(clone, 'rev-parse', 'HEAD')}"
    )


def test_a_build_runs_where_the_variables_say(cloud: Cloud, clone: Path) -> None:
    text = 'project_id = "money"\nregion = "here"\nbuild_region = "there"\n'
    variables(clone, text)
    code, output = cloud.run("sh", "infra/submit.sh", "prod", folder=clone)
    assert code == 0, output
    [call] = cloud.state()["calls"]
    assert "--region=there" in call
    assert "_REGION=here" in call


def test_what_a_bootstrap_leaves_is_committed_as_the_guide_says_and_then_submitted(
    cloud: Cloud, clone: Path
) -> None:
    (clone / "terraform/environments/prod.tfvars").write_text(
        'project_id = "money"\nregion = "here"\n'
    )
    (clone / "terraform/bootstrap").mkdir()
    (clone / "terraform/bootstrap/.terraform.lock.hcl").write_text("# by terraform init")
    code, output = cloud.run("sh", "infra/submit.sh", "prod", folder=clone)
    assert (code, "a release is a commit" in output) == (2, True)
    guide = (REPOSITORY / "terraform" / "README.md").read_text()
    _, _, after = guide.partition("make bootstrap\n```")
    between, _, _ = after.partition("```console\nmake release")
    [block] = re.findall(r"```console\n(.*?)```", between, re.DOTALL)
    git(clone, "config", "user.name", "Somebody")
    git(clone, "config", "user.email", "somebody@example.com")
    subprocess.run(["sh", "-ec", block], cwd=clone, check=True, capture_output=True)
    code, output = cloud.run("sh", "infra/submit.sh", "prod", folder=clone)
    assert code == 0, output


@pytest.mark.parametrize("file", ["cloudbuild.yaml", "new.txt"])
def test_a_tree_that_differs_from_its_commit_is_not_submitted(
    cloud: Cloud, clone: Path, file: str
) -> None:
    (clone / file).write_text("other")
    code, output = cloud.run("sh", "infra/submit.sh", "prod", folder=clone)
    assert code == 2
    assert "a release is a commit" in output
    assert file in output
    assert cloud.state()["calls"] == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('region = "here"', "must state project_id"),
        ('project_id = "money"', "must state region"),
        ('project_id = "your-project"\nregion = "here"', "is still your-project"),
    ],
)
@pytest.mark.parametrize("script", ["submit", "rollback", "serving", "runbook", "restore_drill"])
def test_no_script_calls_anything_without_a_project_and_region(
    cloud: Cloud, clone: Path, script: str, text: str, message: str
) -> None:
    variables(clone, text)
    code, output = cloud.run("sh", f"infra/{script}.sh", "prod", folder=clone)
    assert code == 2
    assert message in output
    assert cloud.state()["calls"] == []


def test_a_rollback_names_project_and_region_and_shows_who_serves_before_and_after(
    cloud: Cloud, clone: Path
) -> None:
    cloud.set(shares={"prod-scoring-1": 100}, tags={"previous": OLD})
    done = subprocess.run(
        ["env", f"PATH={cloud.folder}:/usr/bin:/bin", "sh", "infra/rollback.sh", "prod"],
        cwd=clone,
        capture_output=True,
        text=True,
        check=True,
    )
    before, after = done.stdout.split("After:")
    assert "prod-scoring-1,100" in before
    assert f"{OLD},100" in after
    assert all("--project=money --region=here" in call for call in cloud.state()["calls"])


def released(cloud: Cloud, scoring: str = SCORING, training: str = TRAINING) -> None:
    """An environment that serves these images."""
    revisions = cloud.state()["revisions"]
    revisions[OLD] |= {"image": scoring, "labels": {"commit": COMMIT}}
    cloud.set(revisions=revisions, job_image=training)


def serving(cloud: Cloud, clone: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["env", f"PATH={cloud.folder}:/usr/bin:/bin", "sh", "infra/serving.sh", "prod"],
        cwd=clone,
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_an_environment_serves_is_a_commit_and_two_digests(cloud: Cloud, clone: Path) -> None:
    released(cloud)
    digests = f"scoring=sha256:{64 * '1'} training=sha256:{64 * '2'}"
    assert serving(cloud, clone).stdout == f"{COMMIT} {digests}\n"


def test_where_the_loan_book_runs_its_digest_is_there_too(cloud: Cloud, clone: Path) -> None:
    released(cloud)
    cloud.add_loan_book()
    assert "prod-lending-0 is of another commit" in serving(cloud, clone).stderr
    revisions = cloud.state()["revisions"]
    revisions["prod-lending-0"] |= {"image": LENDING, "labels": {"commit": COMMIT}}
    cloud.set(revisions=revisions)
    assert serving(cloud, clone).stdout.split()[-1] == f"lending=sha256:{64 * '3'}"


def test_where_batches_and_the_dashboard_run_their_digests_are_there_too(
    cloud: Cloud, clone: Path
) -> None:
    released(cloud)
    cloud.add_services("prod-batch-api", "prod-dashboard")
    assert "prod-batch-api-0 is of another commit" in serving(cloud, clone).stderr
    revisions = cloud.state()["revisions"]
    labels = {"labels": {"commit": COMMIT}}
    revisions["prod-batch-api-0"] |= {"image": BATCH} | labels
    revisions["prod-dashboard-0"] |= {"image": DASHBOARD} | labels
    cloud.set(revisions=revisions)
    assert serving(cloud, clone).stdout.split()[3:] == [
        f"batch=sha256:{64 * '4'}",
        f"dashboard=sha256:{64 * '5'}",
    ]


def test_the_loan_book_is_rolled_back_by_its_name(cloud: Cloud, clone: Path) -> None:
    cloud.add_loan_book()
    book = cloud.state()["lending"] | {"tags": {"previous": "prod-lending-x"}}
    cloud.set(lending=book)
    words = ["env", f"PATH={cloud.folder}:/usr/bin:/bin", "sh", "infra/rollback.sh"]
    subprocess.run([*words, "prod", "lending"], cwd=clone, check=True, capture_output=True)
    assert cloud.state()["lending"]["shares"] == {"prod-lending-x": 100}
    assert cloud.state()["shares"] == {OLD: 100}


def test_what_is_served_by_tag_or_without_a_commit_is_not_promoted(
    cloud: Cloud, clone: Path
) -> None:
    assert "has no label `commit`" in serving(cloud, clone).stderr
    released(cloud, scoring="registry/scoring:latest")
    done = serving(cloud, clone)
    assert done.returncode == 1
    assert "is named by a tag" in done.stderr


def promotion(cloud: Cloud, clone: Path, commit: str, answer: str) -> tuple[int, str]:
    """A promotion from `dev`, which serves a commit, confirmed by an answer."""
    dev = clone / "terraform/environments/dev.tfvars"
    dev.write_text('project_id = "play"\nregion = "there"\n')
    if git(clone, "status", "--porcelain"):
        commit_all(clone)
    digests = "scoring=sha256:1 training=sha256:2 dashboard=sha256:5"
    state = f"{commit or git(clone, 'rev-parse', 'HEAD')} {digests}"
    done = subprocess.run(
        [
            *("env", f"PATH={cloud.folder}:/usr/bin:/bin", f"SERVING={state}"),
            *("sh", "infra/promote.sh", "prod", "dev"),
        ],
        cwd=clone,
        input=answer,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


def test_a_promotion_submits_digests_once_somebody_has_typed_the_environment(
    cloud: Cloud, clone: Path
) -> None:
    assert promotion(cloud, clone, "", "yes\n")[0] == 1
    assert cloud.state()["calls"] == []
    code, output = promotion(cloud, clone, "", "prod\n")
    assert code == 0, output
    [call] = cloud.state()["calls"]
    assert "/infra/promote.yaml --gcs" in call
    assert call.endswith(
        ",_FROM=there-docker.pkg.dev/play/surety,_SCORING_DIGEST=sha256:1,_TRAINING_DIGEST=sha256:2"
        ",_DASHBOARD_DIGEST=sha256:5"
    )


@pytest.mark.parametrize("digests", ["", "sha256:1 sha256:2", "scoring=sha256:1"])
def test_a_promotion_of_less_than_scoring_and_training_is_refused(
    cloud: Cloud, clone: Path, digests: str
) -> None:
    (clone / "terraform/environments/dev.tfvars").write_text('project_id = "p"\nregion = "r"\n')
    state = f"{git(clone, 'rev-parse', 'HEAD')} {digests}".strip()
    done = subprocess.run(
        [
            *("env", f"PATH={cloud.folder}:/usr/bin:/bin", f"SERVING={state}", "CONFIRM=prod"),
            *("sh", "infra/promote.sh", "prod", "dev"),
        ],
        cwd=clone,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "not a commit and the digests of scoring, training" in done.stderr
    assert cloud.state()["calls"] == []


def test_a_promotion_needs_the_commit_that_is_promoted(cloud: Cloud, clone: Path) -> None:
    code, output = promotion(cloud, clone, COMMIT, "prod\n")
    assert code == 2
    assert f"git checkout {COMMIT}" in output
    assert cloud.state()["calls"] == []


def test_the_runbook_is_shown_with_the_environments_names(cloud: Cloud, clone: Path) -> None:
    words = ["env", f"PATH={cloud.folder}:/usr/bin:/bin", "sh", "infra/runbook.sh", "prod"]
    done = subprocess.run(words, cwd=clone, capture_output=True, text=True, check=True)
    assert "your-project" not in done.stdout
    assert "gs://money-prod-models" in done.stdout


def own_models(folder: Path, modules: str, search: Path) -> subprocess.CompletedProcess[str]:
    """Copy what credit_models names, found on a path, into a folder."""
    (folder / "prod.tfvars").write_text(f"credit_models = [\n  {modules}, # ours\n]\n")
    words = [f"--variables={folder}/prod.tfvars", f"--into={folder}/into"]
    return subprocess.run(
        ["env", f"PYTHONPATH={search}", sys.executable, "infra/own_models.py", *words],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_model_outside_the_repository_is_copied_with_its_examples(tmp_path: Path) -> None:
    (tmp_path / "acme/examples").mkdir(parents=True)
    (tmp_path / "acme/loans.py").write_text("")
    (tmp_path / "acme/examples/loan.json").write_text("{}")
    (tmp_path / "acme/rows.csv").write_text("")
    done = own_models(tmp_path, '"acme.loans"', tmp_path)
    assert done.returncode == 0, done.stderr
    copied = {str(p.relative_to(tmp_path / "into")) for p in (tmp_path / "into").rglob("*.*")}
    assert copied == {"acme/loans.py", "acme/examples/loan.json", "sources.json"}
    sources = json.loads((tmp_path / "into/sources.json").read_text())
    assert re.fullmatch(r"[0-9a-f]{64}", sources["acme"]["sha256"])


def test_a_model_that_is_nowhere_ends_the_submission(tmp_path: Path) -> None:
    done = own_models(tmp_path, '"nowhere.loans"', tmp_path)
    assert done.returncode == 2
    assert "neither in own_models/ nor in a folder of PYTHONPATH" in done.stderr


def test_a_model_that_differs_from_its_own_commit_is_refused(tmp_path: Path) -> None:
    (tmp_path / "my_loans.py").write_text("")
    git(tmp_path, "init", "--quiet")
    commit_all(tmp_path)
    (tmp_path / "my_loans.py").write_text("changed")
    done = own_models(tmp_path, '"my_loans"', tmp_path)
    assert done.returncode == 2
    assert "differ from their commit" in done.stderr


@pytest.mark.parametrize("target", ["scoring", "training", "lending"])
def test_every_image_copies_and_imports_models_of_ones_own(target: str) -> None:
    assert "own_models own_models" in STAGES[target].arguments("COPY")
    assert "PYTHONPATH=/app:/app/own_models" in STAGES["base"].arguments("ENV")[0]


@pytest.mark.environments
@pytest.mark.skipif(
    not shutil.which("gcloud"), reason="gcloud is not installed: no call was parsed"
)
def test_the_real_gcloud_understands_every_call(cloud: Cloud, clone: Path, tmp_path: Path) -> None:
    cloud.set(champions=["application"])
    assert cloud.release()[0] == 0
    assert cloud.roll_back()[0] == 0
    cloud.set(ingress="internal-and-cloud-load-balancing")
    assert cloud.release("--build=b0b0b0b0")[0] == 0
    images, attestor = f"{cloud.folder}/images.json", "projects/money/attestors/surety"
    login = {"BITBUCKET_STEP_OIDC_TOKEN": "t", "PROJECT_ID": "money"}
    login["WORKLOAD_IDENTITY_PROVIDER"] = "projects/1/locations/global/workloadIdentityPools/p"
    for words in (
        ["sh", "infra/submit.sh", "prod"],
        ["sh", "infra/attest.sh", images, attestor, "projects/money/locations/here/keyRings/k"],
        [*(f"{name}={value}" for name, value in login.items()), "sh", "infra/bitbucket_login.sh"],
    ):
        code, output = cloud.run(*words, folder=clone)
        assert code == 0, output
    kinds = {re.sub(r"=\S+", "=", call): call for call in cloud.state()["calls"]}
    assert len(kinds) >= 16
    calls = [as_typed(call) for call in kinds.values()]
    assert complaints(sorted(set(calls)), tmp_path) == {}


def as_typed(call: str) -> str:
    """A call as a shell would need it: nothing is quoted in what the stand-in notes."""
    without_data = re.sub(r"--data=\{.*\} (?=--format)", "--data={} ", call)
    return f"gcloud {re.sub(r'=(?= )', '=' + chr(34) * 2, without_data)}"
