"""The runbook tells nobody to run what they may not: its commands beside the planned rights."""

import re
from collections.abc import Iterator

import pytest

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
    r"gcloud run jobs executions list": {"run.executions.list", USE},
    r"gcloud run services update-traffic|sh infra/rollback\.sh|make rollback": TRAFFIC,
    r"gcloud scheduler jobs describe": {"cloudscheduler.jobs.get", USE},
    r"gcloud scheduler jobs pause": {"cloudscheduler.jobs.pause", USE},
    r"gcloud scheduler jobs resume": {"cloudscheduler.jobs.enable", USE},
    r"gcloud compute ssl-certificates (describe|list)": {"compute.sslCertificates.get", USE},
    r"curl .*prod-retrain": {"run.routes.invoke", "run.services.get", USE},
    r"bq query": {"bigquery.jobs.create", "bigquery.tables.getData", USE},
    r"python -m training (versions|show|verify|history)": {"storage.objects.get"},
    r"python -m training (promote|rollback|challenge|retire)": MOVE,
    r"python -m training prune": {"storage.objects.delete", "storage.objects.list"},
    r"python -m functions\.scoring audit .*gs://": {"storage.objects.get"},
    # Said to take more than any of the sets has, or to be an owner's.
    r"gcloud (run jobs execute|storage|secrets|builds|beta|auth|config|artifacts)": set(),
    r"make|terraform|python|jq|git|curl|sh|export|cd|\.venv": set(),
}
PEOPLE = {
    "auditors": "group:risk@example.com",
    "operators": "user:operator@example.com",
    "responders": "group:oncall@example.com",
}


def commands() -> Iterator[str]:
    """Every command of the runbook, those that another one needs before it included."""
    for block in re.findall(r"```console\n(.*?)```", RUNBOOK.read_text(), re.DOTALL):
        for command in block.replace("\\\n", " ").splitlines():
            if command.strip() and not command.startswith("#"):
                yield command.strip()


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
    needed = next((n for pattern, n in COMMANDS.items() if re.match(pattern, command)), None)
    assert needed is not None, "say in COMMANDS which rights this takes"
    rights = {name: permissions(plans["everything"], who) for name, who in PEOPLE.items()}
    assert any(needed <= allowed for allowed in rights.values()), needed


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("responders", "sh infra/rollback.sh"),
        ("responders", "gcloud logging read"),
        ("operators", "gcloud scheduler jobs pause"),
        ("operators", "curl -X POST prod-retrain"),
        ("operators", "gcloud run jobs executions list"),
        ("auditors", "bq query"),
    ],
)
def test_each_set_may_do_its_own_part(plans: dict[str, Planned], name: str, command: str) -> None:
    needed = next(n for pattern, n in COMMANDS.items() if re.match(pattern, command))
    assert needed
    assert needed <= permissions(plans["shipped"], PEOPLE[name])
