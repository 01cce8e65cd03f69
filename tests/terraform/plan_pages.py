"""The pages of terraform/plans: how the rows of all plans are laid out for a reader."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Plan:
    """One plan of both modules: its name in the tables, and the variables that make it."""

    name: str
    arguments: tuple[str, ...]


PLANS = (
    Plan("shipped", ("prod",)),
    Plan("everything", ("prod", "everything")),
    Plan("public", ("prod", "public")),
    # Named as the others, so that the tables show what differs and not the names.
    Plan("dev", ("dev",)),
)


@dataclass(frozen=True)
class Row:
    """A line of a table: which resource, what of it, and its value; of a grant: its cells."""

    address: str
    name: str
    value: str
    more: tuple[str, ...] = ()


TITLES = {"iam": "IAM"}
INTRODUCTIONS = {
    "iam": (
        "Who has which right on what, and under which condition. What roles of our own may do is in"
        " [project.md](project.md), as `permissions`. No line is written here for rights that come"
        " from elsewhere: owners of the project and whoever has rights over its folder or"
        " organisation have theirs, and so have the accounts that Google makes for its services."
    ),
    "environment": "What every container is told. A secret is a name and a version.",
    "protection": "Where data is, how long it stays and what brings it back.",
    "running": (
        "What runs: account, image, size, probes, scaling, schedules. The images are placeholders"
        " until a release names others."
    ),
    "monitoring": "Alerts, what they count, where the decision log goes, uptime check, budget.",
    "edge": (
        "The load balancer, its certificate and its rules; the network of the loan book, and the"
        " address in it that leads to its database."
    ),
    "project": "APIs, accounts, roles of our own, who may log in from elsewhere.",
}
PREAMBLE = (
    "Written by `make plan-tables` from Terraform's plans; read it, do not edit it. `plans` says in"
    " which of them a line is: `shipped` (prod.tfvars), `everything` (every flag on), `public` (an"
    " API key instead of IAM), `dev` (dev.tfvars under the name prod, so that names do not differ);"
    " nothing means all. Each plan has the people of people.tfvars besides, whom prod.tfvars leaves"
    " out. staging.tfvars is in no table: `make plan-offline ENVIRONMENT=staging` plans it."
    " `<…>` is known only after an apply."
)


def render(table: str, rows: Mapping[Row, Sequence[str]]) -> str:
    """A page of one topic."""
    lines = [f"# {TITLES.get(table, table.capitalize())}", "", INTRODUCTIONS[table], "", PREAMBLE]
    body = iam_table(rows) if table == "iam" else resource_tables(rows)
    return "\n".join([*lines, *body]) + "\n"


def iam_table(rows: Mapping[Row, Sequence[str]]) -> Iterator[str]:
    """One table, by member: all that somebody may do stands together."""
    yield from ("", *heading("member", "role", "kind", "on", "if", "written in", "plans"))
    lines = {row: tuple(map(spelled, grant_cells(row))) for row in rows}
    for row, cells in sorted(lines.items(), key=lambda item: (item[1], item[0].address)):
        yield line(*cells, row.address, plans_in(rows[row]))


def grant_cells(row: Row) -> tuple[str, ...]:
    """What a line of a grant says, as references where an account is not named by its address."""
    return (row.name, row.value, granted_on(row.address), *row.more)


def spelled(text: str) -> str:
    """An account or role that the bootstrap makes, as the other module writes it."""
    email = "@example-project.iam.gserviceaccount.com"
    whose = r"(?:workload\[\"(\w+)\"\]|(build|submit)(?:\[.*?\])?)"
    account = rf"<google_service_account\.{whose}(?:\.(\w+))?>"

    def address(match: re.Match[str]) -> str:
        workload, other, attribute = match.groups()
        kind = "" if attribute == "name" else "serviceAccount:"
        return f"{kind}{f'prod-{workload}' if workload else f'surety-{other}'}{email}"

    role = r"<google_project_iam_custom_role\.(\w+)(?:\[.*?\])?\.\w+>"
    return re.sub(role, r"projects/example-project/roles/surety_\1", re.sub(account, address, text))


def granted_on(address: str) -> str:
    """What a right is on: the kind of resource that its grant is named after."""
    [kind] = re.findall(r"google_(\w+?)_iam_(?:member|binding|audit_config)", address)
    return str(kind).replace("_", " ")


def resource_tables(rows: Mapping[Row, Sequence[str]]) -> Iterator[str]:
    """One table for each resource; what all its instances share is written once."""
    resources: dict[str, dict[tuple[str, str, str], list[str]]] = {}
    for row, names in rows.items():
        base, _, index = row.address.partition("[")
        key = (row.name, row.value, plans_in(names))
        resources.setdefault(base, {}).setdefault(key, []).append(index.strip('"]'))
    for base, lines in sorted(resources.items()):
        instances = {index for indices in lines.values() for index in indices}
        columns = ("argument", "value", "plans")
        yield from ("", f"## {base}", "")
        yield from heading(*([] if instances == {""} else ["instance"]), *columns)
        for key, indices in sorted(lines.items(), key=lambda item: sort_key(item, instances)):
            instance = "*" if set(indices) == instances else ", ".join(sorted(indices))
            yield line(*([] if instances == {""} else [instance]), *key)


def sort_key(item: tuple[tuple[str, str, str], list[str]], instances: set[str]) -> tuple[Any, ...]:
    """First what all instances share, then instance by instance."""
    (name, value, where), indices = item
    return ("" if set(indices) == instances else min(indices), natural(name), value, where)


def plans_in(names: Sequence[str]) -> str:
    """Name the plans that a line is in; nothing where it is in all that there are."""
    return "" if len(set(names)) == len(PLANS) else ", ".join(sorted(set(names)))


def heading(*cells: str) -> list[str]:
    """The first two lines of a table."""
    return [line(*cells), line(*["---"] * len(cells))]


def line(*cells: str) -> str:
    """A line of a table."""
    return f"| {' | '.join(map(cell, cells))} |"


def natural(text: str) -> list[tuple[int, str]]:
    """Numbers in order of size."""
    return [(int(part) if part.isdigit() else 0, part) for part in re.split(r"(\d+)", text)]


def cell(text: str) -> str:
    """A text within a table."""
    return text.replace("|", "\\|").replace("\n", " ⏎ ")


def render_lifecycle(folder: Path) -> str:
    """What Terraform leaves alone or refuses to destroy, and what waits for what."""
    lines = [
        "# Lifecycle",
        "",
        "What no plan shows, as it is written. Written by `make plan-tables`.",
        "",
    ]
    lines += ["| resource | says |", "| --- | --- |"]
    blocks = re.compile(r'^(?:terraform|provider "google") \{\n.*?^\}', re.MULTILINE | re.DOTALL)
    pattern = re.compile(
        r'^(resource|check) "(\w+)"(?: "(\w+)")? \{\n(.*?)^\}', re.MULTILINE | re.DOTALL
    )
    for path in sorted(folder.rglob("*.tf")):
        if ".terraform" in path.parts or path.name.endswith("_override.tf"):
            continue
        where = "bootstrap/" if path.parent.name == "bootstrap" else ""
        for text in blocks.findall(path.read_text()):
            lines.append(line(f"{where}{path.name}", re.sub(r"\s+", " ", text)))
        for keyword, kind, name, body in pattern.findall(path.read_text()):
            address = f"{where}{kind}.{name}" if keyword == "resource" else f"{where}check.{kind}"
            lines += [f"| {address} | {cell(text)} |" for text in lifecycle_texts(body)]
    return "\n".join(lines) + "\n"


def lifecycle_texts(body: str) -> Iterator[str]:
    """The lifecycle, dependencies and assertions of a block, on one line each."""
    for pattern in (
        r"^  lifecycle \{\n.*?^  \}",
        r"^  depends_on = .*?\]",
        r"^  assert \{\n.*?^  \}",
    ):
        for text in re.findall(pattern, body, re.MULTILINE | re.DOTALL):
            yield re.sub(r"\s+", " ", text).strip()
