"""What a cold start imports: a budget by name, because times are a machine's and names are ours."""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.support.running import REPOSITORY

FIRST_SCORE = """
import asyncio, json, sys
from functions.scoring.app import prepare

body = sys.stdin.buffer.read()
scope = {
    "type": "http", "method": "POST", "path": "/v1/models/german_credit:predict",
    "raw_path": b"/", "query_string": b"", "headers": [(b"content-type", b"application/json")],
}
said = []

async def receive():
    return {"type": "http.request", "body": body}

async def send(message):
    said.append(message)

asyncio.run(prepare()[0](scope, receive, send))
files = {name for name, module in sys.modules.items() if getattr(module, "__file__", None)}
packages = {name.partition(".")[0] for name in files}
found = {"status": said[0]["status"], "modules": sorted(sys.modules),
         "packages": sorted(packages - sys.stdlib_module_names)}
print(json.dumps(found))
"""
PACKAGES = {
    *("functions", "models"),
    *("numpy", "pydantic", "pydantic_core", "annotated_types", "typing_inspection"),
    *("typing_extensions", "starlette", "anyio", "uvicorn", "click", "httptools", "uvloop"),
    # Taken where they are installed, as here for client and dashboard; the image has neither.
    *("sniffio", "python_multipart"),
}
UNASKED = {
    "functions.access.guard",
    "functions.scoring.evidence.audit_cli",
    "functions.scoring.contracts.explain",
    "functions.scoring.contracts.recourse",
    "functions.scoring.contracts.whatif",
    "functions.scoring.feature_lookup",
    "models.explaining.explanation",
    "models.explaining.recourse",
    "models.stores.google",
    "models.stores.s3",
    "numpy.random",
}


@pytest.fixture(scope="module")
def started(made_store: str, rows: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What a process has imported when its first score is answered."""
    done = subprocess.run(
        [sys.executable, "-c", FIRST_SCORE],
        input=json.dumps({"instances": [rows["german_credit"]]}),
        env={"PYTHONPATH": str(REPOSITORY), "MODEL_STORE": made_store},
        capture_output=True,
        text=True,
        check=True,
    )
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert figures["status"] == 200
    return figures


def test_a_first_score_imports_no_package_beyond_the_budget(started: dict[str, Any]) -> None:
    mine = {name for name in started["packages"] if not name.startswith("_")}
    assert mine <= PACKAGES, mine - PACKAGES


def test_a_first_score_imports_nothing_it_does_not_need(started: dict[str, Any]) -> None:
    assert not UNASKED & set(started["modules"]), UNASKED & set(started["modules"])
