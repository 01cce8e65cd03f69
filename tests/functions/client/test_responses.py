"""The client's types are those of the OpenAPI document, and the package stands alone."""

import ast
import json
import subprocess
import sys
from pathlib import Path

from functions.client.lending_bounds import BOUNDS
from infra.local.client_types import BOUNDS_MODULE, MODULES
from tests.support.running import REPOSITORY

CLIENT = REPOSITORY / "functions" / "client"


def test_the_committed_types_are_those_of_the_documents(tmp_path: Path) -> None:
    script = REPOSITORY / "infra" / "local" / "client_types.py"
    subprocess.run([sys.executable, script, "--output", tmp_path], check=True)
    written = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert written == {name: (CLIENT / name).read_text() for name in written}, "run make client"
    assert set(written) == {*MODULES, BOUNDS_MODULE}


def test_bounds_of_requests_are_those_that_the_api_states() -> None:
    schemas = json.loads((REPOSITORY / "docs/openapi-lending.json").read_text())["components"]
    months = schemas["schemas"]["LoanRequest"]["properties"]["loan_tenure_months"]
    assert BOUNDS["LoanRequest.loan_tenure_months"] == (months["minimum"], months["maximum"])
    assert BOUNDS["RescheduleBody.interest_rate"] == (0, 60)
    assert not [name for name in BOUNDS if name.partition(".")[0].endswith("Reply")]


def test_the_package_imports_nothing_of_the_rest() -> None:
    for path in CLIENT.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                is_ours = node.level == 0 and str(node.module).startswith(("functions", "models"))
                assert not is_ours, path
