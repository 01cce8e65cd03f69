"""`make plan-tables`: what both modules plan, as tables in terraform/plans, reviewed as a diff.

Every resource of every plan is in exactly one table, with every argument that it sets. The provider
is whatever `terraform init` gets; nothing is asked of Google Cloud.
"""

import argparse
import base64
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest
from pathlib import Path
from typing import Any

from tests.terraform.plan_overview import overview
from tests.terraform.plan_pages import PLANS, Plan, Row, line, plans_in, render, render_lifecycle

REPOSITORY = Path(__file__).resolve().parents[2]
TABLES = REPOSITORY / "terraform" / "plans"
LOCAL_STATE = 'terraform {\n  backend "local" {}\n}\n'
# What only Google Cloud knows, so that what is built from it can be read.
# Without the project's number nothing is asked of Google Cloud, so no login is needed.
NUMBER = """data "google_project" "here" {
  count = 0
}

locals {
  project_number = "123456789012"
}
"""
PLACEHOLDERS = """locals {
  copy_configs       = [for n, _ in google_bigquery_data_transfer_config.backup : "<copy of ${n}>"]
  transfer_jobs      = [for name, _ in google_storage_transfer_job.backup : "<copy of ${name}>"]
  connection_account = "<account of the connection>"
  database_ca        = "<certificate>"
  database_link      = "<attachment of the database>"
  retrain_uri        = "https://prod-retrain.example.run.app"
  scoring_uri        = "https://prod-scoring.example.run.app"
  sink_writer        = "serviceAccount:<writer of the sink>"
  uptime_check       = "<check>"
}
"""
# Long texts that are files of the repository: the table names the file.
FILES = {
    ("google_monitoring_dashboard", "dashboard_json"): "infra/monitoring/dashboard.json",
    ("google_workflows_workflow", "source_contents"): "infra/probe.yaml",
    ("google_bigquery_table", "schema"): "terraform/schemas/decisions.json",
}
PLACEHOLDER = (REPOSITORY / "infra" / "placeholder.py").read_text()
TOPICS = {
    "protection": (
        r"google_(storage_bucket|storage_transfer_job|bigquery_(dataset|table|data_transfer_config)"
        r"|artifact_registry_repository|storage_bucket_object|sql_(database_instance|database|user))"
        r"|terraform_data"
    ),
    "running": r"google_(cloud_run_v2_(service|job)|cloudfunctions2_function|cloud_scheduler_job"
    r"|eventarc_trigger|bigquery_(connection|routine))",
    "monitoring": r"google_(logging|monitoring|billing_budget)\w*",
    "edge": r"google_(compute|workflows)_\w+",
    "project": r"google_(project_service|service_account|project_iam_custom_role"
    r"|iam_workload_identity_\w+|binary_authorization_(attestor|policy)"
    r"|kms_(crypto_key|key_ring)|container_analysis_note)",
}


MODULES = {"": "terraform", "bootstrap": "terraform/bootstrap"}
CASES = [(module, plan) for module in MODULES for plan in PLANS]


def main() -> int:
    """Write the tables; with `--check`, print the ones that differ and exit with 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if stale")
    parser.add_argument("--plan", metavar="ENVIRONMENT", help="print an environment's plan instead")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        copy = initialised_copy(Path(folder))
        if options.plan:
            print(plan_of_environment(copy, options.plan))
            return 0
        tables = tables_from(plan_everything(copy), copy)
    stale = [name for name, text in tables.items() if committed(name) != text]
    if options.check:
        print("\n".join(f"{name} is not what is planned: run make plan-tables" for name in stale))
        return int(bool(stale))
    for name, text in tables.items():
        (TABLES / name).write_text(text)
    print(f"{len(tables)} tables in {TABLES.relative_to(REPOSITORY)}, {len(stale)} changed")
    return 0


def plan_of_environment(copy: Path, environment: str) -> str:
    """Plan an environment that does not exist yet, bootstrap first, as Terraform prints it."""
    variables = f"environments/{environment}.tfvars"
    options = ("plan", "-input=false", "-lock=false", "-compact-warnings", "-no-color")
    bootstrap = run_offline(copy / MODULES["bootstrap"], *options, f"-var-file=../{variables}")
    return bootstrap + run_offline(copy / MODULES[""], *options, f"-var-file={variables}")


def committed(name: str) -> str:
    """A table as it is in the repository; empty where there is none."""
    path = TABLES / name
    return path.read_text() if path.exists() else ""


def initialised_copy(folder: Path) -> Path:
    """Copy both modules, and what they read of infra/, with a backend that needs no bucket."""
    for part in ("terraform", "infra"):
        ignored = shutil.ignore_patterns(".terraform*", "uv.lock")
        shutil.copytree(REPOSITORY / part, folder / part, ignore=ignored)
    (folder / "terraform" / "backend_override.tf").write_text(LOCAL_STATE)
    (folder / "terraform" / "placeholder_override.tf").write_text(NUMBER + PLACEHOLDERS)
    (folder / "terraform" / "bootstrap" / "number_override.tf").write_text(NUMBER)
    for path in (folder / "terraform").glob("environments/*.tfvars"):
        path.write_text(path.read_text().replace("your-project", "example-project"))
    for module in MODULES.values():
        subprocess.run(["terraform", "init"], cwd=folder / module, check=True, capture_output=True)
    return folder


def plan_everything(copy: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """Make every plan in an initialised copy: its JSON by module and name."""
    with ThreadPoolExecutor(2) as pool:
        documents = list(pool.map(lambda case: planned_document(copy, *case), CASES))
    return {(module, plan.name): d for (module, plan), d in zip(CASES, documents, strict=True)}


def tables_from(
    documents: Mapping[tuple[str, str], Mapping[str, Any]], copy: Path
) -> dict[str, str]:
    """Lay out the tables of the plans, by file name."""
    rows: dict[str, dict[Row, list[str]]] = {}
    for (module, plan), document in documents.items():
        for table, row in rows_from(document, module):
            rows.setdefault(table, {}).setdefault(row, []).append(plan)
    tables = {f"{table}.md": render(table, of_table) for table, of_table in sorted(rows.items())}
    tables["lifecycle.md"] = render_lifecycle(copy / "terraform")
    warnings = failed_checks(documents)
    return tables | {"overview.md": overview(rows, tables["lifecycle.md"], warnings)}


def failed_checks(documents: Mapping[tuple[str, str], Mapping[str, Any]]) -> Iterator[str]:
    """A line for each check that fails, with the plans in which it does."""
    failing: dict[tuple[str, str], list[str]] = {}
    for (_, plan), document in documents.items():
        for check in document.get("checks", ()):
            for instance in check.get("instances", ()):
                for problem in instance.get("problems", ()):
                    key = (check["address"]["name"], problem["message"])
                    failing.setdefault(key, []).append(plan)
    for cells, names in sorted(failing.items()):
        yield line(*cells, plans_in(names))


def run_offline(folder: Path, *arguments: str) -> str:
    """Run terraform with a token that is never used: the provider insists on one."""
    command = ["env", "GOOGLE_OAUTH_ACCESS_TOKEN=none", "terraform", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        message = f"terraform {arguments[0]} failed: {done.stdout}{done.stderr}"
        raise RuntimeError(message)
    return done.stdout


def planned_document(copy: Path, module: str, plan: Plan) -> dict[str, Any]:
    """Plan one module with one set of variables, as JSON."""
    folder = copy / MODULES[module]
    up = "../" if module else ""
    environment, *more = plan.arguments
    files = [f"environments/{environment}", *(f"plans/{name}" for name in ["people", *more])]
    arguments = [f"-var-file={up}{name}.tfvars" for name in files]
    output = f"plan-{plan.name}"
    options = ("-input=false", "-lock=false", "-compact-warnings", f"-out={output}")
    run_offline(folder, "plan", *options, *arguments, "-var=environment=prod")
    text = run_offline(folder, "show", "-json", output)
    document: dict[str, Any] = json.loads(text)
    return document


def rows_from(document: Mapping[str, Any], module: str) -> Iterator[tuple[str, Row]]:
    """Every line of a plan, with the name of its table."""
    prefix = f"{module}/" if module else ""
    for name, output in document["planned_values"]["outputs"].items():
        value = output.get("value", "<known after apply>")
        yield "project", Row(f"{prefix}output", name, json.dumps(value))
    root = document["configuration"]["root_module"]["resources"]
    configured = {f"{r['type']}.{r['name']}": r for r in root if r["mode"] == "managed"}
    for change in document["resource_changes"]:
        if change["mode"] != "managed":
            continue
        kind, address = change["type"], prefix + change["address"]
        values = resolved(change, configured[f"{kind}.{change['name']}"])
        if re.search(r"_iam_(member|binding|audit_config)$", kind):
            yield from (("iam", row) for row in iam_rows(address, kind, values))
            continue
        [topic] = [name for name, pattern in TOPICS.items() if re.fullmatch(pattern, kind)]
        for name, value in flattened(shortened(kind, values)):
            table = "environment" if re.search(r"\.env\[|environment_variables", name) else topic
            yield table, Row(address, name, value)


def resolved(change: Mapping[str, Any], configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Take the planned values; what only Google Cloud knows is named by what it refers to."""
    each = configuration.get("for_each_expression", {}).get("references", [""])[0]
    spelled = f'{each}["{change.get("index")}"]'
    planned = change["change"]
    values = with_references(
        planned["after"], planned["after_unknown"], configuration["expressions"], spelled
    )
    assert isinstance(values, dict)
    return values


def with_references(value: object, unknown: object, expression: object, each: str) -> object:
    """Put references in the places of unknown values that the configuration sets."""
    if unknown is True and isinstance(expression, dict) and "references" in expression:
        return f"<{expression['references'][0].replace('each.value', each)}>"
    if isinstance(unknown, dict) and isinstance(expression, dict):
        values = dict(value) if isinstance(value, dict) else {}
        for name, member in unknown.items():
            if name in expression and member:
                got = with_references(values.get(name), member, expression[name], each)
                values[name] = got
        return values
    if isinstance(unknown, list) and isinstance(value, list) and True in unknown:
        # A list of texts with unknown ones among them.
        return [
            *filter(None, value),
            with_references(None, unknown[unknown.index(True)], expression, each),
        ]
    if isinstance(unknown, list) and isinstance(value, list) and isinstance(expression, list):
        # Blocks made by `dynamic` have no expressions; they come after those that have.
        parts = zip_longest(value, unknown, expression)
        return [with_references(*part, each) for part in parts]
    return value


def shortened(kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Replace what no reader would read: files by their names, encoded bodies by what they say."""
    short = dict(values)
    for (of_kind, name), file in FILES.items():
        if kind == of_kind:
            short[name] = f"<{file}>"
    if kind == "google_project_service":
        del short["service"]  # the instance is its name
    if kind == "google_storage_bucket_object" and short.get("content"):
        short["content"] = "<the files of this folder, as applied>"
    if kind == "google_bigquery_routine":
        types = [(a["name"], json.loads(a["data_type"])["typeKind"]) for a in short["arguments"]]
        short["arguments"] = ", ".join(" ".join(pair) for pair in types)
    for target in short.get("http_target") or []:
        if target.get("body"):
            target["body"] = json.loads(base64.b64decode(target["body"]))
    return short


def flattened(value: object, name: str = "") -> Iterator[tuple[str, str]]:
    """Every leaf that is set, by its path; a block that stands alone needs no number."""
    if isinstance(value, dict):
        for key, member in sorted(value.items()):
            yield from flattened(member, f"{name}.{key}" if name else key)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        key, names = labels(value)
        for label, member in zip(names, value, strict=True):
            rest = {of: what for of, what in member.items() if of != key or not label}
            yield from flattened(rest, f"{name}{label}")
    elif isinstance(value, list) and PLACEHOLDER in value:
        yield from flattened(
            [v if v != PLACEHOLDER else "<infra/placeholder.py>" for v in value], name
        )
    elif value not in (None, [], {}):
        yield name, value if isinstance(value, str) else json.dumps(value)


def labels(blocks: Sequence[Mapping[str, Any]]) -> tuple[str, list[str]]:
    """Tell repeated blocks apart: by what names them, if something does, else by number."""
    for key in ("id", "name", "key"):
        names = [block.get(key) for block in blocks]
        if all(names) and len(set(names)) == len(names):
            return key, [f"[{name}]" for name in names]
    return "", [""] if len(blocks) == 1 else [f"[{index}]" for index in range(len(blocks))]


TARGETS = (
    *("bucket", "dataset_id", "connection_id", "secret_id", "service_account_id", "repository"),
    *("crypto_key_id", "billing_account_id", "attestor", "note", "name", "project"),
)


def iam_rows(address: str, kind: str, values: Mapping[str, Any]) -> Iterator[Row]:
    """One line for each member of a grant; an empty list takes the right from everyone."""
    if kind.endswith("_audit_config"):
        for config in values["audit_log_config"]:
            yield Row(address, "(audit log)", config["log_type"], (values["service"], ""))
        return
    target = str(next((values[name] for name in TARGETS if values.get(name)), ""))
    members = values["members"] if "members" in values else [values["member"]]
    members = members if isinstance(members, list) else [members]
    condition = "; ".join(c["expression"] for c in values.get("condition") or [])
    for member in members or ["(nobody)"]:
        yield Row(address, member, values["role"], (target, condition))


if __name__ == "__main__":
    sys.exit(main())
