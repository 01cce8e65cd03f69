"""The described API is the served one."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from functions.access.protection import protection_from
from functions.scoring.app import create_service
from functions.scoring.settings import settings_from
from functions.web.app_factory import describe
from models.discovery import credit_models
from tests.functions.access.conftest import KeyFile, key_file
from tests.support.counts import counts
from tests.support.running import REPOSITORY, Server, running_server

pytestmark = pytest.mark.soak

__all__ = ["key_file"]

EXAMPLES = str(counts().schema_examples)

CONFIG = str(Path(__file__).parent / "schemathesis.toml")


def lists_without_items(schema: object, path: str = "") -> Iterator[str]:
    """Where a list does not say what is in it: generators of clients want that."""
    if isinstance(schema, dict):
        kind = schema.get("type")
        if "array" in (kind if isinstance(kind, list) else [kind]) and "items" not in schema:
            yield path
        for name, part in schema.items():
            yield from lists_without_items(part, f"{path}/{name}")
    if isinstance(schema, list):
        for i, part in enumerate(schema):
            yield from lists_without_items(part, f"{path}/{i}")


def test_every_list_says_what_is_in_it(service: Server) -> None:
    assert list(lists_without_items(service.client.get("/openapi.json").json())) == []


def test_every_model_is_described_with_its_bounds(service: Server) -> None:
    document = service.client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    for name, model in credit_models().items():
        operation = document["paths"][f"/v1/models/{name}:predict"]["post"]
        body = operation["requestBody"]["content"]["application/json"]["schema"]
        assert body["properties"]["instances"]["items"] == {"$ref": f"#/components/schemas/{name}"}
        row = document["components"]["schemas"][name]
        assert set(row["properties"]) == set(model.model_fields)
        assert row["additionalProperties"] is False
    body = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]
    row = body["schema"]["oneOf"][0]
    assert row["properties"]["credit_score"]["minimum"] == 300
    headers = document["components"]["parameters"]
    assert set(headers) == {"X-Applicant-Id", "Idempotency-Key", "X-Request-Id"}
    spec = document["paths"]["/predict"]["post"]["parameters"]
    assert spec == [{"$ref": f"#/components/parameters/{name}"} for name in headers]


def test_the_committed_document_is_the_served_one() -> None:
    committed = json.loads((REPOSITORY / "docs" / "openapi.json").read_text())
    assert committed == build_for(), "run make openapi"


def build_for(**environment: str) -> dict[str, Any]:
    """What a server of these settings serves."""
    settings = settings_from({"DECISION_LOG": "off"} | environment)
    protection = protection_from(settings.access, settings.listening)
    return describe(create_service(settings), protection)


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Operations by method and path."""
    return {
        f"{method} {path}": operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


def test_every_operation_says_what_its_route_asks_of_a_caller(key_file: KeyFile) -> None:
    routes = {"AIP_HEALTH_ROUTE": "/vertex/health", "AIP_PREDICT_ROUTE": "/vertex/predict"}
    document = build_for(**routes, **key_file.settings())
    assert document["components"]["securitySchemes"]["credential"]["scheme"] == "bearer"
    described = operations(document)
    assert described["post /v1/models/bureau:recourse"]["x-scope"] == "simulate"
    assert described["post /v2/models/bureau/infer"]["x-scope"] == "score"
    assert described["post /vertex/predict"]["x-scope"] == "score"
    asking = {name for name, spec in described.items() if spec["security"] == [{"credential": []}]}
    assert {name for name in described if "x-scope" in described[name]} == asking
    assert {name for name, spec in described.items() if spec["security"] == []} == set(
        described
    ) - asking
    open_ = {"get /health/live", "get /health/ready", "get /openapi.json", "get /vertex/health"}
    assert open_ <= set(described) - asking


def test_where_cloud_run_checks_callers_every_operation_asks_for_a_token() -> None:
    described = operations(build_for(AUTH="iam", K_SERVICE="scoring"))
    assert all(spec["security"] == [{"credential": []}] for spec in described.values())


def test_where_nobody_is_asked_no_credential_is_described() -> None:
    document = build_for()
    assert "securitySchemes" not in document["components"]
    assert all("security" not in spec for spec in operations(document).values())


def test_schemathesis_finds_no_failure(made_store: str, tmp_path: Path) -> None:
    # Without a decision log: it would rightly refuse an Idempotency-Key that comes again.
    variables = {"MODEL_STORE": made_store, "DECISION_LOG": "off"}
    with running_server(tmp_path / "log", "module", **variables) as server:
        load_all(server)  # what is being loaded is rightly answered 503
        done = run_schemathesis(f"{server.client.base_url}/openapi.json", tmp_path)
        assert done.returncode == 0, done.stdout
        assert re.search(r"(\d+) generated, \1 passed", done.stdout), done.stdout
        assert server.client.get("/health/live").status_code == 200


def load_all(server: Server) -> None:
    deadline = time.monotonic() + 60
    for name in credit_models():
        while server.client.get(f"/v2/models/{name}/ready").status_code != httpx.codes.OK:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def run_schemathesis(address: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Hold a running server against the document at an address."""
    return subprocess.run(
        [
            *(str(Path(sys.executable).parent / "schemathesis"), "--config-file", CONFIG, "run"),
            *("--max-examples", EXAMPLES, "--no-color", "--seed", "1"),
            address,
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
