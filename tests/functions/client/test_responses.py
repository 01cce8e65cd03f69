"""The client's types are those of the OpenAPI document, and the package stands alone."""

import ast
import subprocess
import sys
from pathlib import Path

from tests.support.running import REPOSITORY

CLIENT = REPOSITORY / "functions" / "client"


def test_the_committed_types_are_those_of_the_documents(tmp_path: Path) -> None:
    script = REPOSITORY / "infra" / "local" / "client_types.py"
    subprocess.run([sys.executable, script, "--output", tmp_path], check=True)
    written = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert written == {name: (CLIENT / name).read_text() for name in written}, "run make client"
    assert sorted(written) == ["lending_responses.py", "portfolio_responses.py", "responses.py"]


def test_the_package_imports_nothing_of_the_rest() -> None:
    for path in CLIENT.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                is_ours = node.level == 0 and str(node.module).startswith(("functions", "models"))
                assert not is_ours, path
