"""Batches in Google Cloud: two ways in, accounts that replace nothing, tasks that fit a file."""

from pathlib import Path
from typing import Any

import pytest

from functions.batch.settings import settings_from
from tests.docs.markdown import blocks, page
from tests.terraform.conftest import Planned
from tests.terraform.plan_tables import run_offline
from tests.terraform.test_pipeline import environment
from tests.terraform.test_rights import rights_over

INBOX, BATCHES = "example-project-prod-inbox", "example-project-prod-batches"


@pytest.fixture
def everything(plans: dict[str, Planned]) -> Planned:
    """The plan in which batches are."""
    return plans["everything"]


@pytest.fixture
def service(everything: Planned) -> dict[str, Any]:
    planned: dict[str, Any] = everything.of_kind("google_cloud_run_v2_service")['batch["batch"]']
    return planned


@pytest.fixture
def api(everything: Planned) -> dict[str, Any]:
    planned = everything.of_kind("google_cloud_run_v2_service")
    service: dict[str, Any] = planned['batch["batch-api"]']
    return service


@pytest.fixture
def job(everything: Planned) -> dict[str, Any]:
    planned: dict[str, Any] = everything.of_kind("google_cloud_run_v2_job")['batch["batch"]']
    return planned


def test_nothing_is_there_without_the_flag(plans: dict[str, Planned]) -> None:
    for plan in ("shipped", "public", "dev"):
        addresses = [resource["address"] for resource in plans[plan].resources]
        assert not [a for a in addresses if ".batch" in a or "inbox" in a or "eventarc" in a]


def test_events_are_the_only_callers_and_come_from_within(
    everything: Planned, service: dict[str, Any]
) -> None:
    assert service["ingress"] == "INGRESS_TRAFFIC_INTERNAL_ONLY"
    assert not service.get("invoker_iam_disabled")
    callers = {
        grant["member"]
        for grant in everything.grants
        if grant.get("name") == "prod-batch" and grant["role"] == "roles/run.invoker"
    }
    assert callers == {"serviceAccount:prod-inbox@example-project.iam.gserviceaccount.com"}


def test_the_api_is_called_by_its_invokers_and_the_dashboard_with_tokens_of_the_issuer(
    everything: Planned, api: dict[str, Any]
) -> None:
    callers = {
        grant["member"]
        for grant in everything.grants
        if grant.get("name") == "prod-batch-api" and grant["role"] == "roles/run.invoker"
    }
    domain = "example-project.iam.gserviceaccount.com"
    assert callers == {f"serviceAccount:prod-dashboard@{domain}", f"serviceAccount:front@{domain}"}
    assert (api["ingress"], api["invoker_iam_disabled"]) == ("INGRESS_TRAFFIC_ALL", None)
    settings = settings_from(
        environment(api["template"][0])
        | {"K_SERVICE": "prod-batch-api", "PORT": "8080", "DECISION_LOG_KEY": "k" * 32}
    )
    assert settings.access.auth == "jwt"
    assert settings.inputs == ()  # nobody names a file of another sender


def test_the_api_scores_between_requests_and_one_instance_has_the_queue(
    api: dict[str, Any], service: dict[str, Any]
) -> None:
    [container] = api["template"][0]["containers"]
    assert container["resources"][0]["cpu_idle"] is False
    assert container["startup_probe"][0]["http_get"][0]["path"] == "/health/live"
    [scaling] = api["template"][0]["scaling"]
    assert (scaling["min_instance_count"], scaling["max_instance_count"]) == (0, 1)
    [events] = service["template"][0]["containers"]
    assert events["resources"][0]["cpu_idle"] is True


def test_a_file_in_the_inbox_and_no_other_event_is_told(everything: Planned) -> None:
    [trigger] = everything.of_kind("google_eventarc_trigger").values()
    criteria = {c["attribute"]: c["value"] for c in trigger["matching_criteria"]}
    assert criteria == {"type": "google.cloud.storage.object.v1.finalized", "bucket": INBOX}
    assert trigger["destination"][0]["cloud_run_service"][0]["service"] == "prod-batch"
    assert trigger["service_account"].startswith("prod-inbox@")


def test_the_account_creates_and_can_replace_or_delete_nothing(everything: Planned) -> None:
    assert rights_over(everything, "batch") == {
        ("storage.objectViewer", "example-project-prod-models", ""),
        ("storage.objectViewer", INBOX, ""),
        ("storage.objectViewer", BATCHES, ""),
        ("storage.objectCreator", BATCHES, ""),
        ("storage.objectCreator", "example-project-prod-evidence", ""),
        ("run.jobsExecutorWithOverrides", "prod-batch", ""),
        ("secretmanager.secretAccessor", "surety-decision-log-key", ""),
    }
    assert rights_over(everything, "batch-api") == {
        ("storage.objectViewer", "example-project-prod-models", ""),
        ("storage.objectViewer", BATCHES, ""),
        ("storage.objectCreator", BATCHES, ""),
        ("storage.objectCreator", "example-project-prod-evidence", ""),
        ("run.jobsExecutorWithOverrides", "prod-batch", ""),
        ("secretmanager.secretAccessor", "surety-decision-log-key", ""),
    }
    assert rights_over(everything, "inbox") == {
        ("eventarc.eventReceiver", "example-project", ""),
        ("run.invoker", "prod-batch", ""),
    }


def test_senders_and_readers_have_one_right_each(everything: Planned) -> None:
    granted = {
        grant["member"]: (grant["role"], grant["bucket"])
        for grant in everything.grants
        if grant.get("bucket") in {INBOX, BATCHES}
    }
    sender = "serviceAccount:core@example-project.iam.gserviceaccount.com"
    assert granted[sender] == ("roles/storage.objectCreator", INBOX)
    assert granted["group:risk@example.com"] == ("roles/storage.objectViewer", BATCHES)


def test_service_and_job_accept_what_they_are_told(
    service: dict[str, Any], api: dict[str, Any], job: dict[str, Any]
) -> None:
    variables = environment(service["template"][0])
    assert variables["DECISION_LOG_KEY"] == "surety-decision-log-key:2"
    settings = settings_from(
        variables | {"K_SERVICE": "prod-batch", "PORT": "8080", "DECISION_LOG_KEY": "k" * 32}
    )
    assert settings.batches_uri == f"gs://{BATCHES}"
    assert settings.job == f"projects/example-project/locations/europe-west1/jobs/{job['name']}"
    [container] = job["template"][0]["template"][0]["containers"]
    job_variables = environment(job["template"][0]["template"][0])
    shared = {"BATCH_STORE", "CREDIT_MODELS", "DECISION_ANCHOR_STORE", "MODEL_STORE"}
    assert set(job_variables) == shared | {"DECISION_LOG_KEY"}
    assert {name: job_variables[name] for name in shared} == {
        name: variables[name] for name in shared
    }
    assert {name: environment(api["template"][0])[name] for name in (*shared, "BATCH_JOB")} == {
        name: variables[name] for name in (*shared, "BATCH_JOB")
    }
    assert container["image"] == service["template"][0]["containers"][0]["image"]


def test_eight_tasks_of_a_gibibyte_share_a_file_at_once(job: dict[str, Any]) -> None:
    [template] = job["template"]
    assert (template["task_count"], template["parallelism"]) == (8, 8)
    [container] = template["template"][0]["containers"]
    assert container["resources"][0]["limits"] == {"cpu": "1", "memory": "1Gi"}
    assert template["template"][0]["max_retries"] == 3


def test_files_leave_the_inbox_and_results_stay_as_long_as_decisions(everything: Planned) -> None:
    buckets = everything.of_kind("google_storage_bucket")
    ages = {
        name: next(r["condition"][0]["age"] for r in buckets[name]["lifecycle_rule"])
        for name in ('batch["inbox"]', 'batch["batches"]')
    }
    assert ages == {'batch["inbox"]': 30, 'batch["batches"]': 1_095}


def test_the_variables_of_the_guide_are_planned(initialised: Path, tmp_path: Path) -> None:
    [block] = blocks(page("batch"), "hcl")
    (tmp_path / "guide.tfvars").write_text(block)
    planned = run_offline(
        initialised / "terraform",
        *("plan", "-lock=false", "-no-color", "-compact-warnings"),
        "-var=project_id=example-project",
        f"-var-file={tmp_path / 'guide.tfvars'}",
    )
    assert 'google_cloud_run_v2_job.batch["batch"] will be created' in planned
    assert "task_count  = 16" in planned
