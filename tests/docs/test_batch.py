"""The page on batches: its commands run as they stand, what it says of the code holds."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from functions.batch.cli import build_parser
from functions.batch.contract import UPLOADS
from tests.docs.markdown import blocks, page
from tests.functions.batch.test_contract import wait_for_end
from tests.support.running import REPOSITORY, running_server

PAGE = page("batch")
ON_ONE_MACHINE, OVER_HTTP = blocks(PAGE, "sh")
[BY_CLIENT] = blocks(PAGE, "python")


def run(script: str, folder: Path, store: str) -> list[str]:
    """Run the commands of a block with another place for `var`."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # noqa: TID251 -- curl is there
    done = subprocess.run(
        ["sh", "-ec", script.replace("var/", f"{folder}/")],
        cwd=REPOSITORY,
        env={"PATH": path, "MODEL_STORE": store, "DECISION_LOG_KEY": "k" * 32},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_the_commands_score_a_file_and_verify_it_and_the_service_takes_it(
    made_store: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = map(json.loads, run(ON_ONE_MACHINE, tmp_path, made_store))
    _, checked, scored, verified = lines
    assert (checked["outcome"], checked["faulty"]) == ("checked", 0)
    assert (scored["outcome"], scored["scored"]) == ("scored", 20_000)
    assert (verified["outcome"], verified["rows"]) == ("verified", 20_000)
    for name in re.findall(r"^\| `([a-z-]+)-00000\.", PAGE, re.MULTILINE):
        assert name == "faults" or list(tmp_path.rglob(f"{name}-00000.*")), name
    variables = {"MODEL_STORE": made_store, "BATCH_STORE": (tmp_path / "batches").as_uri()}
    with running_server(tmp_path / "log", "batch module", **variables) as server:
        port = httpx.URL(server.client.base_url).port
        [reply] = run(OVER_HTTP.replace("8083", str(port)), tmp_path, made_store)
        assert wait_for_end(server.client, json.loads(reply)["id"])["scored"] == 20_000
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        address = str(server.client.base_url).rstrip("/")
        code = BY_CLIENT.replace("http://localhost:8083", address).replace("var/", f"{tmp_path}/")
        exec(code, {})  # noqa: S102 -- our own page
        assert capsys.readouterr().out == "succeeded 20000 0\n"
        assert len((tmp_path / "tonight.csv").read_text().splitlines()) == 20_001


def test_every_option_and_type_of_file_on_the_page_exists() -> None:
    options = " ".join(build_parser().parse_args(["verify", "--output", "x"]).__dict__)
    assert "output" in options
    help_text = subprocess.run(
        [sys.executable, "-m", "functions.batch", "score", "--help"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for option in set(re.findall(r"`(--[a-z-]+)", PAGE)):
        assert option in help_text or option == "--batch", option
    for kind in UPLOADS:
        assert f"`{kind}`" in PAGE
