"""Write the documents that derive from the code: what `make documents` and `make openapi` do.

Nothing of ours is imported: each service prints what it declares, as JSON, and this command lays it
out. In docs/http.md and docs/settings.md only the text between two marks is replaced.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
HTTP = "docs/http.md"
SETTINGS = "docs/settings.md"
HTTP_MARK, SETTINGS_MARK = "make openapi", "make documents"

OPENAPI = ("-m", "functions.scoring", "openapi")
DECISION_TABLE = ("-m", "functions.scoring", "decision-table")
WAREHOUSE_ARGUMENTS = ("-m", "functions.scoring.bigquery")
SCORING_SETTINGS = ("-m", "functions.scoring", "settings")
RETRAIN_SETTINGS = ("-m", "functions.retrain", "settings")
LENDING_SETTINGS = ("-m", "functions.lending", "settings")
DASHBOARD_SETTINGS = ("-m", "functions.dashboard", "settings")
LENDING_OPENAPI = ("-m", "functions.lending", "openapi")
RETRAIN_OPENAPI = ("-m", "functions.retrain", "openapi")
BATCH_SETTINGS = ("-m", "functions.batch", "settings")
BATCH_OPENAPI = ("-m", "functions.batch", "openapi")

# A reader of a route's table needs no more members than these; the rest stands in the document.
MOST_MEMBERS = 8
COMMENT_COLUMNS = 98
READERS = {
    "Server": "Read by every service.",
    "Access": "Read by every service.",
    "Models": (
        "Read by the scoring service. The retrain service reads `MODEL_STORE`, `DEFAULT_MODEL` and "
        "`CREDIT_MODELS`; `python -m training` reads `MODEL_STORE`, `CREDIT_MODELS`, "
        "`DATA_URL`, the SQLAlchemy URL of the database of `--query`, which is never printed, and "
        "`MLFLOW_TRACKING_URI`, the address of an MLflow server that mirrors the registry; without "
        "it nothing is mirrored. The [data pipeline](data-pipeline.md) reads `PIPELINE_SOURCES`, "
        "`PIPELINE_QUALITY`, `LAKE_URI`, `WAREHOUSE_URL`, `WAREHOUSE_SECRET`, and for each source "
        "`SOURCE_URL_NAME` and `SOURCE_TOKEN_NAME`."
    ),
    "Features of applicants": (
        "Read by the scoring service; `python -m training snapshot` writes to `FEATURE_STORE_URI`."
    ),
    "Decision log": (
        "Read by the scoring service. `python -m functions.scoring audit` reads `DECISION_LOG_KEY`."
    ),
    "Traces": "Read by both services; nothing is sent, and no line names a trace, unless set.",
    "Vertex AI": "Read by the scoring service; empty everywhere but on Vertex AI.",
    "Retraining": "Read by the retrain service.",
    "Loan book": (
        "Read by the loan book; its commands `migrate`, `open`, `close` and `seed` read "
        "`DATABASE_URL` alone."
    ),
    "Batches": (
        "Read by the batch function, which reads `MODEL_STORE`, `CREDIT_MODELS`, "
        "`DECISION_LOG_KEY` and `DECISION_ANCHOR_STORE` as well; the command `score` reads these "
        "and `BATCH_TASKS`."
    ),
    "Dashboard": "Read by the dashboard, which reads `JWT_ROLES_CLAIM` too.",
}

KINDS: Mapping[str, str] = {"string": "text"}

Schema = Mapping[str, Any]


def main() -> int:
    """Write every document, or those of the OpenAPI document alone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["openapi"], help="docs/openapi.json and docs/http.md")
    writers = OPENAPI_WRITERS if parser.parse_args().only else WRITERS
    for name, write in writers.items():
        (REPOSITORY / name).write_text(write())
        print(name)
    return 0


def output_from(command: Sequence[str]) -> str:
    """Return what a command of ours prints where no variable of ours is set."""
    done = subprocess.run(  # noqa: S603 -- our own commands
        [sys.executable, *command],
        cwd=REPOSITORY,
        env={"PATH": os.defpath, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def http_page() -> str:
    """Put the routes and the rows of every model into docs/http.md."""
    page = (REPOSITORY / HTTP).read_text()
    return fill(page, HTTP_MARK, http_tables(json.loads(output_from(OPENAPI))))


def settings_page() -> str:
    """Put every variable into docs/settings.md."""
    page = (REPOSITORY / SETTINGS).read_text()
    return fill(page, SETTINGS_MARK, settings_tables(declared_settings()))


def env_example() -> str:
    """List every variable with its default; copied unchanged, it changes nothing."""
    blocks = [
        "# Settings of Surety, written by `make documents`; docs/settings.md explains them.",
        "# An empty value is the default; quote a value that contains blanks.",
        "# Load a copy by `set -a; . ./.env; set +a`.",
    ]
    for concern, variables in declared_settings().items():
        blocks.append("\n" + comment(f"{concern}. {READERS[concern]}"))
        for variable in variables:
            blocks.append("\n" + comment(variable["meaning"]))
            blocks.append(comment(f"Default: {variable['default']}"))
            blocks.append(f"{variable['name']}={value_from_default(variable['default'])}")
    return "\n".join(blocks) + "\n"


def comment(text: str) -> str:
    """Write a text as comment lines."""
    return textwrap.indent(textwrap.fill(text.replace("`", ""), COMMENT_COLUMNS), "# ")


def declared_settings() -> dict[str, list[dict[str, str]]]:
    """Ask the services which variables they read, by concern."""
    settings: dict[str, list[dict[str, str]]] = json.loads(output_from(SCORING_SETTINGS))
    for command in (RETRAIN_SETTINGS, LENDING_SETTINGS, BATCH_SETTINGS, DASHBOARD_SETTINGS):
        settings |= json.loads(output_from(command))
    return settings


def value_from_default(default: str) -> str:
    """Return a default that is one value; nothing where it depends on something."""
    match = re.fullmatch("`([^`]+)`", default)
    return match[1] if match else ""


def settings_tables(settings: Mapping[str, Sequence[Mapping[str, str]]]) -> str:
    """Render one table for each concern."""
    parts = []
    for concern, variables in settings.items():
        rows = [[f"`{v['name']}`", v["default"], v["meaning"]] for v in variables]
        parts += [
            f"## {concern}",
            READERS[concern],
            text_table(("variable", "default", "meaning"), rows),
        ]
    return "\n\n".join(parts)


def http_tables(document: Schema) -> str:
    """Render the routes by contract, the headers, a prediction, and the rows of every model."""
    schemas = document["components"]["schemas"]
    models = model_names(document)
    parts = ["## Routes"]
    for tag, routes in routes_by_tag(document, models).items():
        rows = [route_cells(route, operation, schemas, models) for route, operation in routes]
        headings = ("route", "does", "scope", "request", "response")
        parts += [f"### {tag}", text_table(headings, rows)]
    headers = document["components"]["parameters"].values()
    parts += [
        "## Request headers",
        text_table(("header", "meaning"), [[f"`{h['name']}`", h["description"]] for h in headers]),
        "## Prediction",
        schemas["Prediction"]["description"],
        fields_table(schemas["Prediction"]),
        "Each of the `reasons`:",
        fields_table(schemas["PredictionReason"]),
        "## Rows",
        "What one row of each bundled model contains.",
    ]
    for name in models:
        parts += [f"### {name}", schemas[name]["description"], fields_table(schemas[name])]
    return "\n\n".join(parts)


def model_names(document: Schema) -> list[str]:
    """Names of the models that the document describes."""
    matches = (re.fullmatch(r"/v1/models/(\w+)", path) for path in document["paths"])
    return [match[1] for match in matches if match]


def routes_by_tag(
    document: Schema, models: Sequence[str]
) -> dict[str, list[tuple[str, Mapping[str, Any]]]]:
    """Collect operations by contract, those of one model standing for all.

    That model is the one whose name is longest: it is least likely to be a word of a summary.
    """
    sample = max(models, key=len)
    others = "|".join(name for name in models if name != sample)
    routes: dict[str, list[tuple[str, Mapping[str, Any]]]] = {
        tag["name"]: [] for tag in document["tags"]
    }
    for path, methods in document["paths"].items():
        if re.search(rf"/({others})(?![a-z_])", path):
            continue
        for method, operation in methods.items():
            route = f"{method.upper()} {path.replace(sample, '{model}')}"
            summary = operation["summary"].replace(sample, "`{model}`")
            [tag] = operation["tags"]
            routes[tag].append((route, {**operation, "summary": summary}))
    return routes


def route_cells(
    route: str, operation: Schema, schemas: Mapping[str, Schema], models: Sequence[str]
) -> list[str]:
    """Render one row of a table of routes."""
    scope = operation.get("x-scope")
    content = operation.get("requestBody", {}).get("content", {})
    queries = [
        f"`?{p['name']}=`" for p in operation.get("parameters", ()) if p.get("in") == "query"
    ]
    bodies = [
        body_text(body["schema"], schemas, models) if kind == "application/json" else f"`{kind}`"
        for kind, body in content.items()
    ]
    request = [", or ".join(bodies)] if bodies else []
    [(media_type, body)] = operation["responses"]["200"]["content"].items()
    return [
        f"`{route}`",
        operation["summary"],
        f"`{scope}`" if scope else "none",
        " ".join([*request, *queries]),
        response_text(media_type, body, schemas),
    ]


def body_text(schema: Schema, schemas: Mapping[str, Schema], models: Sequence[str]) -> str:
    """Name the members of a request body, or the model whose row it is."""
    if "oneOf" in schema:
        return ", or ".join(body_text(part, schemas, models) for part in schema["oneOf"])
    members = schema["properties"]
    for name in models:
        if set(schemas[name]["properties"]) <= set(members):
            own = [f"`{m}`" for m in members if m not in schemas[name]["properties"]]
            return f"a row of [{name}](#{name})" + (f" with {', '.join(own)}" if own else "")
    return ", ".join(member_text(name, member) for name, member in members.items())


def member_text(name: str, schema: Schema) -> str:
    """Name a member; a list with how many items it may have."""
    if "maxItems" not in schema:
        return f"`{name}`"
    least, most = schema.get("minItems", 0), schema["maxItems"]
    return f"`{name}` ({least:,} to {most:,})" if least < most else f"`{name}` ({most:,})"


def response_text(media_type: str, body: Schema, schemas: Mapping[str, Schema]) -> str:
    """Name the members of a response; a prediction is named as such."""
    if media_type != "application/json":
        return media_type
    if "anyOf" in body["schema"]:
        parts = (response_text(media_type, {"schema": s}, schemas) for s in body["schema"]["anyOf"])
        return ", or ".join(parts)
    schema = resolve(body["schema"], schemas)
    members = list(schema.get("properties", ()))
    if set(schemas["Prediction"]["required"]) <= set(members):
        own = [f"`{m}`" for m in members if m not in schemas["Prediction"]["properties"]]
        return f"a [prediction](#prediction) with {', '.join(own)}"
    listed = [f"`{m}`" for m in members[:MOST_MEMBERS]]
    return ", ".join(listed + ["..."] * (len(members) > MOST_MEMBERS)) or "JSON"


def fields_table(schema: Schema) -> str:
    """Render the members of an object: values, whether required, meaning."""
    required = schema.get("required", ())
    rows = [
        [
            f"`{name}`",
            values_text(field),
            "yes" if name in required else "no",
            field.get("description", ""),
        ]
        for name, field in schema["properties"].items()
    ]
    return text_table(("field", "values", "required", "meaning"), rows)


def values_text(schema: Schema) -> str:
    """Describe the accepted values of a field."""
    if "anyOf" in schema:
        return " or ".join(values_text(part) for part in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if schema["type"] == "array":
        return f"list of at most {schema['maxItems']}"
    bounds = [*bounds_text(schema)]
    return ", ".join([KINDS.get(schema["type"], str(schema["type"])), *bounds])


def bounds_text(schema: Schema) -> Iterator[str]:
    """Describe the bounds of a number, or the length of a text."""
    if "minLength" in schema:
        yield f"{schema['minLength']} to {schema['maxLength']} characters"
    if "exclusiveMinimum" in schema:
        yield f"above {schema['exclusiveMinimum']:,g}"
    if "minimum" in schema and "maximum" in schema:
        yield f"{number_text(schema['minimum'])} to {number_text(schema['maximum'])}"
    elif "maximum" in schema:
        yield f"at most {number_text(schema['maximum'])}"
    if "exclusiveMaximum" in schema:
        yield f"below {number_text(schema['exclusiveMaximum'])}"


def number_text(number: float) -> str:
    """Write a number with thousands apart and no needless decimals."""
    return f"{number:,.0f}" if number == int(number) else f"{number:,}"


def resolve(schema: Schema, schemas: Mapping[str, Schema]) -> Schema:
    """Follow a reference to a named schema."""
    return schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def fill(page: str, mark: str, text: str) -> str:
    """Replace what stands between a page's two marks of this name.

    Raises
    ------
    ValueError
        If the page does not have each mark exactly once.
    """
    begin, end = f"<!-- {mark}: begin -->\n", f"<!-- {mark}: end -->"
    if page.count(begin) != 1 or page.count(end) != 1:
        message = f"the page must have each of the two marks {mark!r} once"
        raise ValueError(message)
    head, _, rest = page.partition(begin)
    return f"{head}{begin}{text}\n{end}{rest.partition(end)[2]}"


def text_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Render a table in Markdown, every column aligned left."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


OPENAPI_WRITERS: Mapping[str, Callable[[], str]] = {
    "docs/openapi.json": lambda: output_from(OPENAPI),
    HTTP: http_page,
    "docs/openapi-lending.json": lambda: output_from(LENDING_OPENAPI),
    "docs/openapi-batch.json": lambda: output_from(BATCH_OPENAPI),
    "docs/openapi-retrain.json": lambda: output_from(RETRAIN_OPENAPI),
}
WRITERS: Mapping[str, Callable[[], str]] = {
    **OPENAPI_WRITERS,
    SETTINGS: settings_page,
    ".env.example": env_example,
    "terraform/schemas/decisions.json": lambda: output_from(DECISION_TABLE),
    "terraform/schemas/bigquery.json": lambda: output_from(WAREHOUSE_ARGUMENTS),
}

if __name__ == "__main__":
    sys.exit(main())
