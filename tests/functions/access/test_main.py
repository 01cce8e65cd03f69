import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from functions.access.api_keys import KeyRing
from functions.access.rate_limit import Rate
from tests.functions.access.conftest import PEPPER
from tests.support.running import REPOSITORY


def command(
    *arguments: str, pepper: str = PEPPER, stdout: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command as an operator does."""
    words = [sys.executable, "-m", "functions.access", *arguments]
    environment = {"PATH": "/usr/bin", "API_KEY_PEPPER": pepper, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        words, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False
    )
    if stdout:
        with stdout.open("a") as file:
            file.write(done.stdout)
    return done


def test_the_line_it_prints_is_all_that_a_server_needs_to_know_the_key(tmp_path: Path) -> None:
    path = tmp_path / "keys.jsonl"
    options = ["--name", "lender", "--scopes", "score", "models", "--limit", "9/second"]
    done = command("new", *options, stdout=path)
    assert done.returncode == 0, done.stderr
    key = done.stderr.strip().rpartition(" ")[2]
    assert key.startswith("sk_")
    assert key not in done.stdout
    assert PEPPER not in done.stdout + done.stderr
    principal = asyncio.run(KeyRing(str(path), PEPPER.encode()).authenticate(key))
    assert principal.scopes == {"score", "models"}
    assert principal.rate == Rate(9, 1)


@pytest.mark.parametrize(
    ("arguments", "pepper", "message"),
    [
        (["--name", "a", "--scopes", "score"], "short", "wrong settings: API_KEY_PEPPER: must be"),
        (["--name", "a b", "--scopes", "score"], PEPPER, "error: name: String should match"),
        (["--name", "a", "--scopes", "score", "--limit", "9"], PEPPER, "error: limit: "),
        (["--name", "a", "--scopes", "everything"], PEPPER, "invalid choice: 'everything'"),
        (["--name", "a", "--scopes", "score", "--days", "0"], PEPPER, "--days: must be from 1"),
        (["--scopes", "score"], PEPPER, "required: --name"),
    ],
)
def test_a_wrong_argument_makes_no_key(arguments: list[str], pepper: str, message: str) -> None:
    done = command("new", *arguments, pepper=pepper)
    assert done.returncode == 2
    assert message in done.stderr
    assert "sk_" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
