"""The tables of terraform/plans are what both modules plan, and a review can read them."""

import re

import pytest

from tests.terraform.conftest import Planned
from tests.terraform.plan_pages import PLANS, Row, lifecycle_texts, render
from tests.terraform.plan_tables import committed, flattened, iam_rows, with_references

NAMES = (
    *("edge", "environment", "iam", "lifecycle", "monitoring"),
    *("overview", "project", "protection", "running"),
)


@pytest.mark.parametrize("name", NAMES)
def test_a_table_is_what_is_planned(tables: dict[str, str], name: str) -> None:
    assert set(tables) == {f"{table}.md" for table in NAMES}
    planned, before = (
        text.splitlines() for text in (tables[f"{name}.md"], committed(f"{name}.md"))
    )
    assert [line for line in planned if line not in before] == [], "run `make plan-tables`"
    assert planned == before, "run `make plan-tables`"


def test_every_planned_resource_is_in_a_table(
    tables: dict[str, str], plans: dict[str, Planned]
) -> None:
    text = "\n".join(tables.values())
    for plan in plans.values():
        for resource in plan.resources:
            name = f"{resource['type']}.{resource['name']}"
            assert re.search(rf"{re.escape(name)}\b", text), name


def test_a_grant_is_a_line_for_each_member_and_an_empty_list_is_nobody() -> None:
    grant = {"bucket": "models", "role": "roles/x", "members": ["user:a", "user:b"]}
    assert [row.name for row in iam_rows("a", "google_storage_bucket_iam_binding", grant)] == [
        "user:a",
        "user:b",
    ]
    [row] = iam_rows("a", "google_storage_bucket_iam_binding", grant | {"members": []})
    assert row == Row("a", "(nobody)", "roles/x", ("models", ""))


def test_a_condition_is_in_its_line() -> None:
    condition = [{"title": "t", "expression": "resource.name == 'x'"}]
    grant = {"bucket": "m", "role": "r", "member": "user:a", "condition": condition}
    [row] = iam_rows("a", "google_storage_bucket_iam_member", grant)
    assert row.more == ("m", "resource.name == 'x'")


def test_repeated_blocks_are_told_apart_by_name_and_a_single_one_needs_no_number() -> None:
    values = {"env": [{"name": "B", "value": ""}, {"name": "A", "value": "1"}], "one": [{"x": 0}]}
    assert dict(flattened(values)) == {"env[B].value": "", "env[A].value": "1", "one.x": "0"}


def test_what_is_not_set_has_no_line() -> None:
    assert list(flattened({"a": None, "b": [], "c": {}, "d": False})) == [("d", "false")]


def test_what_only_google_cloud_knows_is_named_by_its_reference() -> None:
    expression = {"member": {"references": ["each.value.member", "each.value"]}}
    values = with_references({}, {"member": True, "etag": True}, expression, 'account["x"]')
    assert values == {"member": '<account["x"].member>'}


def test_unknown_members_of_a_list_stand_beside_the_others() -> None:
    expression = {"members": {"references": ["local.writer"]}}
    unknown = {"members": [True, False]}
    values = with_references({"members": [None, "user:a"]}, unknown, expression, "")
    assert values == {"members": ["user:a", "<local.writer>"]}


def test_what_all_instances_share_is_written_once() -> None:
    rows = {Row('a["x"]', "size", "1"): ["shipped"], Row('a["y"]', "size", "1"): ["shipped"]}
    rows[Row('a["y"]', "name", "why")] = [plan.name for plan in PLANS]
    assert render("edge", rows).splitlines()[-2:] == [
        "| * | size | 1 | shipped |",
        "| y | name | why |  |",
    ]


def test_lifecycle_and_assertions_are_read_as_text() -> None:
    body = "  name = 1\n  lifecycle {\n    ignore_changes = [\n      labels,\n    ]\n  }\n"
    assert list(lifecycle_texts(body)) == ["lifecycle { ignore_changes = [ labels, ] }"]


def table_cells(table: str) -> list[list[str]]:
    """The cells of every line of a table's page."""
    lines = [line for line in table.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_an_account_has_one_spelling_and_a_right_says_what_it_is_on(
    tables: dict[str, str],
) -> None:
    header, _, *rights = table_cells(tables["iam.md"])
    assert header == ["member", "role", "kind", "on", "if", "written in", "plans"]
    assert not [right for right in rights if "google_service_account." in "".join(right[:2])]
    assert not [right for right in rights if not (right[2] and right[3])]
    build = "serviceAccount:surety-build@example-project.iam.gserviceaccount.com"
    assert {"project", "storage bucket", "bigquery dataset"} < {
        r[2] for r in rights if r[0] == build
    }
    roles = {right[1] for right in rights if right[1].startswith("projects/")}
    made = tables["project.md"]
    assert roles
    assert all(f"| role_id | {role.rpartition('/')[2]} |" in made for role in roles)


def test_an_alert_is_one_line(tables: dict[str, str], plans: dict[str, Planned]) -> None:
    _, _, part = tables["overview.md"].partition("## Alerts\n")
    header, _, *alerts = table_cells(part)
    assert header == ["alert", "severity", "for", "query", "channels"]
    policies = plans["everything"].of_kind("google_monitoring_alert_policy").values()
    assert [alert[0] for alert in alerts] == sorted(
        policy["display_name"].removeprefix("prod: ") for policy in policies
    )
    assert all(all(alert) for alert in alerts)
    assert {alert[1] for alert in alerts if 'notificationChannels/1"' in alert[4]} == {"CRITICAL"}


def test_what_repeats_itself_is_named_and_every_page_says_what_it_plans(
    tables: dict[str, str],
) -> None:
    assert "http.server" not in tables["running.md"]
    assert "<infra/placeholder.py>" in tables["running.md"]
    assert "| service | run.googleapis.com |" not in tables["project.md"]
    for name in set(tables) - {"lifecycle.md"}:
        assert "people of people.tfvars" in tables[name]
        assert "staging.tfvars is in no table" in tables[name]


def section(page: str, title: str) -> list[list[str]]:
    """The lines of one table of a page, without its heading."""
    _, _, part = page.partition(f"## {title}\n")
    part, _, _ = part.partition("\n## ")
    return table_cells(part)[2:]


def test_everything_that_answers_asks_somebody_for_something(tables: dict[str, str]) -> None:
    reached = section(tables["overview.md"], "Who reaches what")
    public = {cells[0]: cells[4:] for cells in reached if cells[2] == "nothing"}
    # Before the dashboard people sign in at the issuer.
    desk = public.pop('google_cloud_run_v2_service.dashboard["dashboard"]')
    assert desk == ["a token of the issuer", "everything"]
    assert public == {"google_cloud_run_v2_service.scoring": ["an API key", "public"]}
    assert not [cells for cells in reached if cells[3] == "nobody"]
    [everything] = [c for c in reached if "v2_service.scoring" in c[0] and c[5] == "everything"]
    assert everything[1].startswith("the load balancer, ")
    assert "prod-probe@" in everything[3]


def test_no_data_is_destroyed_where_people_work_with_it(tables: dict[str, str]) -> None:
    lines = section(tables["overview.md"], "What a destroy does")
    here = {cells[0]: cells for cells in lines if not cells[3] or "shipped" in cells[3]}
    refused = {address for address, cells in here.items() if cells[1].startswith("refused")}
    data = r"(bootstrap/)?google_(storage_bucket|bigquery_(dataset|table))\."
    assert {address for address in here if re.match(data, address)} <= refused
    assert "google_cloud_run_v2_service.scoring" in refused
    locked = [cells[2] for cells in lines if cells[0] == "google_storage_bucket.evidence"]
    assert "no `force_destroy`; objects stay 1,095 days, and nobody can shorten that" in locked
    [dev] = [c for c in lines if c[0] == "google_storage_bucket.models" and c[3] == "dev"]
    assert dev[1:3] == [
        "deleted, with what it holds",
        "`force_destroy`; objects can be restored for 7 days",
    ]
