"""The client's types are those of the OpenAPI document, and the package stands alone."""

import ast
import subprocess
import sys
from pathlib import Path

from tests.support.running import REPOSITORY

CLIENT = REPOSITORY / "functions" / "client"


def test_the_committed_types_are_those_of_the_document(tmp_path: Path) -> None:
    before = (CLIENT / "responses.py").read_text()
    script = REPOSITORY / "infra" / "local" / "client_types.py"
    written = tmp_path / "responses.py"
    subprocess.run([sys.executable, script, "--output", written], check=True)
    assert written.read_text() == before, "run make client"


def test_the_package_imports_nothing_of_the_rest() -> None:
    for path in CLIENT.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                is_ours = node.level == 0 and str(node.module).startswith(("functions", "models"))
                assert not is_ours, path
