"""What must hold of everything that is planned, whatever a table says: one fact a test."""

import base64
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from infra.google_api import DECISIONS
from models.evidence.records import SHARED
from tests.support.running import REPOSITORY
from tests.terraform.conftest import EVERY_PLAN, SOURCE, Planned, run_terraform
from tests.terraform.plan_tables import run_offline


def settings(container: dict[str, Any]) -> dict[str, str]:
    return {env["name"]: env["value"] for env in container["env"]}


def scoring(plan: Planned) -> dict[str, Any]:
    return plan.of_kind("google_cloud_run_v2_service")["scoring"]


# 2.6: one instance kept is one instance paid.


@EVERY_PLAN
def test_the_least_number_of_instances_is_the_services_and_not_a_revisions(
    plans: dict[str, Planned], plan: str
) -> None:
    service = scoring(plans[plan])
    assert service["scaling"][0]["min_instance_count"] == (1 if plan == "everything" else 0)
    assert service["template"][0]["scaling"][0]["min_instance_count"] is None


def test_terraform_does_not_ignore_the_least_number_of_instances() -> None:
    text = (SOURCE / "scoring.tf").read_text()
    [ignored] = re.findall(r"ignore_changes = \[(.*?)\n    \]", text, re.DOTALL)
    names = [line.strip().rstrip(",") for line in ignored.splitlines() if line.strip()]
    assert "scaling" not in names
    assert "scaling[0].manual_instance_count" in names


# 2.7: what only some need.


def test_apis_that_bring_an_editor_along_come_with_their_flags(plans: dict[str, Planned]) -> None:
    def services(plan: str) -> set[str]:
        services = plans[plan].of_kind("google_project_service").values()
        return {service["service"].partition(".")[0] for service in services}

    flagged = {"compute", "cloudfunctions", "bigqueryconnection", "binaryauthorization", "sqladmin"}
    assert services("shipped") & flagged == set()
    assert flagged < services("everything")
    assert "containerscanning" in services("shipped")


def test_decisions_expire_and_stay_out_of_the_general_log(plans: dict[str, Planned]) -> None:
    for plan, days in {"shipped": 1_095, "dev": 30}.items():
        milliseconds = days * 24 * 3600 * 1000
        planned = plans[plan]
        table = planned.of_kind("google_bigquery_table")["decisions"]
        assert table["time_partitioning"][0]["expiration_ms"] == milliseconds
        dataset = planned.of_kind("google_bigquery_dataset")["decisions"]
        assert dataset["default_partition_expiration_ms"] == milliseconds
        sink = planned.of_kind("google_logging_project_sink")["decisions"]
        exclusion = planned.of_kind("google_logging_project_exclusion")["decisions"]
        assert sink["filter"] == exclusion["filter"]
        assert 'jsonPayload.record="decision"' in sink["filter"]


# 2.9: anchors are held back where the environment is, and only there.


def test_anchors_are_kept_as_long_as_records_unless_the_environment_may_be_destroyed(
    plans: dict[str, Planned],
) -> None:
    def retention(plan: str) -> list[Any]:
        bucket = plans[plan].of_kind("google_storage_bucket")["evidence"]
        return [(p["retention_period"], p["is_locked"]) for p in bucket["retention_policy"]]

    days = 1095 * 24 * 3600
    assert retention("shipped") == [(str(days), False)]
    assert retention("everything") == [(str(days), True)]
    assert retention("dev") == []


# 2.12: data is protected, jobs are not.


@EVERY_PLAN
def test_a_model_can_be_taken_out_of_models(plans: dict[str, Planned], plan: str) -> None:
    """A protected job would refuse to go, and the release with it."""
    jobs = plans[plan].of_kind("google_cloud_run_v2_job").values()
    assert jobs
    assert [job["deletion_protection"] for job in jobs] == [False] * len(jobs)


def test_data_is_protected_unless_the_environment_says_otherwise(plans: dict[str, Planned]) -> None:
    for plan, protected in {"shipped": True, "everything": True, "dev": False}.items():
        buckets = plans[plan].of_kind("google_storage_bucket")
        held = [b for name, b in buckets.items() if name in {"models", "evidence"}]
        assert [b["force_destroy"] for b in held] == [not protected] * 2
        table = plans[plan].of_kind("google_bigquery_table")["decisions"]
        assert table["deletion_protection"] is protected


# 2.18: the smaller ones.


def test_the_build_may_set_the_budget_that_it_is_told_to(plans: dict[str, Planned]) -> None:
    granted = plans["everything"].of_kind("google_billing_account_iam_member")
    budget = granted['build_sets_budget["012345-6789AB-CDEF01"]']
    assert budget["role"] == "roles/billing.costsManager"
    assert plans["shipped"].of_kind("google_billing_account_iam_member") == {}
    # A grant on the billing account asks Cloud Billing, on behalf of this project.
    apis = plans["everything"].of_kind("google_project_service")
    assert 'required["cloudbilling.googleapis.com"]' in apis


def test_a_new_uptime_check_is_there_before_the_old_one_goes(tables: dict[str, str]) -> None:
    check = "google_monitoring_uptime_check_config.scoring"
    line = f"| {check} | lifecycle {{ create_before_destroy = true }} |"
    assert line in tables["lifecycle.md"]


def test_the_sidecar_has_its_cpu_all_the_time(plans: dict[str, Planned]) -> None:
    def idle(plan: str) -> list[bool]:
        containers = scoring(plans[plan])["template"][0]["containers"]
        return [container["resources"][0]["cpu_idle"] for container in containers]

    assert idle("shipped") == [True]
    assert idle("everything") == [False, False]


def test_the_edge_sends_plain_http_to_https(plans: dict[str, Planned]) -> None:
    [redirect] = [
        url_map["default_url_redirect"][0]
        for url_map in plans["everything"].of_kind("google_compute_url_map").values()
        if url_map["default_url_redirect"]
    ]
    assert redirect["https_redirect"]
    rules = plans["everything"].of_kind("google_compute_global_forwarding_rule").values()
    assert {rule["port_range"] for rule in rules} == {"80", "443"}


def test_a_secret_is_a_reference_with_a_version(plans: dict[str, Planned]) -> None:
    [container] = scoring(plans["public"])["template"][0]["containers"]
    secrets = {
        env["name"]: env["value_source"][0]["secret_key_ref"][0]
        for env in container["env"]
        if env["value_source"]
    }
    assert {name: (s["secret"], s["version"]) for name, s in secrets.items()} == {
        "API_KEYS": ("surety-api-keys", "3"),
        "API_KEY_PEPPER": ("surety-api-key-pepper", "1"),
    }
    assert "surety-api-keys" not in settings(container).values()


@EVERY_PLAN
def test_every_bucket_is_private_and_comes_back(plans: dict[str, Planned], plan: str) -> None:
    for name, bucket in plans[plan].of_kind("google_storage_bucket").items():
        assert bucket["public_access_prevention"] == "enforced", name
        assert bucket["uniform_bucket_level_access"], name
        # Features are made anew every night, and what is deleted of them must be gone.
        is_made_anew = name.startswith("features[")
        comes_back = bucket["versioning"] or bucket["retention_policy"]
        assert comes_back or plan == "dev" or is_made_anew, name


def test_every_workload_has_an_account_of_its_own(plans: dict[str, Planned]) -> None:
    text = json.dumps(
        [
            resource["values"]
            for resource in plans["everything"].resources
            if re.search("_service$|_job$|_trigger$|_transfer_config$|_workflow$", resource["type"])
        ]
    )
    used = set(re.findall(r"prod-[a-z-]+@example-project\.iam", text))
    accounts = plans["everything"].of_kind("google_service_account")
    workloads = {a["account_id"] for a in accounts.values() if a["account_id"].startswith("prod-")}
    assert {f"{account}@example-project.iam" for account in workloads} == used
    assert len(used) == 20


# The newcomer's list.


def test_an_environment_that_wakes_nobody_brings_a_warning(initialised: Path) -> None:
    arguments = ("plan", "-lock=false", "-no-color", "-var=project_id=example-project")
    warning = "No alert reaches anybody, not even a CRITICAL one"
    assert warning in run_offline(initialised / "terraform", *arguments)
    reached = run_offline(
        initialised / "terraform", *arguments, '-var=alert_emails=["a@b.example"]'
    )
    assert warning not in reached
    asleep = "A CRITICAL alert reaches nobody otherwise than a WARNING does"
    assert asleep in reached
    channel = '-var=urgent_channels=["projects/example-project/notificationChannels/1"]'
    assert asleep not in run_offline(initialised / "terraform", *arguments, channel)


def test_what_wakes_somebody_is_told_of_critical_alerts_alone(plans: dict[str, Planned]) -> None:
    pager = "projects/example-project/notificationChannels/1"
    policies = plans["everything"].of_kind("google_monitoring_alert_policy").values()
    woken = {p["severity"] for p in policies if pager in p["notification_channels"]}
    asleep = {p["severity"] for p in policies if pager not in p["notification_channels"]}
    assert (woken, asleep) == ({"CRITICAL"}, {"WARNING"})
    # Whoever reads warnings reads these too.
    ordinary = "projects/example-project/notificationChannels/42"
    assert all(ordinary in policy["notification_channels"] for policy in policies)


def test_another_environment_in_the_same_project_is_refused(tmp_path: Path) -> None:
    """The resource itself, applied by the real terraform: it needs no provider."""
    if subprocess.run(["which", "terraform"], capture_output=True, check=False).returncode:
        pytest.skip("terraform is not installed: no environment was refused")
    text = (SOURCE / "bootstrap" / "project.tf").read_text()
    [guard] = re.findall(r'^resource "terraform_data".*?^\}', text, re.MULTILINE | re.DOTALL)
    variables = 'variable "project_id" {}\nvariable "environment" {}\n'
    (tmp_path / "main.tf").write_text(variables + guard)
    project = "-var=project_id=example-project"
    assert run_terraform(tmp_path, "init").returncode == 0
    for environment in ("prod", "prod"):
        arguments = ("-auto-approve", project, f"-var=environment={environment}")
        assert run_terraform(tmp_path, "apply", *arguments).returncode == 0
    done = run_terraform(tmp_path, "plan", project, "-var=environment=dev")
    assert done.returncode != 0
    assert "one_environment_a_project has lifecycle.prevent_destroy set" in done.stdout


def test_a_policy_about_networks_or_build_regions_can_be_met(plans: dict[str, Planned]) -> None:
    def ingress(plan: str) -> str:
        service = plans[plan].of_kind("google_cloud_run_v2_service")["retrain"]
        return str(service["ingress"])

    assert (ingress("shipped"), ingress("everything")) == (
        *("INGRESS_TRAFFIC_ALL", "INGRESS_TRAFFIC_INTERNAL_ONLY"),
    )
    [planned] = plans["everything"].of_kind("google_cloud_scheduler_job")['drift["drift"]'][
        "http_target"
    ]
    assert "/locations/europe-west4/builds" in planned["uri"]


def test_who_takes_it_down_keeps_what_the_destroyed_lists_gave() -> None:
    guide = (REPOSITORY / "terraform" / "README.md").read_text()
    _, _, part = guide.partition("## Take it down")
    grants, _, _ = part.partition("terraform -chdir=terraform destroy")
    assert {"roles/storage.admin", "roles/bigquery.dataOwner"} <= set(
        re.findall(r"--role (\S+)", grants)
    )


def test_the_cleanup_of_images_leaves_twenty_releases_with_what_is_attached(
    plans: dict[str, Planned],
) -> None:
    """An image's list of contents and its signature may count as versions, as two images do."""
    [images] = plans["shipped"].of_kind("google_artifact_registry_repository").values()
    policies = {policy["id"]: policy for policy in images["cleanup_policies"]}
    [newest] = policies["keep-newest"]["most_recent_versions"]
    assert newest["keep_count"] >= 20 * 3


# Beyond the first region, and keys of one's own.


def test_copies_stand_in_another_region_under_their_own_key(plans: dict[str, Planned]) -> None:
    buckets = plans["everything"].of_kind("google_storage_bucket")
    for kind in ("models", "evidence"):
        copy = buckets[f'backup["{kind}"]']
        assert copy["location"] == "europe-west4"
        [encryption] = copy["encryption"]
        assert "/locations/europe-west4/" in encryption["default_kms_key_name"]
    jobs = plans["everything"].of_kind("google_storage_transfer_job").values()
    for job in jobs:
        [options] = job["transfer_spec"][0]["transfer_options"]
        assert options["delete_objects_unique_in_sink"] is False
    [copied] = plans["everything"].of_kind("google_bigquery_data_transfer_config").values()
    assert copied["params"]["source_dataset_id"] == "prod_decisions"
    assert plans["shipped"].of_kind("google_storage_transfer_job") == {}


def test_the_copy_of_an_anchor_stays_as_long_as_the_anchor(plans: dict[str, Planned]) -> None:
    buckets = plans["everything"].of_kind("google_storage_bucket")
    original, copy = buckets["evidence"], buckets['backup["evidence"]']
    for argument in ("retention_policy", "lifecycle_rule"):
        assert copy[argument] == original[argument] != []
    # Google Cloud has no bucket with both.
    assert copy["versioning"] == [{"enabled": False}]
    assert buckets['backup["models"]']["retention_policy"] == []


def test_the_account_that_copies_objects_exists_before_it_is_granted_anything() -> None:
    """Google makes it when it is first asked for; the bootstrap asks, after enabling the API."""
    bootstrap = (REPOSITORY / "terraform" / "bootstrap" / "backup.tf").read_text()
    _, _, body = bootstrap.partition('data "google_storage_transfer_project_service_account"')
    assert "depends_on = [google_project_service.required]" in body.partition("\n}")[0]


def test_the_daily_plan_has_the_archive_whose_hash_it_takes(
    plans: dict[str, Planned], tmp_path: Path
) -> None:
    [target] = plans["everything"].of_kind("google_cloud_scheduler_job")['drift["drift"]'][
        "http_target"
    ]
    steps = json.loads(base64.b64decode(target["body"]))["steps"]
    script = steps[0]["args"][1].replace("$$", "$")
    source = plans["everything"].of_kind("google_storage_bucket_object")["source[0]"]["name"]
    gcloud = tmp_path / "gcloud"
    gcloud.write_text(
        f"""#!/bin/sh
case "$3" in
gs://example-project-surety-state/applied/prod.json) echo '{{"terraform/plans/a.tf": "a"}}' ;;
gs://example-project-prod-source/{source}) echo archive >"$4" ;;
*) exit 1 ;;
esac
"""
    )
    gcloud.chmod(0o755)
    script = f"PATH='{tmp_path}':$PATH\n{script}"
    subprocess.run(["sh", "-euc", script], cwd=tmp_path, check=True)
    assert (tmp_path / "terraform" / "plans" / "public.tfvars").read_text() == "archive\n"


def test_no_caller_of_the_function_from_source_can_name_an_address(
    plans: dict[str, Planned],
) -> None:
    """No load balancer stands before it, whatever stands before the service."""
    function = plans["everything"].of_kind("google_cloudfunctions2_function")["scoring[0]"]
    [config] = function["service_config"]
    assert config["environment_variables"]["FORWARDED_HOPS"] == "1"
    assert (
        settings(scoring(plans["everything"])["template"][0]["containers"][0])["FORWARDED_HOPS"]
        == "2"
    )


def test_a_key_of_ones_own_encrypts_all_data(plans: dict[str, Planned]) -> None:
    plan = plans["everything"]
    keys = [b["encryption"] for b in plan.of_kind("google_storage_bucket").values()]
    keys += [
        d["default_encryption_configuration"]
        for n, d in plan.of_kind("google_bigquery_dataset").items()
        if "scoring" not in n
    ]
    keys += [
        d["encryption_key_name"] for d in plan.of_kind("google_sql_database_instance").values()
    ]
    keys += [plan.of_kind("google_bigquery_table")["decisions"]["encryption_configuration"]]
    assert all(keys)
    assert "cryptoKeys" not in json.dumps(plans["shipped"].resources)


def test_what_is_encrypted_with_a_key_waits_until_google_may_use_it(
    tables: dict[str, str],
) -> None:
    for name in (
        *("google_storage_bucket.state", "google_storage_bucket.bootstrap"),
        "google_artifact_registry_repository.images",
    ):
        waits = [r for r in tables["lifecycle.md"].splitlines() if f"/{name} | depends_on" in r]
        assert "google_kms_crypto_key_iam_member.encrypts" in "".join(waits), name


def test_who_read_what_is_written_down(plans: dict[str, Planned]) -> None:
    logs = plans["shipped"].of_kind("google_project_iam_audit_config").values()
    assert {log["service"]: {c["log_type"] for c in log["audit_log_config"]} for log in logs} == {
        "iamcredentials.googleapis.com": {"DATA_READ"},
        "secretmanager.googleapis.com": {"DATA_READ", "DATA_WRITE"},
        "storage.googleapis.com": {"DATA_READ", "DATA_WRITE"},
    }


def test_decisions_are_counted_by_what_a_release_compares(plans: dict[str, Planned]) -> None:
    metrics = plans["shipped"].of_kind("google_logging_metric")
    for counted in DECISIONS.values():
        metric = metrics[f'decisions["{counted}"]']
        assert metric["name"] == f"surety_prod_decisions_{counted}"
        assert metric["value_extractor"] == f"EXTRACT(jsonPayload.{counted})"
        assert set(metric["label_extractors"]) == {"model"}
        assert counted in SHARED


def test_lines_name_the_traces_of_their_own_project(plans: dict[str, Planned]) -> None:
    for plan in ("shipped", "everything"):
        services = plans[plan].of_kind("google_cloud_run_v2_service")
        for name in ("scoring", "retrain"):
            [template] = services[name]["template"]
            variables = {e["name"]: e["value"] for e in template["containers"][0]["env"]}
            assert variables["TRACE_PROJECT"] == "example-project"
            sent = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" in variables
            assert sent is (plan == "everything")


def test_a_release_asks_from_within_where_only_the_edge_answers(
    plans: dict[str, Planned],
) -> None:
    plan = plans["everything"]
    assert plan.of_kind("google_cloud_run_v2_service")["scoring"]["ingress"].endswith("BALANCER")
    [workflow] = plan.of_kind("google_workflows_workflow").values()
    assert workflow["source_contents"] == (REPOSITORY / "infra" / "probe.yaml").read_text()
    account = f"serviceAccount:{workflow['service_account']}"
    [grant] = [g for g in plan.grants if g["member"] == account]
    assert (grant["role"], grant["name"]) == ("roles/run.invoker", "prod-scoring")
    build = [g for g in plan.grants if ".build[" in g["address"]]
    assert {"roles/workflows.editor", "roles/workflows.invoker"} < {g["role"] for g in build}
    assert plans["shipped"].of_kind("google_workflows_workflow") == {}


def test_only_signed_images_start_where_that_is_asked_for(plans: dict[str, Planned]) -> None:
    policy = plans["everything"].of_kind("google_binary_authorization_policy")['project["project"]']
    [rule] = policy["default_admission_rule"]
    assert rule["evaluation_mode"] == "REQUIRE_ATTESTATION"
    assert rule["enforcement_mode"] == "ENFORCED_BLOCK_AND_AUDIT_LOG"
    kinds = ("google_cloud_run_v2_service", "google_cloud_run_v2_job")
    for plan, count in {"everything": 1, "shipped": 0}.items():
        runs = [r for kind in kinds for r in plans[plan].of_kind(kind).values()]
        assert {len(r["binary_authorization"]) for r in runs} == {count}
