"""`make client`: write the client's response types from docs/openapi.json."""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
OPENAPI = REPOSITORY / "docs" / "openapi.json"
OUTPUT = REPOSITORY / "functions" / "client" / "responses.py"
# What the client's methods return, and the error of all of them; what these refer to follows.
ROOTS = ("Predictions", "Explanations", "WhatIf", "Recourses", "Models", "Problem")
HEADER = '"""Types of the responses, written by `make client` from docs/openapi.json."""'
OPTIONS = (
    *("--input-file-type", "openapi", "--output-model-type", "pydantic_v2.BaseModel"),
    *("--base-class", "response.Response", "--target-python-version", "3.11"),
    *("--use-standard-collections", "--use-union-operator", "--use-annotated"),
    *("--enum-field-as-literal", "all", "--use-schema-description", "--collapse-root-models"),
    *("--disable-future-imports", "--custom-file-header", HEADER, "--formatters", "ruff-format"),
)


def main() -> None:
    """Write the module to `--output`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    output = parser.parse_args().output
    schemas = json.loads(OPENAPI.read_text())["components"]["schemas"]
    reached: dict[str, Any] = {}
    for root in ROOTS:
        _collect(root, schemas, reached)
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Surety", "version": "1"},
        "paths": {},
        "components": {"schemas": reached},
    }
    tools = Path(sys.executable).parent
    generated = subprocess.run(  # noqa: S603 -- fixed words
        [str(tools / "datamodel-codegen"), *OPTIONS],
        input=json.dumps(document),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    module = generated.stdout.replace("from response import", "from .response import")
    for words in (["check", "--fix-only", "--unsafe-fixes", "--select", "I,D200,D212"], ["format"]):
        command = [str(tools / "ruff"), *words, "--quiet", "--stdin-filename", str(OUTPUT), "-"]
        done = subprocess.run(command, input=module, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 -- likewise
        module = done.stdout
    output.write_text(module)


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
