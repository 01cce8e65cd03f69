"""The images without a container engine: the steps of the Dockerfile in a clean environment."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.running import REPOSITORY, SERVER_COMMANDS, TrainedStore, running_server

DOCKERFILE = (REPOSITORY / "infra/docker/Dockerfile").read_text()


def stage(name: str) -> str:
    """The lines of one target."""
    parts = re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)
    [found] = [part for part in parts if re.match(rf"\S+ AS {name}\n", part)]
    return found


def command(name: str) -> list[str]:
    """What the image of one target starts."""
    [line] = re.findall(r"^(?:CMD|ENTRYPOINT) (.*)$", stage(name), re.MULTILINE)
    words: list[str] = json.loads(line)
    return words


@pytest.fixture(scope="module")
def clean_environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment made from requirements.txt and nothing else."""
    folder = tmp_path_factory.mktemp("serving") / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    install = [*pip, "install", "--require-hashes", "-r", "requirements.txt"]
    subprocess.run(install, cwd=REPOSITORY, check=True)
    return folder


def test_training_libraries_are_not_importable_where_scores_are_made(
    clean_environment: Path,
) -> None:
    program = "import importlib.util as u; print([m for m in %r if u.find_spec(m)])"
    wanted = ["pandas", "sklearn", "shap", "pyarrow", "rich"]
    done = subprocess.run(
        [str(clean_environment / "bin" / "python"), "-c", program % wanted],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_the_scoring_image_scores_a_row_with_its_own_packages(
    clean_environment: Path,
    trained_store: TrainedStore,
    example: Callable[[str], Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = tmp_path / "app"
    for folder in re.findall(r"^COPY (\w+) \1$", stage("scoring"), re.MULTILINE):
        shutil.copytree(
            REPOSITORY / folder, app / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    assert {path.name for path in app.iterdir()} == {"models", "functions"}
    started = command("scoring")
    assert started[0] == "python"
    monkeypatch.setitem(
        SERVER_COMMANDS, "module", [str(clean_environment / "bin" / "python"), *started[1:]]
    )
    with running_server(
        tmp_path / "log", PYTHONPATH=str(app), MODEL_STORE=trained_store.uri
    ) as server:
        answer = server.client.post("/predict", json=example("application"))
        assert answer.status_code == httpx.codes.OK
        maps = Path(f"/proc/{server.process.pid}/maps").read_text()
    assert str(clean_environment) in maps
    assert str(Path(sys.prefix) / "lib") not in maps
    assert not re.search(r"/(scipy|pandas|sklearn)/", maps)


def test_the_training_image_starts_the_training_command() -> None:
    assert command("training") == ["python", "-m", "training"]
    assert "COPY training training" in stage("training")


@pytest.mark.parametrize("target", ["scoring", "training"])
def test_an_image_is_hash_checked_compiled_and_not_root(target: str) -> None:
    assert "--require-hashes" in stage(f"{target}-packages")
    assert "compileall" in stage(target)
    assert re.search(r"^USER surety$", stage(target), re.MULTILINE)


def test_only_what_the_images_copy_is_sent_to_the_builder() -> None:
    copied = set(re.findall(r"^COPY (?!--from)(\S+)", DOCKERFILE, re.MULTILINE))
    lines = (REPOSITORY / ".dockerignore").read_text().splitlines()
    allowed = {line[1:] for line in lines if line.startswith("!")}
    assert "*" in lines
    assert {name.split("/")[0] for name in copied} == allowed
    assert all((REPOSITORY / name).exists() for name in copied)
