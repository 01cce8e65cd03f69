"""Who may do what, in every plan: one fact a test; terraform/plans/iam.md has every right."""

import json
import re
from typing import Any

import pytest

from tests.support.running import REPOSITORY
from tests.terraform.conftest import EVERY_PLAN, Planned


def roles(plan: Planned, member: str) -> set[str]:
    return {grant["role"] for grant in plan.grants if grant["member"] == member}


def build_roles(plan: Planned) -> dict[str, str]:
    """Roles of the build account over the project, with their conditions."""
    return {
        grant["role"]: (grant.get("condition") or [{"expression": ""}])[0]["expression"]
        for grant in plan.grants
        if re.match(r"google_project_iam_member\.build", grant["address"]) and grant.get("role")
    }


def settings(container: dict[str, Any]) -> dict[str, str]:
    return {env["name"]: env["value"] for env in container["env"]}


def scoring(plan: Planned) -> dict[str, Any]:
    return plan.of_kind("google_cloud_run_v2_service")["scoring"]


# 2.1 and 2.2: logins from elsewhere, and what they may do.


def test_github_is_known_by_immutable_numbers_and_not_by_its_subject(
    plans: dict[str, Planned],
) -> None:
    providers = plans["everything"].of_kind("google_iam_workload_identity_pool_provider")
    condition = providers['github["github"]']["attribute_condition"]
    assert condition == (
        "assertion.repository_id == '123456' && assertion.repository_owner_id == '7890'"
        " && assertion.ref == 'refs/heads/main' && assertion.environment == 'prod'"
        " && assertion.event_name in ['push', 'workflow_dispatch']"
    )
    assert "assertion.sub" not in json.dumps(providers)
    members = {grant["member"] or "" for grant in plans["everything"].grants}
    assert any(member.endswith("/attribute.repository_id/123456") for member in members)


def test_bitbucket_is_known_by_its_identifiers_and_audience(plans: dict[str, Planned]) -> None:
    providers = plans["everything"].of_kind("google_iam_workload_identity_pool_provider")
    provider = providers['bitbucket["bitbucket"]']
    assert provider["attribute_condition"] == (
        "assertion.workspaceUuid == '{00000000-0000-0000-0000-000000000001}'"
        " && assertion.repositoryUuid == '{00000000-0000-0000-0000-000000000002}'"
        " && assertion.branchName == 'main'"
        " && assertion.deploymentEnvironmentUuid == '{00000000-0000-0000-0000-000000000003}'"
    )
    assert provider["oidc"][0]["allowed_audiences"] == [
        "ari:cloud:bitbucket::workspace/00000000-0000-0000-0000-000000000001"
    ]


def test_the_submit_account_sees_the_bucket_it_uploads_to(plans: dict[str, Planned]) -> None:
    """`gcloud builds submit` reads the bucket first, and gives up where it may not."""
    submit = {g["role"]: g for g in plans["everything"].grants if ".submit_" in g["address"]}
    seeing = submit["roles/storage.bucketViewer"]
    assert (seeing["bucket"], seeing["condition"]) == ("example-project-surety-state", [])
    [condition] = submit["roles/storage.objectUser"]["condition"]
    assert condition["expression"].endswith('/objects/source/")')
    assert {"roles/cloudbuild.builds.editor", "roles/logging.viewer"} < set(submit)


def test_the_submit_account_reads_the_log_of_its_build_and_what_is_served(
    plans: dict[str, Planned],
) -> None:
    """`gcloud builds submit` shows a log from its object; `make serving` reads Cloud Run."""
    submit = {g["role"]: g for g in plans["everything"].grants if ".submit_" in g["address"]}
    [condition] = submit["roles/storage.objectViewer"]["condition"]
    assert condition["expression"].endswith('/objects/logs/")')
    assert "roles/run.viewer" in submit
    script = (REPOSITORY / "infra" / "submit.sh").read_text()
    assert '--gcs-log-dir="gs://$state_bucket/logs"' in script


def test_a_build_of_the_next_project_may_copy_images_and_do_nothing_else_here(
    plans: dict[str, Planned],
) -> None:
    build = "serviceAccount:surety-build@example-next.iam.gserviceaccount.com"
    [grant] = [grant for grant in plans["everything"].grants if grant["member"] == build]
    assert grant["role"] == "roles/artifactregistry.reader"
    guide = (REPOSITORY / "terraform" / "README.md").read_text()
    assert "bootstrap `prod` first: its account `surety-build` must exist" in guide
    assert not any("example-next" in str(grant["member"]) for grant in plans["shipped"].grants)


def test_only_the_build_signs_and_what_it_signs_with_is_what_scripts_name(
    plans: dict[str, Planned],
) -> None:
    plan = plans["everything"]
    signing = [g for g in plan.grants if re.search(r"\.build_(signs|attaches)", g["address"])]
    assert {g["role"].removeprefix("roles/") for g in signing} == {
        *("cloudkms.signerVerifier", "containeranalysis.notes.attacher"),
        *("containeranalysis.occurrences.editor", "binaryauthorization.attestorsViewer"),
    }
    [ring] = plan.of_kind("google_kms_key_ring").values()
    [key] = plan.of_kind("google_kms_crypto_key").values()
    [attestor] = plan.of_kind("google_binary_authorization_attestor").values()
    script = (REPOSITORY / "infra" / "environment.sh").read_text()
    assert f"/keyRings/{ring['name']}/cryptoKeys/{key['name']}/cryptoKeyVersions/1" in script
    assert f"/attestors/{attestor['name']}" in script
    assert key["purpose"] == "ASYMMETRIC_SIGN"


def test_without_a_pipeline_nobody_logs_in_from_elsewhere(plans: dict[str, Planned]) -> None:
    assert plans["shipped"].of_kind("google_iam_workload_identity_pool") == {}
    assert "submit" not in json.dumps([g["address"] for g in plans["shipped"].grants])


# 2.5: people may do what the runbook tells them to.


@pytest.mark.parametrize(
    ("member", "needed"),
    [
        ("group:risk@example.com", {"bigquery.dataViewer", "bigquery.jobUser"}),
        (
            "user:operator@example.com",
            {"run.viewer", "run.invoker", "logging.viewer", "storage.objectViewer"},
        ),
        ("group:oncall@example.com", {"run.developer", "iam.serviceAccountUser", "logging.viewer"}),
    ],
)
def test_people_have_what_their_part_takes(
    plans: dict[str, Planned], member: str, needed: set[str]
) -> None:
    everywhere = {"roles/serviceusage.serviceUsageConsumer"}
    assert {f"roles/{role}" for role in needed} | everywhere <= roles(plans["shipped"], member)


def test_operators_pause_schedules_and_change_none(plans: dict[str, Planned]) -> None:
    custom = plans["shipped"].of_kind("google_project_iam_custom_role")["scheduling"]
    verbs = {permission.rpartition(".")[2] for permission in custom["permissions"]}
    assert verbs == {"enable", "get", "list", "pause"}
    assert f"projects/example-project/roles/{custom['role_id']}" in roles(
        plans["shipped"], "user:operator@example.com"
    )


def test_responders_repair_what_answers_callers_and_nothing_else(plans: dict[str, Planned]) -> None:
    strong = [
        (grant["role"], grant.get("name") or grant["address"])
        for grant in plans["everything"].grants
        if grant["member"] == "group:oncall@example.com" and "viewer" not in grant["role"].lower()
    ]
    acting, beside = (
        f"google_service_account_iam_member.responder_acts_{name}" for name in ("as", "beside")
    )
    assert sorted(strong)[:-1] == [
        ("roles/iam.serviceAccountUser", f'{acting}["group:oncall@example.com"]'),
        ("roles/iam.serviceAccountUser", f'{acting}_lending["group:oncall@example.com"]'),
        *(
            ("roles/iam.serviceAccountUser", f'{beside}["{account} group:oncall@example.com"]')
            for account in ("batch", "batch-api", "dashboard")
        ),
        *(
            ("roles/run.developer", f"prod-{service}")
            for service in ("batch", "batch-api", "dashboard", "lending", "scoring")
        ),
    ]
    assert len(strong) == 11  # and to be counted against the project


def test_functions_in_sql_can_be_called_by_those_who_are_named(plans: dict[str, Planned]) -> None:
    analysts = "group:analysts@example.com"
    assert roles(plans["everything"], analysts) == {
        *("roles/bigquery.connectionUser", "roles/bigquery.dataViewer"),
        *("roles/bigquery.jobUser", "roles/serviceusage.serviceUsageConsumer"),
    }
    assert roles(plans["shipped"], analysts) == set()


# 2.7: what Google grants by default is taken away.


@EVERY_PLAN
def test_no_bucket_is_open_to_those_who_only_view_or_edit_the_project(
    plans: dict[str, Planned], plan: str
) -> None:
    buckets = {b["name"] for b in plans[plan].of_kind("google_storage_bucket").values()}
    left = {
        (binding["bucket"], binding["role"]): binding["members"]
        for binding in plans[plan].of_kind("google_storage_bucket_iam_binding").values()
    }
    owners = ["projectOwner:example-project"]
    assert left == {
        (bucket, f"roles/storage.legacy{kind}{who}"): owners if who == "Owner" else []
        for bucket in buckets
        for kind in ("Bucket", "Object")
        for who in ("Owner", "Reader")
    }


@EVERY_PLAN
def test_the_decision_logs_access_is_a_complete_list(plans: dict[str, Planned], plan: str) -> None:
    bindings = plans[plan].of_kind("google_bigquery_dataset_iam_binding")
    access = {b["role"]: b["members"] for n, b in bindings.items() if n.startswith("decisions_")}
    build = "serviceAccount:surety-build@example-project.iam.gserviceaccount.com"
    copies = "serviceAccount:prod-backup@example-project.iam.gserviceaccount.com"
    measures = "serviceAccount:prod-monitor@example-project.iam.gserviceaccount.com"
    assert access == {
        "roles/bigquery.dataOwner": ["projectOwners", build],
        "roles/bigquery.dataEditor": ["serviceAccount:<writer of the sink>"],
        "roles/bigquery.dataViewer": [
            *("group:risk@example.com", *([copies, measures] if plan == "everything" else []))
        ],
    }


# 2.11: public without a public member.


@EVERY_PLAN
def test_nobody_is_everybody(plans: dict[str, Planned], plan: str) -> None:
    public = [g for g in plans[plan].grants if str(g["member"]).startswith("all")]
    assert public == []
    assert scoring(plans[plan])["invoker_iam_disabled"] == (plan == "public")
    retrain = plans[plan].of_kind("google_cloud_run_v2_service")["retrain"]
    assert not retrain["invoker_iam_disabled"]
    assert settings(retrain["template"][0]["containers"][0])["AUTH"] == "iam"


# 2.16: what the build may do.


def test_the_build_owns_the_environments_buckets_and_no_others(plans: dict[str, Planned]) -> None:
    conditions = build_roles(plans["everything"])
    assert conditions["roles/storage.admin"] == (
        'resource.name.startsWith("projects/_/buckets/example-project-prod-")'
    )
    assert not re.search(
        "bigquery.(dataOwner|admin)|owner$|editor$|secret|iam",
        "|".join(role for role in conditions if role != "roles/monitoring.editor"),
    )
    making = plans["shipped"].of_kind("google_project_iam_custom_role")["making"]
    assert making["permissions"] == ["bigquery.datasets.create", "storage.buckets.create"]


def test_the_bootstraps_state_is_where_the_build_has_no_right(plans: dict[str, Planned]) -> None:
    bucket = "example-project-surety-bootstrap"
    rights = {
        (grant["role"], grant["member"])
        for grant in plans["everything"].grants
        if grant.get("bucket") == bucket
    }
    owner = "projectOwner:example-project"
    assert {member for _, member in rights} == {owner, None}  # and nobody, where none are listed
    assert bucket in {b["name"] for b in plans["shipped"].of_kind("google_storage_bucket").values()}
    assert "surety-bootstrap" in (REPOSITORY / "infra" / "bootstrap.sh").read_text()


# What every workload may do.


LOOKUPS = {("storage.objectViewer", "example-project-prod-features", "")}
FROM_WAREHOUSE = {
    ("bigquery.dataViewer", "prod_warehouse", ""),
    ("bigquery.jobUser", "example-project", ""),
}


def pipeline_jobs(plan: Planned) -> dict[str, dict[str, Any]]:
    """Jobs of the data pipeline by name; none without its flag."""
    jobs = plan.of_kind("google_cloud_run_v2_job").items()
    return {name: job for name, job in jobs if name.startswith("pipeline[")}


ON = ("bucket", "dataset_id", "name", "secret_id", "project")


def rights_over(plan: Planned, workload: str) -> set[tuple[str, str, str]]:
    """Role, resource and condition of each grant of a workload's account."""
    member = f"serviceAccount:prod-{workload}@example-project.iam.gserviceaccount.com"
    return {
        (
            grant["role"].removeprefix("roles/"),
            next(grant[on] for on in ON if grant.get(on)),
            (grant.get("condition") or [{"expression": ""}])[0]["expression"],
        )
        for grant in plan.grants
        if grant["member"] == member
    }


@EVERY_PLAN
def test_scoring_only_reads_models_and_no_workload_replaces_a_version(
    plans: dict[str, Planned], plan: str
) -> None:
    models = "example-project-prod-models"
    assert rights_over(plans[plan], "scoring") == {
        ("storage.objectViewer", models, ""),
        ("storage.objectCreator", "example-project-prod-evidence", ""),
        *(LOOKUPS if plan == "everything" else set()),
    }
    champions = f'resource.name.startsWith("projects/_/buckets/{models}/objects/champions/")'
    records = [
        f'resource.name.extract("/objects/champions/{{model}}/{folder}/") == ""'
        for folder in ("moves", "proposals")
    ]
    pointers = " && ".join([champions, *records])
    assert rights_over(plans[plan], "training") == {
        ("storage.objectViewer", models, ""),
        ("storage.objectCreator", models, ""),
        ("storage.objectUser", models, pointers),
        *(FROM_WAREHOUSE if plan == "everything" else set()),
    }
    jobs = ["prod-train-application", "prod-train-card-default"]
    if plan == "everything":
        jobs += ["prod-train-customer", "prod-train-instalment"]
    assert rights_over(plans[plan], "retrain") == {
        ("storage.objectViewer", models, ""),
        ("storage.objectCreator", models, champions),
        ("storage.objectUser", models, pointers),
        *(("run.invoker", job, "") for job in jobs),
        *(("run.viewer", job, "") for job in jobs),
    }
    steps = [job["name"] for job in pipeline_jobs(plans[plan]).values()]
    if plan == "everything":
        names = ("check", "close", "decide", "deliver", "expected-loss")
        steps += [f"prod-lending-{job}" for job in names]
    assert rights_over(plans[plan], "schedule") == {
        ("run.invoker", job, "") for job in (*jobs, *steps)
    }
    assert rights_over(plans[plan], "watch") == {("run.invoker", "prod-retrain", "")}


def test_the_daily_plan_sees_how_tables_look_and_no_row(plans: dict[str, Planned]) -> None:
    rights = {g["role"] for g in plans["everything"].grants if ".drift[" in g["address"]}
    assert {"roles/bigquery.metadataViewer", "roles/viewer"} < rights
    assert not [role for role in rights if "bigquery.data" in role or "storage.object" in role]


# The data pipeline: each step has the rights of its own part.


def test_each_step_of_the_pipeline_reaches_what_it_is_for(plans: dict[str, Planned]) -> None:
    plan, models = plans["everything"], "example-project-prod-models"
    measured = f'resource.name.startsWith("projects/_/buckets/{models}/objects/monitoring/")'
    queries = ("bigquery.jobUser", "example-project", "")
    assert rights_over(plan, "ingest") == {
        queries,
        ("storage.objectViewer", "example-project-prod-lake", ""),
        ("storage.objectCreator", "example-project-prod-lake", ""),
        ("storage.objectViewer", "example-drops", ""),
        ("bigquery.dataEditor", "prod_warehouse", ""),
        ("secretmanager.secretAccessor", "surety-core-banking", ""),
        ("secretmanager.secretAccessor", "surety-macro-token", ""),
    }
    assert rights_over(plan, "features") == {
        queries,
        ("bigquery.dataEditor", "prod_warehouse", ""),
        ("storage.objectCreator", "example-project-prod-features", ""),
        ("storage.objectViewer", "example-project-prod-features", ""),
    }
    assert rights_over(plan, "monitor") == {
        queries,
        ("bigquery.dataViewer", "prod_decisions", ""),
        ("storage.objectViewer", models, ""),
        ("storage.objectCreator", models, measured),
    }


def test_the_warehouse_is_written_by_its_steps_and_read_by_training_and_auditors(
    plans: dict[str, Planned],
) -> None:
    bindings = plans["everything"].of_kind("google_bigquery_dataset_iam_binding")
    short = re.compile(r"serviceAccount:prod-(\w+)@.*|(.*)")
    access = {
        binding["role"]: {short.sub(r"\1\2", member) for member in binding["members"]}
        for name, binding in bindings.items()
        if name.startswith("warehouse[")
    }
    assert access["roles/bigquery.dataEditor"] == {"features", "ingest"}
    assert access["roles/bigquery.dataViewer"] == {"training", "group:risk@example.com"}
    assert len(access["roles/bigquery.dataOwner"]) == 2  # owners of the project, and the build


def test_a_day_is_run_again_by_operators_and_runners_and_by_nobody_else(
    plans: dict[str, Planned],
) -> None:
    plan = plans["everything"]
    grants = [g for g in plan.grants if g.get("role") == "roles/run.jobsExecutorWithOverrides"]
    calendar = re.compile("prod-pipeline-(monthly|quarterly|yearly)-")
    steps = {job["name"] for job in pipeline_jobs(plan).values()}
    # Not of those whose account may move a champion: with other arguments they would.
    # The loan book's close opens a new book: test_lending.py. A batch is an argument of its job.
    others = {"prod-batch", "prod-lending-close"}
    grants = [grant for grant in grants if grant["name"] not in others]
    assert {grant["name"] for grant in grants} == {s for s in steps if not calendar.match(s)}
    accounts = {
        job["name"]: job["template"][0]["template"][0]["service_account"]
        for job in pipeline_jobs(plan).values()
    }
    assert not [name for name in {g["name"] for g in grants} if "-training@" in accounts[name]]
    assert {grant["member"] for grant in grants} == {
        "user:operator@example.com",
        "serviceAccount:airflow@example-project.iam.gserviceaccount.com",
    }
