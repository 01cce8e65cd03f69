"""Terraform's own checks, and each safety property broken once on purpose."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.running import REPOSITORY
from tests.terraform.conftest import planned, run_terraform

SOURCE = REPOSITORY / "terraform"
MODULES = pytest.mark.parametrize("module", ["terraform", "terraform/bootstrap"])


@MODULES
def test_a_module_is_formatted_and_valid(initialised: Path, module: str) -> None:
    for command in (["fmt", "-check"], ["validate"]):
        done = run_terraform(initialised / module, *command)
        assert done.returncode == 0, done.stdout


@MODULES
def test_every_safety_property_holds(initialised: Path, module: str) -> None:
    done = run_terraform(initialised / module, "test")
    assert done.returncode == 0, done.stdout
    runs = [
        name
        for path in (SOURCE.parent / module / "tests").glob("*.hcl")
        for name in re.findall(r'^run "(\w+)"', path.read_text(), re.MULTILINE)
    ]
    assert f"{len(runs)} passed, 0 failed" in done.stdout


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
        "scoring.tf",
        "AUTH                  = var.auth",
        'AUTH                  = "none"',
        "The scoring service must rely on Cloud Run's check of identities",
    ),
    Break(
        "retrain.tf",
        'AUTH                   = "iam"',
        'AUTH                   = "none"',
        "The retrain service must rely on Cloud Run's check of identities",
    ),
    Break(
        "retrain.tf",
        'resource "google_cloud_run_v2_service_iam_member" "operator_retrains" {\n'
        "  for_each = var.operators",
        'resource "google_cloud_run_v2_service_iam_member" "operator_retrains" {\n'
        '  for_each = setunion(["allUsers"], var.operators)',
        "Only operators and the daily look may call the retrain service",
    ),
    Break(
        "retrain.tf",
        "max_instance_count = 1",
        "max_instance_count = 2",
        "Two requests at once must not start two training runs",
    ),
    Break(
        "bucket.tf",
        '"roles/storage.objectViewer"\n  member = "serviceAccount:${local.accounts.scoring}"',
        '"roles/storage.objectAdmin"\n  member = "serviceAccount:${local.accounts.scoring}"',
        "Scoring may only read the model bucket",
    ),
    Break(
        "bucket.tf",
        '"roles/storage.objectCreator"',
        '"roles/storage.objectUser"',
        "Training may create objects, not replace or delete them",
    ),
    Break(
        "bucket.tf",
        "/objects/champions/",
        "/objects/",
        "Training may replace objects under champions/ only",
    ),
    Break(
        "bucket.tf",
        '["moves", "proposals"]',
        '["moves"]',
        "Nobody may replace or remove the record of a move",
    ),
    Break(
        "bucket.tf",
        'retrain_records" {\n  bucket = google_storage_bucket.models.name\n'
        '  role   = "roles/storage.objectCreator"',
        'retrain_records" {\n  bucket = google_storage_bucket.models.name\n'
        '  role   = "roles/storage.objectUser"',
        "The retrain service may create objects under champions/ only",
    ),
    Break(
        "bootstrap/accounts.tf",
        '"storage.objects.list"]',
        '"storage.objects.list", "storage.objects.create"]',
        "The right to prune must not be a right to write",
    ),
    Break(
        "bucket.tf",
        '"enforced"',
        '"inherited"',
        "The model bucket must never be public",
    ),
    Break(
        "evidence.tf",
        '"roles/storage.objectCreator"',
        '"roles/storage.objectUser"',
        "Scoring may create anchors, not read, replace or delete them",
    ),
    Break(
        "evidence.tf",
        "retention_period = var.decision_log_days * 24 * 3600",
        "retention_period = 60",
        "An anchor must be kept as long as the records it vouches for",
    ),
    Break(
        "evidence.tf",
        '"enforced"',
        '"inherited"',
        "The bucket of anchors must never be public",
    ),
    Break(
        "schedule.tf",
        '"roles/run.invoker"',
        '"roles/run.developer"',
        "The scheduler's account may run the jobs and nothing else",
    ),
    Break(
        "schedule.tf",
        "local.accounts.schedule",
        "local.accounts.training",
        "Every workload must run under an account of its own",
    ),
    Break(
        "scoring.tf",
        "for_each = var.secrets\n\n        content {",
        "for_each = {}\n\n        content {",
        "A secret must reach the service as a reference to Secret Manager",
    ),
    Break(
        "decisions.tf",
        'description = "Decision records live in BigQuery only."\n  filter      = local.decisions',
        'description = "Decision records live in BigQuery only."\n  filter      = "severity=DEBUG"',
        "What goes to the decision log must not stay in the log that everyone reads",
    ),
    Break(
        "decisions.tf",
        "default_partition_expiration_ms = var.decision_log_days * 24 * 3600 * 1000",
        "default_partition_expiration_ms = null",
        "Decision records must expire after decision_log_days",
    ),
    Break(
        "alerts.tf",
        "notification_channels = local.channels",
        "notification_channels = []",
        "Every alert must go to every channel",
    ),
    Break(
        "bigquery.tf",
        '"roles/run.invoker"',
        '"roles/run.admin"',
        "The connection's account may call the scoring service",
    ),
    Break(
        "bigquery.tf",
        "/bigquery/${each.key}",
        "/bigquery/application2",
        "A remote function must call the route of its own model",
    ),
    Break(
        "edge.tf",
        "security_policy       = google_compute_security_policy.scoring",
        "custom_request_headers = [] # google_compute_security_policy.scoring",
        "The edge must limit rates",
    ),
    Break(
        "scoring.tf",
        '"INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"',
        '"INGRESS_TRAFFIC_ALL"',
        "With edge_only, nothing may reach the service around the edge",
    ),
    Break(
        "bootstrap/build.tf",
        '"roles/run.admin",',
        '"roles/run.admin", "roles/editor",',
        "The build account must not own the project",
    ),
    Break(
        "bootstrap/github.tf",
        ":ref:refs/heads/main",
        ":pull_request",
        "Only the named repository's main branch may submit builds",
    ),
)


@pytest.fixture(scope="module")
def said_of_the_broken(initialised: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What `terraform test` says where every property is broken at once."""
    folder = tmp_path_factory.mktemp("broken") / "copy"
    subprocess.run(["cp", "-r", str(initialised), str(folder)], check=True)
    for case in BREAKS:
        path = folder / "terraform" / case.file
        source = path.read_text()
        assert case.sound in source, case
        path.write_text(source.replace(case.sound, case.broken, 1))
    modules = (folder / "terraform", folder / "terraform" / "bootstrap")
    return " ".join(run_terraform(module, "test").stdout for module in modules)


@pytest.mark.parametrize("case", BREAKS, ids=lambda case: case.message)
def test_a_broken_safety_property_is_noticed(said_of_the_broken: str, case: Break) -> None:
    assert case.message in said_of_the_broken


EVERYTHING = (
    *("-var=enable_edge=true", "-var=edge_only=true", "-var=domain=credit.example.com"),
    "-var=enable_prometheus=true",
    *("-var=source_archive=variables.tf", "-var=billing_account=012345-6789AB-CDEF01"),
    "-var=enable_bigquery=true",
    *('-var=secrets={API_KEYS="surety-api-keys"}', '-var=alert_emails=["oncall@example.com"]'),
)


@pytest.mark.parametrize("environment", ["dev", "prod"])
@pytest.mark.parametrize("flags", [(), EVERYTHING], ids=["off", "on"])
def test_editing_one_file_leads_to_a_plan_without_keys_and_secrets(
    copied: Path, environment: str, flags: tuple[str, ...]
) -> None:
    tfvars = copied / "terraform" / "environments" / f"{environment}.tfvars"
    text = tfvars.read_text()
    assert text.count("your-project") == 1
    tfvars.write_text(text.replace("your-project", "example-project"))
    resources = planned(
        copied / "terraform", f"-var-file=environments/{environment}.tfvars", *flags
    )
    kinds = {resource["type"] for resource in resources}
    assert {"google_cloud_run_v2_service", "google_cloud_run_v2_job"} < kinds
    assert not {kind for kind in kinds if kind.endswith(("_key", "_secret_version"))}
    assert ("google_compute_security_policy" in kinds) == bool(flags)
    assert ("google_bigquery_routine" in kinds) == bool(flags)
    public = [r["address"] for r in resources if r["values"].get("member") == "allUsers"]
    assert public == []


def test_the_bootstrap_leads_to_a_plan(copied: Path) -> None:
    resources = planned(copied / "terraform" / "bootstrap", "-var=project_id=example-project")
    names = {resource["address"] for resource in resources}
    assert {"google_storage_bucket.state", "google_service_account.build"} < names


def resources() -> list[tuple[str, str, str]]:
    """Kind, name and text of every resource of both modules."""
    pattern = re.compile(r'^resource "(\w+)" "(\w+)" \{\n(.*?)^\}', re.MULTILINE | re.DOTALL)
    return [m for path in SOURCE.rglob("*.tf") for m in pattern.findall(path.read_text())]


@pytest.mark.parametrize(
    ("account", "grants"),
    [
        ("scoring", {"scoring_reads", "scoring_anchors", "scoring_writes_metrics"}),
        (
            "training",
            {"training_reads", "training_creates", "training_promotes", "training_reads_data"},
        ),
        ("schedule", {"schedule_runs"}),
        (
            "retrain",
            {
                *("retrain_runs", "retrain_looks"),
                *("retrain_reads", "retrain_promotes", "retrain_records"),
            },
        ),
        ("watch", {"watch_asks"}),
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


def test_grants_are_single_members_and_none_is_over_the_project_but_bootstraps() -> None:
    """A binding or a policy would say who else may, out of sight of the tests of members."""
    kinds = {kind for kind, _, _ in resources()}
    assert "google_storage_bucket" in kinds
    assert not {k for k in kinds if re.search(r"_key$|_iam_(binding|policy|audit_config)$", k)}
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


@pytest.mark.parametrize("function", ["scoring", "retrain"])
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
