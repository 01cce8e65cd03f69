"""terraform/plans/overview.md: who reaches what, what a destroy does, and the alerts."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from tests.terraform.plan_pages import PLANS, PREAMBLE, Row, heading, line

INTRODUCTION = """# Overview

The page to read first. The other pages have every argument of every resource: [iam](iam.md) who \
has which right, [running](running.md) what runs, [environment](environment.md) what containers \
are told, [protection](protection.md) where data is, [monitoring](monitoring.md) alerts and \
logs, [edge](edge.md) the load balancer, [project](project.md) APIs and accounts, \
[lifecycle](lifecycle.md) what no plan shows."""
REACH = """## Who reaches what

`from` is what the network lets through. `Cloud Run asks for` is the platform's own check before \
a container sees the call, and `the code asks for` is what the container checks then. Whoever \
owns the project or has `roles/run.admin` may call everything, too. A job has no address: \
whoever is listed may start it, with other arguments as well."""
DESTROY = """## What a destroy does

What holds data, and what runs; everything else is deleted. `refused` by `prevent_destroy` stops \
the whole plan, before anything is deleted. `refused` by an argument comes from the provider \
while it deletes, so what does not depend on that resource is gone by then."""
ALERTS = """## Alerts

One line for each, with every flag on. The address in the last column is the one in \
`alert_emails`."""
NETWORKS = {
    "INGRESS_TRAFFIC_ALL": "the internet",
    "INGRESS_TRAFFIC_INTERNAL_ONLY": "the project's networks and Google's own services",
    "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER": "the load balancer and the project's networks",
    "ALLOW_INTERNAL_AND_GCLB": "the load balancer and the project's networks",
}
CHECKS = {
    "": "nothing more",
    "none": "nothing more",
    "iam": "nothing more",
    "api-key": "an API key",
    "jwt": "a token of the issuer",
}
CONTAINERS = r"google_(cloud_run_v2_(service|job)|cloudfunctions2_function)"
HOLDING = (
    r"google_(storage_bucket|bigquery_(dataset|table)|kms_\w+|artifact_registry_repository|sql_\w+"
    r"|secret_manager_secret)|terraform_data"
)

# What has content: the argument that lets Terraform delete it, and what the content is.
EMPTIED = {
    "google_storage_bucket": ("force_destroy", "an object"),
    "google_bigquery_dataset": ("delete_contents_on_destroy", "a table"),
}
DELETED = {
    "google_artifact_registry_repository": ("deleted, with every image", ""),
    "google_kms_key_ring": ("kept", "Google Cloud, which deletes no key ring"),
}


class Plan(NamedTuple):
    """What one plan makes, by address and argument; its grants; what it cannot destroy."""

    resources: Mapping[str, Mapping[str, str]]
    grants: Sequence[Row]
    undestroyable: frozenset[str]


Pages = Mapping[str, Mapping[Row, Sequence[str]]]
Describe = Callable[[str, Plan], tuple[str, ...]]


def overview(pages: Pages, lifecycle: str) -> str:
    """The page to read first, from the rows of the others and the page of lifecycles."""
    undestroyable = re.findall(
        r"^\| (\S+) \| lifecycle \{.*prevent_destroy = true", lifecycle, re.MULTILINE
    )
    plans = {plan.name: planned(plan.name, pages, frozenset(undestroyable)) for plan in PLANS}
    lines = [INTRODUCTION, "", PREAMBLE, "", REACH, ""]
    lines += heading("what", "from", "Cloud Run asks for", "callers", "the code asks for", "plans")
    lines += described(plans, rf"{CONTAINERS}\.", reach)
    lines += ["", DESTROY, "", *heading("what", "destroy", "by", "plans")]
    lines += described(plans, rf"(bootstrap/)?({CONTAINERS}|{HOLDING})\.", destruction)
    lines += ["", ALERTS, ""]
    lines += heading("alert", "severity", "for", "query", "channels")
    lines += alerts(plans["everything"])
    return "\n".join(lines) + "\n"


def planned(name: str, pages: Pages, undestroyable: frozenset[str]) -> Plan:
    """Put the rows of one plan together again, resource by resource."""
    resources: dict[str, dict[str, str]] = {}
    for page, rows in pages.items():
        for row, names in rows.items():
            if name in names and page != "iam":
                resources.setdefault(row.address, {})[row.name] = row.value
    grants = [row for row, names in pages.get("iam", {}).items() if name in names]
    return Plan(resources, grants, undestroyable)


def described(plans: Mapping[str, Plan], pattern: str, describe: Describe) -> Iterator[str]:
    """A line for each resource; plans in which it says the same share one."""
    lines: dict[tuple[str, ...], list[str]] = {}
    for name, plan in plans.items():
        for address in plan.resources:
            if re.match(pattern, address):
                lines.setdefault((address, *describe(address, plan)), []).append(name)
    for cells, names in sorted(lines.items()):
        count = 2 if cells[0].startswith("bootstrap/") else len(PLANS)
        yield line(*cells, "" if len(names) == count else ", ".join(sorted(names)))


def reach(address: str, plan: Plan) -> tuple[str, str, str, str]:
    """From where a container is reached, and what is asked of a caller on the way."""
    arguments = plan.resources[address]
    ingress = arguments.get("ingress") or arguments.get("service_config.ingress_settings")
    callers = sorted(
        row.name
        for row in plan.grants
        if row.value in ("roles/run.invoker", "roles/run.jobsExecutor")
        and row.more[0] == arguments.get("name")
        and ("_job_" in row.address) == ("_job." in address)
    )
    open_to_all = arguments.get("invoker_iam_disabled") == "true"
    platform = "nothing" if open_to_all else "a Google identity that is a caller"
    pattern = re.compile(r".*(env\[AUTH\]\.value|environment_variables\.AUTH)")
    check = next((v for n, v in arguments.items() if pattern.fullmatch(n)), "")
    return (
        NETWORKS[ingress] if ingress else "no address",
        platform,
        "whoever gets there" if open_to_all else ", ".join(callers) or "nobody",
        CHECKS[check] if ingress else "nothing more",
    )


def destruction(address: str, plan: Plan) -> tuple[str, str]:
    """What `terraform destroy` does to a resource, and which argument says so."""
    kind = address.removeprefix("bootstrap/").partition(".")[0]
    arguments = plan.resources[address]
    if address.partition("[")[0] in plan.undestroyable:
        return "refused", "`prevent_destroy`"
    if arguments.get("deletion_protection") == "true":
        return "refused", "`deletion_protection`"
    if kind in EMPTIED:
        argument, content = EMPTIED[kind]
        if arguments.get(argument) != "true":
            return f"refused while it holds {content}", f"no `{argument}`{undeletable(arguments)}"
        return "deleted, with what it holds", f"`{argument}`{recoverable(arguments)}"
    return DELETED.get(kind, ("deleted", ""))


def undeletable(arguments: Mapping[str, str]) -> str:
    """How long a bucket lets nobody delete an object."""
    seconds = arguments.get("retention_policy.retention_period")
    if seconds is None:
        return ""
    locked = arguments.get("retention_policy.is_locked") == "true"
    return f"; objects stay {days(seconds)}{', and nobody can shorten that' if locked else ''}"


def recoverable(arguments: Mapping[str, str]) -> str:
    """How long a deleted object can be brought back."""
    seconds = arguments.get("soft_delete_policy.retention_duration_seconds", "0")
    return f"; objects can be restored for {days(seconds)}" if seconds != "0" else ""


def days(seconds: str) -> str:
    """A time in days."""
    return f"{int(seconds) // 86_400:,} days"


def alerts(plan: Plan) -> Iterator[str]:
    """One line for each alert."""
    query = "conditions.condition_prometheus_query_language"
    for address, arguments in sorted(plan.resources.items()):
        if address.startswith("google_monitoring_alert_policy.scoring"):
            name = address.partition("[")[2].strip('"]')
            yield line(
                name,
                arguments["severity"],
                arguments[f"{query}.duration"],
                arguments[f"{query}.query"],
                arguments.get("notification_channels", "none"),
            )
