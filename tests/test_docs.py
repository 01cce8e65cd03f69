"""Documents are true: their commands run, what they name exists."""

import json
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from functions.scoring.app import create_service
from functions.scoring.settings import settings_from
from tests.support.running import (
    REPOSITORY,
    SERVER_COMMANDS,
    Server,
    TrainedStore,
    running_server,
)
from tests.support.source_tree import project_files

README = (REPOSITORY / "README.md").read_text()
DOCUMENTS = [path for path in project_files() if path.suffix == ".md"]
VOLATILE = {"processing_time_ms", "timestamp", "model_version"}


def blocks(text: str, language: str) -> list[str]:
    """Code blocks of one language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


COMMANDS = [line for block in blocks(README, "sh") for line in block.splitlines()]
CURLS = [command for command in COMMANDS if command.startswith("curl ")]
FRAMEWORK = [command for command in COMMANDS if "functions-framework" in command]
TRAININGS = [command for command in COMMANDS if " -m training " in command]


def run(command: str, service: Server) -> str:
    """Run a command of the README as it stands, against a service on another port."""
    words = shlex.split(command.replace("http://localhost:8080", str(service.client.base_url)))
    done = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return done.stdout


def test_the_readme_has_no_command_that_is_not_run_here() -> None:
    run_here = CURLS + TRAININGS + FRAMEWORK
    assert [c for c in COMMANDS if c not in run_here] == ["make run", "make test"]


def test_the_functions_framework_command_of_the_readme_serves(
    trained_store: TrainedStore,
    example: Callable[[str], Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    [command] = FRAMEWORK
    monkeypatch.setitem(SERVER_COMMANDS, "framework", ["sh", "-c", f"exec env {command}"])
    with running_server(tmp_path / "log", "framework", MODEL_STORE=trained_store.uri) as server:
        answer = server.client.post("/predict", json=example("application"))
        assert answer.json()["status"] == "success"
        assert server.log()[0]["severity"] == "WARNING"


def test_the_documented_request_gets_the_documented_answer(trained_service: Server) -> None:
    [documented] = [json.loads(block) for block in blocks(README, "json")]
    answer: dict[str, Any] = json.loads(run(CURLS[0], trained_service))
    assert list(answer) == list(documented)
    for name in set(documented) - VOLATILE:
        if isinstance(documented[name], str):
            assert answer[name] == documented[name], name
        else:
            # Another number of threads gives slightly other trees.
            assert answer[name] == pytest.approx(documented[name], rel=0.2), name


@pytest.mark.parametrize("command", CURLS[1:])
def test_every_other_request_of_the_readme_is_answered(
    trained_service: Server, command: str
) -> None:
    answer = json.loads(run(command, trained_service))
    if "housing" in command:
        paths = {error["path"] for error in answer["errors"]}
        assert {"instances[0].month", "instances[0].housing", "instances[0].age"} < paths
        assert "tent" not in json.dumps(answer)
    else:
        [prediction] = answer["predictions"]
        assert prediction["model"] == "card_default"


@pytest.mark.parametrize("command", TRAININGS)
def test_every_training_command_of_the_readme_runs(
    command: str, trained_store: TrainedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL_STORE", trained_store.uri)
    done = subprocess.run(
        shlex.split(command), cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_what_a_document_names_exists(path: Path) -> None:
    text = path.read_text()
    targets = re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    for target in re.findall(r"`make ([a-z-]+)", text):
        assert target in targets, target
    for name in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
        assert (path.parent / name).exists(), name
    for name in re.findall(
        r"`((?:functions|models|training|infra|terraform|tests|docs)/[^`]*)`", text
    ):
        file, _, test = name.partition("::")
        assert (REPOSITORY / file).exists(), name
        defined = f'run "{test}"' if file.endswith(".hcl") else f"def {test}("
        assert not test or defined in (REPOSITORY / file).read_text(), name


def test_decisions_are_numbered_without_gaps_and_have_their_parts() -> None:
    records = sorted((REPOSITORY / "docs/decisions").glob("*.md"))
    assert [int(path.name[:4]) for path in records] == list(range(1, len(records) + 1))
    for path in records:
        text = path.read_text()
        assert text.startswith(f"# {int(path.name[:4])}. ")
        assert all(p in text for p in ("Status: ", "**Context.**", "**Decision.**"))
        assert "**Consequences.**" in text


def test_the_readme_lists_every_route() -> None:
    service = create_service(settings_from({"DECISION_LOG": "off"}))
    scopes = [scope for contract in service.contracts for scope in contract.scopes]
    paths = {route.split()[1].replace("{model}", "{m}") for route in scopes}
    listed = {path for path in paths if path.startswith("/") and "{version}" not in path}
    assert len(listed) > 20
    assert {path for path in listed - {"/v2/"} if f"{path}`" not in README} == set()
