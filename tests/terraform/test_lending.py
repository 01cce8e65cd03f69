"""The loan book in Google Cloud: its database has one way in, and each account has few rights."""

import re
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from functions.lending.cli import build_parser
from functions.lending.settings import settings_from
from functions.lending.storage.migrate import JOB_ROLES, SERVICE_ROLES
from functions.lending.storage.sign_in import faults_in_url, sign_in_from_url
from tests.support.running import REPOSITORY
from tests.terraform.conftest import Planned
from tests.terraform.test_pipeline import environment
from tests.terraform.test_rights import rights_over

ACCOUNTS = ("close", "deliver", "lending", "migrate", "sweep")
INSTANCE = (
    "resource.service == 'sqladmin.googleapis.com'"
    " && resource.name == 'projects/example-project/instances/prod-lending'"
)
SIGNS_IN = ("cloudsql.instanceUser", "example-project", INSTANCE)
CERTIFICATE = "-----BEGIN CERTIFICATE-----"
# At night the day is closed before the book is checked; neither is in the hour of maintenance.
SCHEDULES = {
    "check": "30 2 * * *",
    "close": "0 1 * * *",
    "decide": "*/15 * * * *",
    "deliver": "*/5 * * * *",
    "expected-loss": "0 3 1 * *",
}


@pytest.fixture
def everything(plans: dict[str, Planned]) -> Planned:
    """The plan in which the loan book is."""
    return plans["everything"]


@pytest.fixture
def jobs(everything: Planned) -> dict[str, dict[str, Any]]:
    """What runs in each job, by its name without the prefix."""
    planned = everything.of_kind("google_cloud_run_v2_job").values()
    return {
        job["name"].removeprefix("prod-lending-"): job["template"][0]["template"][0]
        for job in planned
        if job["name"].startswith("prod-lending-")
    }


@pytest.fixture
def service(everything: Planned) -> dict[str, Any]:
    """The service's template."""
    planned = everything.of_kind("google_cloud_run_v2_service")['lending["lending"]']
    template: dict[str, Any] = planned["template"][0]
    return template


@pytest.fixture
def database(everything: Planned) -> dict[str, Any]:
    """The database's instance."""
    [planned] = everything.of_kind("google_sql_database_instance").values()
    return planned


def address(template: dict[str, Any]) -> str:
    """The database's URL as a container is told it, with a certificate in the place of its name."""
    url = environment(template)["DATABASE_URL"]
    assert "&ca=%3Ccertificate%3E" in url
    return url.replace("%3Ccertificate%3E", CERTIFICATE.replace(" ", "%20"))


def test_nothing_is_there_without_the_flag(plans: dict[str, Planned]) -> None:
    pattern = re.compile(r"[._]lending|google_sql|google_compute_(network|subnetwork|firewall)")
    for plan in ("shipped", "public", "dev"):
        assert not [r["address"] for r in plans[plan].resources if pattern.search(r["address"])]


def test_the_database_has_no_public_address_and_no_network_is_joined_to_it(
    everything: Planned, database: dict[str, Any]
) -> None:
    [network] = database["settings"][0]["ip_configuration"]
    assert not network["ipv4_enabled"]
    assert not network["authorized_networks"]
    assert network["ssl_mode"] == "ENCRYPTED_ONLY"
    [attachment] = network["psc_config"]
    assert attachment["allowed_consumer_projects"] == ["example-project"]
    kinds = {resource["type"] for resource in everything.resources}
    assert not kinds & {"google_service_networking_connection", "google_compute_network_peering"}


def test_of_what_goes_through_the_network_only_the_database_may_be_reached(
    everything: Planned,
) -> None:
    rules = everything.of_kind("google_compute_firewall").values()
    allowed, denied = sorted(rules, key=lambda rule: int(rule["priority"]))
    assert allowed["destination_ranges"] == ["10.64.0.5/32"]
    assert [(a["protocol"], a["ports"]) for a in allowed["allow"]] == [("tcp", ["5432"])]
    assert denied["destination_ranges"] == ["0.0.0.0/0"]
    assert [d["protocol"] for d in denied["deny"]] == ["all"]
    [endpoint] = everything.of_kind("google_compute_address").values()
    assert (endpoint["address"], endpoint["address_type"]) == ("10.64.0.5", "INTERNAL")


def test_every_moment_of_a_week_comes_back_and_no_backup_goes_with_the_instance(
    database: dict[str, Any],
) -> None:
    [settings] = database["settings"]
    [backup] = settings["backup_configuration"]
    assert backup["enabled"]
    assert backup["point_in_time_recovery_enabled"]
    assert backup["transaction_log_retention_days"] == 7
    assert backup["location"] == "europe-west4"  # the second region, where there is one
    assert backup["backup_retention_settings"][0]["retained_backups"] == 30
    assert settings["retain_backups_on_delete"]
    [last] = settings["final_backup_config"]
    assert (last["enabled"], last["retention_days"]) == (True, 30)


def test_a_destroy_is_refused_before_the_book_is_dropped(
    everything: Planned, database: dict[str, Any]
) -> None:
    """Terraform destroys what depends on an instance first: neither book nor user is dropped."""
    assert database["deletion_protection"]
    assert database["settings"][0]["deletion_protection_enabled"]
    for kind in ("google_sql_database", "google_sql_user"):
        policies = {r["deletion_policy"] for r in everything.of_kind(kind).values()}
        assert policies == {"ABANDON"}


def test_statements_and_their_values_are_not_logged(database: dict[str, Any]) -> None:
    flags = {flag["name"]: flag["value"] for flag in database["settings"][0]["database_flags"]}
    assert flags["cloudsql.iam_authentication"] == "on"
    assert (flags["log_statement"], flags["log_min_duration_statement"]) == ("none", "-1")
    assert flags["log_min_error_statement"] == "panic"


def test_connections_of_all_instances_and_jobs_fit_into_the_database(
    database: dict[str, Any], service: dict[str, Any], jobs: dict[str, Any]
) -> None:
    flags = {flag["name"]: flag["value"] for flag in database["settings"][0]["database_flags"]}
    pool = int(environment(service)["DATABASE_CONNECTIONS"])
    most = service["scaling"][0]["max_instance_count"] * pool + len(jobs)
    assert most <= int(flags["max_connections"])


def test_the_service_accepts_what_it_is_told(service: dict[str, Any]) -> None:
    variables = environment(service) | {"K_SERVICE": "prod-lending", "PORT": "8080"}
    assert variables["KYC_KEY"] == "surety-kyc-key:1"
    settings = settings_from(variables | {"DATABASE_URL": address(service), "KYC_KEY": "k" * 32})
    assert settings.access.auth == "jwt"
    assert settings.scoring_url == "https://credit.example.com"
    assert (settings.scoring_key, settings.scoring_model) == ("iam", "instalment")
    assert settings.scoring_timeout == 4


def test_the_load_balancer_leads_a_domain_of_its_own_to_the_book(
    everything: Planned, service: dict[str, Any]
) -> None:
    endpoints = everything.of_kind("google_compute_region_network_endpoint_group")
    behind = {name: group["cloud_run"][0]["service"] for name, group in endpoints.items()}
    assert behind == {'edge["lending"]': "prod-lending", 'edge["scoring"]': "prod-scoring"}
    [urls] = [
        url_map
        for url_map in everything.of_kind("google_compute_url_map").values()
        if not url_map["default_url_redirect"]
    ]
    [rule], [matcher] = urls["host_rule"], urls["path_matcher"]
    assert (rule["hosts"], rule["path_matcher"]) == (["book.example.com"], matcher["name"])
    [certificate] = everything.of_kind("google_compute_managed_ssl_certificate").values()
    assert certificate["managed"][0]["domains"] == ["credit.example.com", "book.example.com"]
    planned = everything.of_kind("google_cloud_run_v2_service")['lending["lending"]']
    assert planned["custom_audiences"] == ["https://book.example.com"]
    # Its own address still answers the dashboard, so a caller on that way could name any address.
    assert (planned["ingress"], environment(service)["FORWARDED_HOPS"]) == (
        "INGRESS_TRAFFIC_ALL",
        "1",
    )


def test_each_account_signs_in_as_itself_and_only_to_a_server_that_is_verified(
    service: dict[str, Any], jobs: dict[str, dict[str, Any]], everything: Planned
) -> None:
    for template in (service, *jobs.values()):
        url = make_url(address(template))
        assert list(faults_in_url(url)) == []
        account = template["service_account"].removesuffix(".gserviceaccount.com")
        assert (url.username, url.password, url.host) == (account, None, "10.64.0.5")
        sign_in = sign_in_from_url(url)
        assert sign_in.with_token
        assert sign_in.url.query["sslmode"] == "verify-ca"
        # Only the migration acts as the owner of the tables.
        owner = "-c role=cloudsqlsuperuser" if account.startswith("prod-migrate@") else None
        assert sign_in.url.query.get("options") == owner
    users = everything.of_kind("google_sql_user").values()
    names = {user["name"]: user["database_roles"] for user in users}
    assert names == {
        f"prod-{name}@example-project.iam": ["cloudsqlsuperuser"] if name == "migrate" else None
        for name in ACCOUNTS
    }


def test_an_account_may_sign_in_here_and_read_its_own_secrets_and_little_else(
    everything: Planned,
) -> None:
    asks = ("run.invoker", "prod-scoring", "")
    webhook = ("secretmanager.secretAccessor", "surety-webhook-key", "")
    assert rights_over(everything, "migrate") == {SIGNS_IN}
    assert rights_over(everything, "close") == {SIGNS_IN}
    assert rights_over(everything, "deliver") == {SIGNS_IN, webhook}
    assert rights_over(everything, "sweep") == {SIGNS_IN, webhook, asks}
    kyc = ("secretmanager.secretAccessor", "surety-kyc-key", "")
    assert rights_over(everything, "lending") == {SIGNS_IN, webhook, kyc, asks}


def test_a_job_reads_the_secrets_of_its_account(
    everything: Planned, jobs: dict[str, dict[str, Any]]
) -> None:
    for name, job in jobs.items():
        secrets = {reference.partition(":")[0] for reference in environment(job).values()}
        account = re.sub(r"prod-(\w+)@.*", r"\1", job["service_account"])
        may = {on for role, on, _ in rights_over(everything, account) if "secret" in role}
        assert secrets & {"surety-kyc-key", "surety-webhook-key"} == may, name


def test_every_job_is_a_command_of_the_loan_book(jobs: dict[str, dict[str, Any]]) -> None:
    for name, job in jobs.items():
        [container] = job["containers"]
        options = build_parser().parse_args(container["args"])
        assert container["args"][0] == name
        assert options.run
    options = build_parser().parse_args(jobs["migrate"]["containers"][0]["args"])
    assert options.service_user == ["prod-lending@example-project.iam"]
    assert options.job_user == [
        f"prod-{name}@example-project.iam" for name in ("close", "deliver", "sweep")
    ]
    assert set(JOB_ROLES) < set(SERVICE_ROLES)


def test_times_are_those_of_the_cluster_and_the_migration_is_a_releases(
    everything: Planned,
) -> None:
    planned = everything.of_kind("google_cloud_scheduler_job").items()
    schedules = {
        job["name"].removeprefix("prod-lending-"): job["schedule"]
        for name, job in planned
        if name.startswith("lending[")
    }
    assert schedules == SCHEDULES
    manifest = (REPOSITORY / "infra/kubernetes/base/lending_jobs.yaml").read_text()
    for name in ("check", "close", "expected-loss"):
        assert f'metadata: {{ name: lending-{name} }}\nspec:\n  schedule: "{SCHEDULES[name]}"' in (
            manifest
        )
    starting = [g for g in everything.grants if g.get("name") == "prod-lending-migrate"]
    assert [grant["member"].partition("@")[0] for grant in starting] == [
        "serviceAccount:surety-build"
    ]


def test_an_operator_starts_the_close_for_another_day_and_every_other_job_as_it_stands(
    everything: Planned,
) -> None:
    operator = "user:operator@example.com"
    started = {
        grant["name"]: grant["role"]
        for grant in everything.grants
        if grant["member"] == operator and str(grant.get("name")).startswith("prod-lending-")
    }
    invoker = "roles/run.invoker"
    assert started == {f"prod-lending-{name}": invoker for name in SCHEDULES} | {
        "prod-lending-close": "roles/run.jobsExecutorWithOverrides"
    }


def test_the_build_makes_the_database_and_can_neither_read_nor_delete_it(
    everything: Planned,
) -> None:
    roles = everything.of_kind("google_project_iam_custom_role")
    permissions = set(roles['database["lending"]']["permissions"])
    verbs = {p.rpartition(".")[2] for p in permissions if p.startswith("cloudsql.")}
    assert verbs == {"create", "get", "list", "listServerCas", "update"}
    build = "serviceAccount:surety-build@example-project.iam.gserviceaccount.com"
    assert not [g for g in everything.grants if g["member"] == build and "cloudsql" in g["role"]]


def test_after_a_restore_everything_follows_the_name_of_the_copy() -> None:
    """The instance, the right to sign in, the alerts: none of them spells the name out."""
    for file, count in {"database.tf": 1, "alerts.tf": 1}.items():
        text = (REPOSITORY / "terraform" / file).read_text()
        used = re.findall(r"local\.database_name\b", text)
        assert len(used) == count, file
    bootstrap = (REPOSITORY / "terraform" / "bootstrap" / "lending.tf").read_text()
    assert "instances/${coalesce(var.lending.database.name" in bootstrap


def test_callers_are_named_and_the_code_asks_them_for_a_token(
    everything: Planned, service: dict[str, Any]
) -> None:
    planned = everything.of_kind("google_cloud_run_v2_service")['lending["lending"]']
    assert not planned["invoker_iam_disabled"]
    grants = [g for g in everything.grants if ".lending_invoker[" in g["address"]]
    assert [(g["role"], g["member"]) for g in grants] == [
        ("roles/run.invoker", "serviceAccount:front@example-project.iam.gserviceaccount.com")
    ]
    assert environment(service)["AUTH"] == "jwt"
    assert [access["egress"] for access in service["vpc_access"]] == ["PRIVATE_RANGES_ONLY"]
