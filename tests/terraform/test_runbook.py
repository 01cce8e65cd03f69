"""The runbook tells nobody to run what they may not: its commands beside the planned rights."""

import re
from collections.abc import Iterator

import pytest

from infra.monitoring.alerts import SOURCE, read_alerts
from tests.support.running import REPOSITORY
from tests.terraform.conftest import Planned

RUNBOOK = REPOSITORY / "docs" / "operate.md"
# Of what Google's IAM reference lists for each role, what the runbook's commands ask for.
PERMISSIONS = {
    "bigquery.dataViewer": {"bigquery.tables.export", "bigquery.tables.getData"},
    "bigquery.jobUser": {"bigquery.jobs.create"},
    "compute.viewer": {"compute.sslCertificates.get", "compute.sslCertificates.list"},
    "iam.serviceAccountUser": {"iam.serviceAccounts.actAs"},
    "logging.viewer": {"logging.logEntries.list", "logging.sinks.get", "logging.sinks.list"},
    "monitoring.viewer": {"monitoring.alertPolicies.list", "monitoring.timeSeries.list"},
    "run.developer": {"run.services.get", "run.services.update"},
    "run.jobsExecutorWithOverrides": {"run.jobs.run", "run.jobs.runWithOverrides"},
    "run.invoker": {"run.jobs.run", "run.routes.invoke"},
    "run.viewer": {"run.executions.list", "run.jobs.get", "run.revisions.list", "run.services.get"},
    "serviceusage.serviceUsageConsumer": {"serviceusage.services.use"},
    "storage.objectCreator": {"storage.objects.create"},
    "storage.objectUser": {
        *("storage.objects.create", "storage.objects.delete", "storage.objects.get"),
        *("storage.objects.list", "storage.objects.update"),
    },
    "storage.objectViewer": {"storage.objects.get", "storage.objects.list"},
}
# gcloud and bq count a person's call against a project.
USE = "serviceusage.services.use"
MOVE = {"storage.objects.create", "storage.objects.get", "storage.objects.update"}
TRAFFIC = {"run.services.get", "run.services.update", "iam.serviceAccounts.actAs", USE}
# What a command asks for; nothing where it takes an owner, as the runbook says, or no right at all.
COMMANDS: dict[str, set[str]] = {
    r"gcloud logging read": {"logging.logEntries.list", USE},
    r"gcloud logging sinks (describe|list)": {"logging.sinks.get", USE},
    r"gcloud run revisions list": {"run.revisions.list", USE},
    r"gcloud run services (describe|list)": {"run.services.get", USE},
    r"gcloud run jobs execute prod-pipeline-": {"run.jobs.runWithOverrides", "run.jobs.get", USE},
    r"gcloud run jobs execute prod-lending-close": {
        "run.jobs.runWithOverrides",
        "run.jobs.get",
        USE,
    },
    r"gcloud run jobs execute prod-lending-": {"run.jobs.run", "run.jobs.get", USE},
    r"gcloud run jobs executions list": {"run.executions.list", USE},
    r"gcloud (beta )?run services update|make rollback": TRAFFIC,
    r"gcloud scheduler jobs describe": {"cloudscheduler.jobs.get", USE},
    r"gcloud scheduler jobs pause": {"cloudscheduler.jobs.pause", USE},
    r"gcloud scheduler jobs resume": {"cloudscheduler.jobs.enable", USE},
    r"gcloud compute ssl-certificates (describe|list)": {"compute.sslCertificates.get", USE},
    r"curl .*prod-retrain": {"run.routes.invoke", "run.services.get", USE},
    r"bq --project_id=\S+ query": {"bigquery.jobs.create", "bigquery.tables.getData", USE},
    r"python -m training (versions|show|verify|history|monitor)": {"storage.objects.get"},
    r"python -m training (promote|rollback|challenge|retire)": MOVE,
    r"python -m training prune": {"storage.objects.delete", "storage.objects.list"},
    r"python -m functions\.scoring audit .*gs://": {"storage.objects.get"},
    # Said to take more than any of the sets has, or to be an owner's.
    r"gcloud (run jobs execute|sql|storage|secrets|builds|beta|auth|config|artifacts)": set(),
    r"make|terraform|python|jq|git|curl|sh|export|cd|\.venv": set(),
}
OWN = {alert.name for alert in read_alerts(SOURCE.read_text()).alerts}
# Those that Google has no policies of.
PROMETHEUS_ONLY = {
    *("row-counts", "null-shares", "schema-failures", "repeated-keys", "data-late"),
    *("quality-overdue", "npa-ratio-critical", "npa-ratio", "book-default-rate"),
    *("on-time-payments", "book-debt-to-income-shift", "lending-close-overdue"),
    *("lending-check-failed", "lending-check-overdue"),
}
PEOPLE = {
    "auditors": "group:risk@example.com",
    "operators": "user:operator@example.com",
    "responders": "group:oncall@example.com",
}


def commands(text: str = RUNBOOK.read_text()) -> Iterator[str]:
    """Every command of the runbook, those that another one needs before it included."""
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        for command in block.replace("\\\n", " ").splitlines():
            if command.strip() and not command.startswith("#"):
                yield command.strip()


def needs(command: str) -> set[str] | None:
    """The permissions that a command asks for."""
    return next((n for pattern, n in COMMANDS.items() if re.match(pattern, command)), None)


def entries() -> dict[str, str]:
    """The entries of the alerts, by the alert's name."""
    text, _, _ = RUNBOOK.read_text().partition("\n# By hand")
    parts = [part.partition("\n") for part in text.split("\n## ")[1:]]
    return {name: entry for name, _, entry in parts}


def permissions(plan: Planned, member: str) -> set[str]:
    """What a set of people may do, by the roles that it is planned to have."""
    custom = {
        f"projects/example-project/roles/{role['role_id']}": set(role["permissions"])
        for role in plan.of_kind("google_project_iam_custom_role").values()
    }
    rights: set[str] = set()
    for resource in plan.resources:
        values = resource["values"]
        members = values.get("members") or [values.get("member")]
        if re.search(r"_iam_(member|binding)$", resource["type"]) and member in members:
            role = values["role"]
            rights |= custom.get(role) or PERMISSIONS[role.removeprefix("roles/")]
    return rights


def test_the_runbook_has_commands() -> None:
    assert len(list(commands())) > 25


@pytest.mark.parametrize("command", sorted(set(commands())), ids=lambda text: text[:60])
def test_somebody_whom_the_runbook_names_may_run_it(
    plans: dict[str, Planned], command: str
) -> None:
    needed = needs(command)
    assert needed is not None, "say in COMMANDS which rights this takes"
    rights = {name: permissions(plans["everything"], who) for name, who in PEOPLE.items()}
    assert any(needed <= allowed for allowed in rights.values()), needed


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("responders", "make rollback"),
        ("responders", "gcloud logging read"),
        ("operators", "gcloud scheduler jobs pause"),
        ("operators", "curl -X POST prod-retrain"),
        ("operators", "gcloud run jobs executions list"),
        ("auditors", "bq --project_id=your-project query"),
    ],
)
def test_each_set_may_do_its_own_part(plans: dict[str, Planned], name: str, command: str) -> None:
    needed = needs(command)
    assert needed
    assert needed <= permissions(plans["shipped"], PEOPLE[name])


def test_every_alert_has_an_entry_and_every_entry_an_alert(plans: dict[str, Planned]) -> None:
    flagged = {"copies-missing", "drift-unchecked", "pipeline-failed", "pipeline-overdue"}
    flagged |= {"lending-errors", "lending-failed", "lending-overdue"}
    flagged |= {"database-down", "database-full"}
    for name, absent in {"shipped": flagged, "everything": set()}.items():
        policies = plans[name].of_kind("google_monitoring_alert_policy").values()
        alerts = [policy["display_name"].removeprefix("prod: ") for policy in policies]
        assert sorted({*alerts, *OWN}) == sorted(set(entries()) - absent), name
        for policy in policies:
            text = policy["documentation"][0]["content"]
            assert f"entry `{policy['display_name'].removeprefix('prod: ')}`" in text


@pytest.mark.parametrize("name", entries())
def test_an_entry_names_who_acts_and_every_command_is_one_that_they_may_run(
    plans: dict[str, Planned], name: str
) -> None:
    _, _, who = entries()[name].partition("**Who.** ")
    sets = re.findall(r"`(\w+)`", who)
    assert set(sets) <= set(PEOPLE)
    rights = [permissions(plans["everything"], PEOPLE[people]) for people in sets]
    first, *others = [needs(command) or set() for command in commands(entries()[name])]
    if name in PROMETHEUS_ONLY:
        assert not any((first, *others)), "no right of Google's is needed"
        return
    assert first, "the first look is a command that takes a right"
    assert first <= rights[0]
    for needed in others:
        assert any(needed <= allowed for allowed in rights)


def test_what_a_release_takes_is_what_the_submit_account_has(plans: dict[str, Planned]) -> None:
    guide = (REPOSITORY / "terraform" / "README.md").read_text()
    [line] = re.findall(r"^\| `make release`, `make promote` .*$", guide, re.MULTILINE)
    granted = {g["role"] for g in plans["everything"].grants if ".submit_" in g["address"]}
    logs_only = {"roles/storage.objectViewer"}  # part of objectUser on the whole bucket
    assert set(re.findall(r"roles/[\w.]+", line)) == granted - logs_only


def test_a_person_who_plans_has_what_the_daily_plan_has(plans: dict[str, Planned]) -> None:
    guide = (REPOSITORY / "terraform" / "README.md").read_text()
    [line] = re.findall(r"^\| `make plan` .*$", guide, re.MULTILINE)
    granted = {
        g["role"] for g in plans["everything"].grants if re.search(r"\.drift\w*\[", g["address"])
    }
    building = {"roles/cloudbuild.builds.editor", "roles/logging.logWriter"}
    acting = {"roles/iam.serviceAccountUser", "roles/storage.objectViewer"}
    needed = granted - building - acting | {"roles/storage.objectUser"}
    assert set(re.findall(r"roles/[\w.]+", line)) == needed


@pytest.mark.parametrize("name", entries())
def test_an_entry_says_whom_to_call_for_what_its_people_may_not_run(name: str) -> None:
    _, _, text = entries()[name].partition("**Do.**")
    if re.search("make (plan|release)", text):
        assert re.search(r"an\sowner,\sor\swho\s\[may\srelease\]", text)


@pytest.mark.parametrize("name", ["decisions-lost", "decisions-unexported"])
def test_responders_can_stop_a_service_whose_decisions_are_not_stored(
    plans: dict[str, Planned], name: str
) -> None:
    [stop] = [command for command in commands(entries()[name]) if "services update" in command]
    assert stop.startswith("gcloud beta run services update prod-scoring ")
    assert stop.endswith("--scaling 0")
    assert needs(stop)
    assert (needs(stop) or set()) <= permissions(plans["shipped"], PEOPLE["responders"])
    text = (REPOSITORY / "terraform" / "scoring.tf").read_text()
    assert "scaling[0].manual_instance_count" in text  # an apply does not start it again


def test_a_look_at_the_last_lines_does_not_show_the_first() -> None:
    for command in commands():
        assert not ("--order asc" in command and "--limit" in command), command


def test_entries_have_the_command_of_what_they_tell() -> None:
    assert "scheduler jobs resume prod-train-application" in entries()["training-overdue"]
    assert 'resource.labels.build_id="ID"' in entries()["drift"]
    assert next(commands(entries()["model-age"])).startswith("python -m training versions ")
    assert "--freshness 90d" not in RUNBOOK.read_text()  # the log goes back 30 days


def test_the_first_look_at_lost_decisions_finds_what_google_writes_of_a_sink() -> None:
    """Errors of a sink stand in a log of their own: `logging.googleapis.com/sink_error`."""
    look, _ = commands(entries()["decisions-lost"])
    assert "logs/logging.googleapis.com%2Fsink_error" in look
    assert 'resource.type="logging_sink"' in look


def test_a_certificate_is_found_without_the_hash_in_its_name(plans: dict[str, Planned]) -> None:
    [certificate] = plans["everything"].of_kind("google_compute_managed_ssl_certificate").values()
    assert certificate["name"] != "prod-scoring"
    [look] = [command for command in commands(entries()["uptime"]) if "ssl-cert" in command]
    assert look.startswith("gcloud compute ssl-certificates list ")
