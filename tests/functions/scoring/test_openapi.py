"""The described API is the served one."""

import subprocess
import sys
from pathlib import Path

from hypothesis import settings

from models.shelf import credit_models
from tests.functions.scoring.conftest import STAND_INS
from tests.running import Server, running_server

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


def test_schemathesis_finds_no_failure(made_store: str, tmp_path: Path) -> None:
    settings = {"MODEL_STORE": made_store, "CREDIT_MODELS": ",".join(STAND_INS)}
    with running_server(tmp_path / "log", "module", **settings) as server:
        done = run_schemathesis(f"{server.client.base_url}/openapi.json", tmp_path)
        assert done.returncode == 0, done.stdout
        assert "No issues found" in done.stdout
        assert server.client.get("/health/live").status_code == 200


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
