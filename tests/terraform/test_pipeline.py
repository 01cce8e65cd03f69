"""The jobs of the data pipeline: their arguments, their times and what they are told."""

from pathlib import Path
from typing import Any

import pytest

from tests.docs.markdown import blocks, page
from tests.terraform.conftest import EVERY_PLAN, Planned
from tests.terraform.plan_tables import run_offline
from training.cli import build_parser
from training.settings import settings_from_environment

# The promised times, in UTC; quality is between ingestion and the features, which wait for it.
SCHEDULES = {
    "ingest-core-banking": "0 2 * * *",
    "ingest-crm": "0 2 * * *",
    "ingest-macro": "0 2 * * *",
    "quality": "0 3 * * *",
    "features": "0 4 * * *",
    "snapshot-customer": "0 5 * * *",
    "monitor-application": "0 6 * * *",
    "monitor-card-default": "0 6 * * *",
    "monitor-customer": "0 6 * * *",
    "monitor-instalment": "0 6 * * *",
    "monthly-customer": "0 5 1 * *",
    "quarterly-customer": "0 7 2 1,4,7,10 *",
    "yearly-customer": "0 8 3 1 *",
}


@pytest.fixture
def jobs(plans: dict[str, Planned]) -> dict[str, dict[str, Any]]:
    """What runs in each job of the pipeline, by the job's name without its prefix."""
    planned = plans["everything"].of_kind("google_cloud_run_v2_job").values()
    return {
        job["name"].removeprefix("prod-pipeline-"): job["template"][0]["template"][0]
        for job in planned
        if job["name"].startswith("prod-pipeline-")
    }


def environment(job: dict[str, Any]) -> dict[str, str]:
    """What a job is told; of a secret, its name and version."""
    [container] = job["containers"]
    variables = {}
    for env in container["env"]:
        value = env["value"]
        for source in env["value_source"]:
            [reference] = source["secret_key_ref"]
            value = f"{reference['secret']}:{reference['version']}"
        variables[env["name"]] = value
    return variables


def test_nothing_is_there_without_the_flag(plans: dict[str, Planned]) -> None:
    for plan in ("shipped", "public", "dev"):
        addresses = [r["address"] for r in plans[plan].resources]
        assert not [n for n in addresses if ".pipeline[" in n or "lake" in n or "warehouse" in n]


def test_times_are_the_promised_ones_and_each_starts_its_own_job(plans: dict[str, Planned]) -> None:
    planned = plans["everything"].of_kind("google_cloud_scheduler_job").items()
    schedules = {name: job for name, job in planned if name.startswith("pipeline[")}
    assert {
        job["name"].removeprefix("prod-pipeline-"): job["schedule"] for job in schedules.values()
    } == SCHEDULES
    for job in schedules.values():
        assert job["time_zone"] == "Etc/UTC"
        assert job["http_target"][0]["uri"].endswith(f"/jobs/{job['name']}:run")
    weekly = dict(planned)['training["customer"]']
    assert weekly["schedule"] == "0 1 * * 0"


@EVERY_PLAN
def test_every_job_is_a_command_of_training(plans: dict[str, Planned], plan: str) -> None:
    parser = build_parser(settings_from_environment({}))
    for address, job in plans[plan].of_kind("google_cloud_run_v2_job").items():
        if address.startswith(("batch[", "lending[")):  # of another function: test_<its name>.py
            continue
        [container] = job["template"][0]["template"][0]["containers"]
        assert parser.parse_args(container["args"]).run, job["name"]


def test_a_job_is_for_yesterday_because_a_night_follows_a_whole_day(
    jobs: dict[str, dict[str, Any]],
) -> None:
    for name in ("ingest-crm", "quality", "features", "snapshot-customer", "monitor-customer"):
        [container] = jobs[name]["containers"]
        assert container["args"][-2:] == ["--day", "yesterday"], name
    [monthly] = jobs["monthly-customer"]["containers"]
    assert monthly["args"][-2:] == ["--last-months", "3"]


def test_a_job_is_told_what_training_reads(jobs: dict[str, dict[str, Any]]) -> None:
    crm = settings_from_environment(environment(jobs["ingest-crm"])).pipeline
    assert crm.lake_uri == "gs://example-project-prod-lake"
    assert crm.warehouse_url == "bigquery://example-project/prod_warehouse?location=europe-west1"
    assert crm.addresses == {"crm": "gs://example-drops/crm"}
    assert str(crm.source_file) == "own_models/sources.toml"
    core = settings_from_environment(environment(jobs["ingest-core-banking"])).pipeline
    assert core.addresses == {"core_banking": "surety-core-banking:1"}
    macro = settings_from_environment(environment(jobs["ingest-macro"])).pipeline
    assert macro.tokens == {"macro": "surety-macro-token:2"}
    quality = settings_from_environment(environment(jobs["quality"])).pipeline
    assert str(quality.quality_file) == "own_models/quality.toml"
    monitor = settings_from_environment(environment(jobs["monitor-customer"]))
    assert monitor.model_store == "gs://example-project-prod-models"


def test_training_from_the_warehouse_is_told_where_it_is(plans: dict[str, Planned]) -> None:
    planned = plans["everything"].of_kind("google_cloud_run_v2_job")
    reads = {
        name: "WAREHOUSE_URL" in environment(job["template"][0]["template"][0])
        for name, job in planned.items()
        if name.startswith("training[")
    }
    assert reads == {
        'training["application"]': False,
        'training["card_default"]': False,
        'training["customer"]': True,
        'training["instalment"]': False,
    }


def test_only_ingestion_is_in_the_network_of_its_sources(jobs: dict[str, dict[str, Any]]) -> None:
    inside = {name for name, job in jobs.items() if job["vpc_access"]}
    assert inside == {"ingest-core-banking", "ingest-crm", "ingest-macro"}


def test_rows_about_people_leave_the_lake_after_their_time(plans: dict[str, Planned]) -> None:
    lake = plans["everything"].of_kind("google_storage_bucket")['lake["pipeline"]']
    ages = [
        rule["condition"][0]["age"]
        for rule in lake["lifecycle_rule"]
        if rule["condition"][0]["age"]
    ]
    assert ages == [1_095]


@pytest.mark.parametrize("guide", ["data-pipeline", "airflow"])
def test_the_variables_of_the_guides_are_planned(
    initialised: Path, tmp_path: Path, guide: str
) -> None:
    [block] = blocks(page(guide), "hcl")
    (tmp_path / "guide.tfvars").write_text(block)
    planned = run_offline(
        initialised / "terraform",
        *("plan", "-lock=false", "-no-color", "-compact-warnings"),
        "-var=project_id=example-project",
        f"-var-file={tmp_path / 'guide.tfvars'}",
        "-var=enable_pipeline=true",
    )
    assert 'google_cloud_run_v2_job.pipeline["ingest-crm"] will be created' in planned
    scheduled = "google_cloud_scheduler_job.pipeline" in planned
    assert scheduled is (guide == "data-pipeline")
