"""`make client`: write the client's types and bounds of requests from OpenAPI documents."""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
CLIENT = REPOSITORY / "functions" / "client"
# What the client's methods return, and the error of all of them; what these refer to follows.
ROOTS = (
    *("Predictions", "Explanations", "WhatIf", "Recourses", "Models", "Problem"),
    *("ModelWithSchema", "VersionList", "VersionInfo"),
)
LENDING_ROOTS = (
    *("CustomersReply", "CustomerDetail", "ApplicationsReply", "LoanApplicationReply"),
    *("LoansReply", "LoanReply", "ScheduleReply", "TransactionsReply", "QuoteReply"),
    *("CollateralListReply", "GuarantorsReply", "ItemReply", "PostedReply", "AwaitingReply"),
    *("SummaryReply", "NpaReply", "RepaymentsReply", "CollateralReply", "DistributionReply"),
    *("HealthReply", "ReviewsReply", "OverridesReply", "SecondPersonRequestsReply", "ChecksReply"),
    *("CounterTermsReply", "ReviewItem", "JournalReply", "ClassHistoryReply"),
    *("WebhooksReply", "WebhookSecretReply", "WebhookReply", "WebhookMessagesReply"),
    *("ReplayReply", "ImportReport", "AuditReply"),
)
PORTFOLIO_ROOTS = (
    *("FigureReply", "MembersReply", "ExpectedLossReply", "ProvisionsReply", "RiskLoansReply"),
    *("StressReply", "PolicyReply", "NoticeReply", "WarningsReply", "WarningReply"),
)
MODULES = {
    "responses.py": ("docs/openapi.json", ROOTS),
    "lending_responses.py": ("docs/openapi-lending.json", LENDING_ROOTS),
    "rules_responses.py": ("docs/openapi-lending.json", ("RulesReply",)),
    "batch_responses.py": ("docs/openapi-batch.json", ("BatchState",)),
    "retrain_responses.py": ("docs/openapi-retrain.json", ("PointerState", "PointerMoved")),
    "portfolio_responses.py": ("docs/openapi-lending.json", PORTFOLIO_ROOTS),
}
BOUNDS_MODULE, BOUNDS_DOCUMENT = "lending_bounds.py", "docs/openapi-lending.json"
OPTIONS = (
    *("--input-file-type", "openapi", "--output-model-type", "pydantic_v2.BaseModel"),
    *("--base-class", "response.Response", "--target-python-version", "3.11"),
    *("--use-standard-collections", "--use-union-operator", "--use-annotated"),
    *("--enum-field-as-literal", "all", "--use-schema-description", "--collapse-root-models"),
    *("--disable-future-imports", "--formatters", "ruff-format", "--custom-file-header"),
)


def main() -> None:
    """Write the modules into `--output`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=CLIENT)
    output = parser.parse_args().output
    for name, (document, roots) in MODULES.items():
        (output / name).write_text(_module_from_document(document, roots))
    (output / BOUNDS_MODULE).write_text(_bounds_from_document(BOUNDS_DOCUMENT))


def _module_from_document(path: str, roots: Sequence[str]) -> str:
    """Return the module of the types that an OpenAPI document declares."""
    schemas = json.loads((REPOSITORY / path).read_text())["components"]["schemas"]
    reached: dict[str, Any] = {}
    for root in roots:
        _collect(root, schemas, reached)
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Surety", "version": "1"},
        "paths": {},
        "components": {"schemas": reached},
    }
    tools = Path(sys.executable).parent
    header = f'"""Types of the responses, written by `make client` from {path}."""'
    generated = subprocess.run(  # noqa: S603 -- fixed words
        [str(tools / "datamodel-codegen"), *OPTIONS, header],
        input=json.dumps(document),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    module = generated.stdout.replace("from response import", "from .response import")
    return _format(module)


def _bounds_from_document(path: str) -> str:
    """Return the module of the bounds that requests have, for forms that must not exceed them."""
    schemas = json.loads((REPOSITORY / path).read_text())["components"]["schemas"]
    lines = [
        f'    "{name}.{field}": ({schema["minimum"]}, {schema["maximum"]}),'
        for name, body in sorted(schemas.items())
        if not name.endswith("Reply")
        for field, schema in sorted(body.get("properties", {}).items())
        if {"minimum", "maximum"} <= schema.keys()
    ]
    header = f'"""Bounds of numbers in requests, written by `make client` from {path}."""'
    opening = "BOUNDS: Mapping[str, tuple[int, int]] = {"
    module = "\n".join([header, "from collections.abc import Mapping", "", opening, *lines, "}"])
    return _format(module + "\n")


def _format(module: str) -> str:
    ruff, as_name = str(Path(sys.executable).parent / "ruff"), str(CLIENT / "responses.py")
    for words in (["check", "--fix-only", "--unsafe-fixes", "--select", "I,D200,D212"], ["format"]):
        command = [ruff, *words, "--quiet", "--stdin-filename", as_name, "-"]
        done = subprocess.run(command, input=module, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 -- fixed words
        module = done.stdout
    return module


def _collect(name: str, schemas: dict[str, Any], reached: dict[str, Any]) -> None:
    """Add a schema and all that it refers to."""
    if name in reached:
        return
    reached[name] = schemas[name]
    for reference in _references(schemas[name]):
        _collect(reference, schemas, reached)


def _references(schema: Any) -> list[str]:  # noqa: ANN401 -- any JSON
    if isinstance(schema, list):
        return [name for item in schema for name in _references(item)]
    if not isinstance(schema, dict):
        return []
    names = [name for part in schema.values() for name in _references(part)]
    return [schema["$ref"].rpartition("/")[2], *names] if "$ref" in schema else names


if __name__ == "__main__":
    main()
