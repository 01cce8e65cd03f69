"""terraform/plans/overview.md: who reaches what, what a destroy does, and the alerts."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from tests.terraform.plan_pages import PLANS, PREAMBLE, Row, heading, line, plans_in

INTRODUCTION = """# Overview

The page to read first. The other pages have every argument of every resource: [iam](iam.md) who \
has which right, [running](running.md) what runs, [environment](environment.md) what containers \
are told, [protection](protection.md) where data is, [monitoring](monitoring.md) alerts and \
logs, [edge](edge.md) the load balancer and the way to the database, \
[project](project.md) APIs and accounts, \
[lifecycle](lifecycle.md) what no plan shows."""
REACH = """## Who reaches what

`from` is what the network lets through. `Cloud Run asks for` is the platform's own check before \
a container sees the call, and `the code asks for` is what the container checks then. A job has \
no address: whoever is listed may start it, as it stands unless it says otherwise. Not listed \
are those who can do more: owners of the project and `roles/run.admin` (the build) may call \
everything and start jobs with other arguments, and `responders` may replace the containers of \
`prod-scoring` and `prod-lending` and so read what they read, their secrets too. \
[security.md](../../docs/security.md) says what an account could do that is taken over."""
STAY = """## How long data stays

`until deleted` is by a person, a command or a rule of the registry. What comes back after a \
deletion is said next to it; a copy in a second region follows its original within a day."""
DESTROY = """## What a destroy does

What holds data, and what runs. Everything else is deleted, except that APIs stay on. \
`prevent_destroy` stops the whole plan of its module before anything is deleted, so `bootstrap/` \
stays as it is. `refused` by an argument comes from the provider while it deletes: by then \
everything that depends on that resource is gone, its grants, sink, alerts and schedules, and \
what is unrelated may be. **A destroy that was refused is not harmless: apply again at once.**"""
WARNED = """## What a plan warns of

Checks that fail in a plan; it can be applied nevertheless."""
ALERTS = """## Alerts

One line for each, with every flag on. `…/1` is in `urgent_channels` and wakes somebody, `…/42` \
is in `notification_channels`, and `<local.channels_by_severity>` is what `alert_emails` names. \
Where `urgent_channels` is empty, as in the other plans, a CRITICAL alert goes where a WARNING \
goes."""
INTERNAL = "the project's networks and Google's own services"
NETWORKS = {
    "INGRESS_TRAFFIC_ALL": "the internet",
    "INGRESS_TRAFFIC_INTERNAL_ONLY": INTERNAL,
    "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER": f"the load balancer, {INTERNAL}",
    "ALLOW_INTERNAL_AND_GCLB": INTERNAL,  # no load balancer leads to a function
}
CHECKS = {
    "": "nothing more",
    "none": "nothing more",
    "iam": "nothing more",
    "api-key": "an API key",
    "jwt": "a token of the issuer",
}
# Roles that call a service or start a job, and what they may do beside it.
CALLING = {
    "roles/run.invoker": "",
    "roles/run.jobsExecutor": "",
    "roles/run.jobsExecutorWithOverrides": " (with other arguments)",
}
CONTAINERS = r"google_(cloud_run_v2_(service|job)|cloudfunctions2_function)"
STORES = r"google_(storage_bucket|bigquery_dataset|sql_database_instance)"
HOLDING = (
    r"google_(storage_bucket|bigquery_(dataset|table)|kms_\w+|artifact_registry_repository|sql_\w+"
    r"|secret_manager_secret)|terraform_data"
)

DAY_MS = 86_400_000
GOOGLES_DEFAULT = str(7 * 86_400)  # soft delete where a bucket says nothing
# What has content: the argument that lets Terraform delete it, and what the content is.
EMPTIED = {
    "google_storage_bucket": ("force_destroy", "an object"),
    "google_bigquery_dataset": ("delete_contents_on_destroy", "a table"),
}


class Plan(NamedTuple):
    """What one plan makes, by address and argument; its grants; what it cannot destroy."""

    resources: Mapping[str, Mapping[str, str]]
    grants: Sequence[Row]
    undestroyable: frozenset[str]


Pages = Mapping[str, Mapping[Row, Sequence[str]]]
Describe = Callable[[str, Plan], tuple[str, ...]]


def overview(pages: Pages, lifecycle: str, warnings: Iterable[str]) -> str:
    """The page to read first, from the rows of the others and the page of lifecycles."""
    undestroyable = re.findall(
        r"^\| (\S+) \| lifecycle \{.*prevent_destroy = true", lifecycle, re.MULTILINE
    )
    plans = {plan.name: planned(plan.name, pages, frozenset(undestroyable)) for plan in PLANS}
    lines = [INTRODUCTION, "", PREAMBLE, "", REACH, ""]
    lines += heading("what", "from", "Cloud Run asks for", "callers", "the code asks for", "plans")
    lines += described(plans, rf"{CONTAINERS}\.", reach)
    lines += ["", STAY, "", *heading("what", "stays", "after a deletion", "plans")]
    lines += described(plans, rf"(bootstrap/)?{STORES}\.", stay)
    lines += ["", DESTROY, "", *heading("what", "destroy", "by", "plans")]
    lines += described(plans, rf"(bootstrap/)?({CONTAINERS}|{HOLDING})\.", destruction)
    lines += ["", WARNED, "", *heading("check", "says", "plans"), *warnings]
    lines += ["", ALERTS, "", *heading("alert", "severity", "for", "query", "channels")]
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
        yield line(*cells, plans_in(names))


def reach(address: str, plan: Plan) -> tuple[str, str, str, str]:
    """From where a container is reached, and what is asked of a caller on the way."""
    arguments = plan.resources[address]
    ingress = arguments.get("ingress") or arguments.get("service_config.ingress_settings")
    callers = sorted(
        row.name + CALLING[row.value]
        for row in plan.grants
        if row.value in CALLING
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


def stay(address: str, plan: Plan) -> tuple[str, str]:
    """How long a store has what is in it, and what brings back what was deleted."""
    arguments = plan.resources[address]
    if "sql_database_instance" in address:
        backup = "settings.backup_configuration"
        moments = arguments[f"{backup}.transaction_log_retention_days"]
        backups = arguments[f"{backup}.backup_retention_settings.retained_backups"]
        return "until deleted", f"any moment of {moments} days; the last {backups} backups"
    if "dataset" in address:
        milliseconds = arguments.get("default_partition_expiration_ms")
        stays = "until deleted" if milliseconds is None else f"{int(milliseconds) // DAY_MS:,} days"
        hours = int(arguments.get("max_time_travel_hours", 7 * 24))
        return stays, f"time travel, {hours // 24} days"
    rules = {name: value for name, value in arguments.items() if name.endswith("condition.age")}
    everything = [
        value
        for name, value in rules.items()
        if name.replace(".age", ".matches_prefix") not in arguments
    ]
    noncurrent = [v for n, v in arguments.items() if n.endswith("days_since_noncurrent_time")]
    newer = [v for n, v in arguments.items() if n.endswith("num_newer_versions")]
    back = [f"soft delete, {days(soft_deleted(arguments))}"]
    if arguments.get("versioning.enabled") == "true":
        back += [f"versions, {v} days" for v in noncurrent] + [
            f"the last {v} versions" for v in newer
        ]
    return f"{int(everything[0]):,} days" if everything else "until deleted", "; ".join(back)


def destruction(address: str, plan: Plan) -> tuple[str, str]:
    """What `terraform destroy` does to a resource, and which argument says so."""
    kind = address.removeprefix("bootstrap/").partition(".")[0]
    arguments = plan.resources[address]
    if address.startswith("bootstrap/"):
        mine = address.partition("[")[0] in plan.undestroyable
        return "refused", "`prevent_destroy`" if mine else "`prevent_destroy` of the others"
    if arguments.get("deletion_protection") == "true":
        return "refused", "`deletion_protection`"
    if arguments.get("deletion_policy") == "ABANDON":
        return "left as it is", "`deletion_policy`"
    if kind in EMPTIED:
        argument, content = EMPTIED[kind]
        if arguments.get(argument) != "true":
            return f"refused while it holds {content}", f"no `{argument}`{undeletable(arguments)}"
        return "deleted, with what it holds", f"`{argument}`{recoverable(arguments)}"
    return "deleted", ""


def undeletable(arguments: Mapping[str, str]) -> str:
    """How long a bucket lets nobody delete an object."""
    seconds = arguments.get("retention_policy.retention_period")
    if seconds is None:
        return ""
    locked = arguments.get("retention_policy.is_locked") == "true"
    lock = "and nobody can shorten that" if locked else "unless who administers it lifts that"
    return f"; objects stay {days(seconds)}, {lock}"


def recoverable(arguments: Mapping[str, str]) -> str:
    """How long a deleted object can be brought back."""
    if "delete_contents_on_destroy" in arguments:
        return ""
    seconds = soft_deleted(arguments)
    return f"; objects can be restored for {days(seconds)}" if seconds != "0" else ""


def soft_deleted(arguments: Mapping[str, str]) -> str:
    """For how many seconds a bucket can give back a deleted object."""
    return arguments.get("soft_delete_policy.retention_duration_seconds", GOOGLES_DEFAULT)


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
