"""The described API is the served one."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings

from models.shelf import credit_models
from tests.running import Server

EXAMPLES = str(min(2_000, settings().max_examples))  # for each operation

CONFIG = str(Path(__file__).parent / "schemathesis.toml")


def test_every_model_is_described_with_its_bounds(service: Server) -> None:
    document = service.client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    for name, model in credit_models().items():
        operation = document["paths"][f"/v1/models/{name}:predict"]["post"]
        body = operation["requestBody"]["content"]["application/json"]["schema"]
        row = body["properties"]["instances"]["items"]
        assert set(row["properties"]) == set(model.model_fields)
        assert row["additionalProperties"] is False
    body = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]
    row = body["schema"].get("oneOf", [body["schema"]])[0]
    assert row["properties"]["credit_score"]["minimum"] == 300


@pytest.mark.parametrize("served", ["service", "contracts"])
def test_schemathesis_finds_no_failure(
    served: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    service: Server = request.getfixturevalue(served)
    done = subprocess.run(
        [
            *(str(Path(sys.executable).parent / "schemathesis"), "--config-file", CONFIG, "run"),
            *("--max-examples", EXAMPLES, "--no-color", "--seed", "1"),
            f"{service.client.base_url}/openapi.json",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "No issues found" in done.stdout
    assert service.client.get("/health/live").status_code == 200
