"""Terraform's own checks, and what the text of both modules must be like."""

import re
from pathlib import Path

import pytest

from tests.support.running import REPOSITORY
from tests.terraform.conftest import Planned, run_terraform
from tests.terraform.plan_tables import run_offline

SOURCE = REPOSITORY / "terraform"
MODULES = pytest.mark.parametrize("module", ["terraform", "terraform/bootstrap"])


@MODULES
def test_a_module_is_formatted_and_valid(initialised: Path, module: str) -> None:
    for command in (["fmt", "-check"], ["validate"]):
        done = run_terraform(initialised / module, *command)
        assert done.returncode == 0, done.stdout


@MODULES
def test_every_safety_property_holds(copied: Path, module: str) -> None:
    # What the tables put in the place of the unknown would hide what is tested here.
    (copied / "terraform" / "placeholder_override.tf").unlink()
    (copied / "terraform" / "bootstrap" / "number_override.tf").unlink()
    done = run_terraform(copied / module, "test")
    assert done.returncode == 0, done.stdout
    runs = [
        name
        for path in (SOURCE.parent / module / "tests").glob("*.hcl")
        for name in re.findall(r'^run "(\w+)"', path.read_text(), re.MULTILINE)
    ]
    assert f"{len(runs)} passed, 0 failed" in done.stdout


def resources() -> list[tuple[str, str, str]]:
    """Kind, name and text of every resource of both modules."""
    pattern = re.compile(r'^resource "(\w+)" "(\w+)" \{\n(.*?)^\}', re.MULTILINE | re.DOTALL)
    return [m for path in SOURCE.rglob("*.tf") for m in pattern.findall(path.read_text())]


@pytest.mark.parametrize(
    ("account", "grants"),
    [
        (
            "scoring",
            {
                *("scoring_reads", "scoring_anchors", "scoring_looks_up"),
                *("scoring_writes_metrics", "responder_acts_as"),
            },
        ),
        (
            "training",
            {
                *("training_reads", "training_creates", "training_promotes"),
                *("training_reads_data", "warehouse"),
            },
        ),
        ("backup", {"backup", "backup_copies", "decisions_read"}),
        (
            "drift",
            {
                *("drift", "drift_is_itself", "drift_reads_source"),
                *("drift_reads_state", "drift_sees_budget"),
            },
        ),
        ("schedule", {"schedule_runs", "schedule_runs_lending", "schedule_runs_pipeline"}),
        ("ingest", {"ingest_reads", "ingest_creates", "warehouse"}),
        ("features", {"warehouse", "features_created", "features_read"}),
        ("monitor", {"decisions_read", "monitor_reads", "monitor_creates"}),
        (
            "retrain",
            {
                *("retrain_runs", "retrain_looks"),
                *("retrain_reads", "retrain_promotes", "retrain_records"),
            },
        ),
        ("watch", {"watch_asks"}),
        ("lending", {"responder_acts_as_lending"}),
        (
            "dashboard",
            {"dashboard_asks_batches", "dashboard_asks_lending", "dashboard_asks_scoring"},
        ),
    ],
)
def test_a_workload_has_no_grant_but_these(account: str, grants: set[str]) -> None:
    account_name = rf'accounts\.{account}\b|google_service_account\.workload\["{account}"\]'
    granted = {
        name
        for kind, name, text in resources()
        if "_iam_" in kind and re.search(account_name, text)
    }
    assert granted == grants


# Complete lists on purpose: they take away what Google grants by default.
COMPLETE = {
    *("default_access", "decisions_owned", "decisions_written", "decisions_read", "backup"),
    "warehouse",
}


def test_grants_are_single_members_unless_the_list_is_complete_on_purpose() -> None:
    """A binding or a policy would say who else may, out of sight of the tests of members."""
    kinds = {kind for kind, _, _ in resources()}
    assert "google_storage_bucket" in kinds
    assert not {k for k in kinds if re.search(r"_account_key$|_iam_policy$", k)}
    assert {name for kind, name, _ in resources() if kind.endswith("_binding")} == COMPLETE


def test_nothing_is_granted_over_the_project_but_by_the_bootstrap() -> None:
    for path in SOURCE.glob("*.tf"):
        text = path.read_text()
        assert not re.search(
            r'^resource "google_(project|folder|organization)_iam', text, re.MULTILINE
        )
        assert not re.search(r'^resource "google_service_account"', text, re.MULTILINE)


def test_variables_and_outputs_are_alphabetical_typed_and_described() -> None:
    for module in (SOURCE, SOURCE / "bootstrap"):
        for file, kind in (("variables.tf", "variable"), ("outputs.tf", "output")):
            text = (module / file).read_text()
            blocks = re.findall(rf'^{kind} "(\w+)" \{{\n(.*?)^\}}', text, re.MULTILINE | re.DOTALL)
            names = [name for name, _ in blocks]
            assert names == sorted(names)
            assert all("description = " in body for _, body in blocks)
            assert kind == "output" or all("\n  type " in body for _, body in blocks)


@pytest.mark.parametrize("function", ["scoring", "retrain", "lending", "batch", "dashboard"])
def test_what_a_service_is_told_is_what_its_code_reads(function: str) -> None:
    text = (SOURCE / f"{function}.tf").read_text()
    modules = (f"{function}/settings", "web/settings", "web/environment", "access/settings")
    read = "".join((REPOSITORY / "functions" / f"{m}.py").read_text() for m in modules)
    names = re.findall(r"^ +([A-Z_]{3,}) += ", text, re.MULTILINE)
    assert "AUTH" in names
    assert all(f'"{name}"' in read for name in names)
    rooms = (REPOSITORY / "functions" / room for room in ("web", function))
    routes = "".join(path.read_text() for room in rooms for path in room.rglob("*.py"))
    probed = set(re.findall(r'path = "(/[a-z/]+)"', text))
    assert probed == {"/health/live"}
    assert all(f'"{path}"' in routes for path in probed)


def test_a_job_is_told_what_training_reads() -> None:
    names = re.findall(r'name  = "([A-Z_]+)"', (SOURCE / "training.tf").read_text())
    read = (REPOSITORY / "training/settings.py").read_text()
    assert names == ["MODEL_STORE", "CREDIT_MODELS"]
    assert all(f'"{name}"' in read for name in names)


def test_editing_one_line_of_a_file_leads_to_a_plan(initialised: Path) -> None:
    """The tables plan prod.tfvars and dev.tfvars; here is the third."""
    files = {path.stem: path.read_text() for path in SOURCE.glob("environments/*.tfvars")}
    assert set(files) == {"dev", "prod", "staging"}
    assert {text.count("your-project") for text in files.values()} == {1}
    variables = "-var-file=environments/staging.tfvars"
    assert run_offline(initialised / "terraform", "plan", "-lock=false", variables)


def test_no_key_and_no_value_of_a_secret_is_planned(plans: dict[str, Planned]) -> None:
    kinds = {r["type"] for plan in plans.values() for r in plan.resources}
    assert {"google_cloud_run_v2_service", "google_cloud_run_v2_job"} < kinds
    keys = {kind for kind in kinds if kind.endswith(("_key", "_secret_version"))}
    assert keys == {"google_kms_crypto_key"}  # its private half never leaves Cloud KMS
    for user in plans["everything"].of_kind("google_sql_user").values():
        assert user["type"] == "CLOUD_IAM_SERVICE_ACCOUNT"
        assert not [value for name, value in user.items() if "password" in name and value]
    [database] = plans["everything"].of_kind("google_sql_database_instance").values()
    assert not [value for name, value in database.items() if "password" in name and value]


def test_a_lock_file_that_is_committed_is_a_real_one() -> None:
    """The stand-in's lock names its own checksum, which the real provider cannot match."""
    locks = [SOURCE / module / ".terraform.lock.hcl" for module in ("", "bootstrap")]
    if not any(lock.exists() for lock in locks):
        pytest.skip(
            "no lock file yet: run `make terraform-lock` where registry.terraform.io answers"
        )
    for lock in locks:
        text = lock.read_text()
        assert 'constraints = ">= 7.45.0, < 8.0.0"' in text
        # One for each platform, and one for each archive of the release.
        assert text.count('"h1:') >= 4
        assert text.count('"zh:') >= 8
