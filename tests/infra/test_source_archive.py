"""The archive of a deployment from source, unpacked and started as the platform starts it."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.benchmarks.fixed_model import publish_benchmark_model
from tests.infra.dockerfile import Image
from tests.support.package_index import future_index
from tests.support.running import REPOSITORY, SERVER_COMMANDS, TOOLS, running_server
from tests.support.source_tree import project_files


def archive(script: Path, output: Path) -> bytes:
    subprocess.run([sys.executable, script, "--output", output], check=True)
    return output.read_bytes()


SCRIPT = Path("infra/source_archive.py")


def test_the_same_tree_gives_the_same_bytes(tmp_path: Path) -> None:
    first = archive(REPOSITORY / SCRIPT, tmp_path / "first.zip")
    copy = tmp_path / "copy"
    for name in ("functions", "infra", "models"):
        shutil.copytree(REPOSITORY / name, copy / name)
    shutil.copy(REPOSITORY / "requirements.txt", copy)
    for path in copy.rglob("*"):  # made by another user, at another time
        path.chmod(0o700)
        os.utime(path, (0, 0))
    assert archive(copy / SCRIPT, tmp_path / "second.zip") == first


def test_only_what_the_function_needs_is_in_it(tmp_path: Path) -> None:
    archive(REPOSITORY / SCRIPT, tmp_path / "scoring.zip")
    rooms = [REPOSITORY / "functions", REPOSITORY / "models"]
    files = {p for p in project_files() if any(p.is_relative_to(room) for room in rooms)}
    wanted = {str(path.relative_to(REPOSITORY)) for path in files if path.suffix != ".pyc"}
    wanted -= {"functions/requirements.txt"}  # the image's
    wanted -= {"functions/lending/requirements.txt"}  # the loan book's
    wanted -= {"functions/lending/checks/checks.toml", "functions/lending/alert_lines.json"}
    wanted -= {"functions/batch/requirements.txt"}  # of batches
    wanted -= {name for name in wanted if not name.endswith(".py") and "dashboard/" in name}
    wanted -= {name for name in wanted if name.endswith(".sql")}  # its migrations
    wanted -= {"functions/client/py.typed", "functions/client/pyproject.toml"}  # its own package's
    with zipfile.ZipFile(tmp_path / "scoring.zip") as made:
        assert set(made.namelist()) == wanted | {"main.py", "requirements.txt"}
        assert made.namelist() == sorted(made.namelist())


def test_functions_framework_serves_it_with_its_own_requirements_alone(
    scoring_image: Image,
    example: Callable[[str], Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    archive(REPOSITORY / SCRIPT, tmp_path / "scoring.zip")
    with zipfile.ZipFile(tmp_path / "scoring.zip") as made:
        made.extractall(tmp_path / "workspace")

    # The buildpack's pip installs what packages ask for, by hash: the image's packages and scipy.
    index = f"PIP_EXTRA_INDEX_URL={future_index(tmp_path / 'index').url}"
    python = str(scoring_image.venv / "bin" / "python")
    pip = ["env", index, str(TOOLS / "pip"), "--python", python]
    install = ["install", "--quiet", "--dry-run", "--report=-", "--require-hashes", "--requirement"]
    requirements = str(tmp_path / "workspace" / "requirements.txt")
    done = subprocess.run([*pip, *install, requirements], stdout=subprocess.PIPE, check=True)
    packages = [package["metadata"]["name"] for package in json.loads(done.stdout)["install"]]
    assert packages == ["scipy"]

    store = (tmp_path / "store").as_uri()
    publish_benchmark_model(store, tmp_path / "model.ubj")
    # The buildpack sets FUNCTION_TARGET, and starts the command in the unpacked folder.
    framework = scoring_image.venv / "bin" / "functions-framework"
    words = [
        *("exec env -i", f"--chdir={tmp_path / 'workspace'}", "PORT=$PORT HOST=127.0.0.1"),
        *("FUNCTION_TARGET=scoring", f"MODEL_STORE={store}"),
        str(framework),
    ]
    monkeypatch.setitem(SERVER_COMMANDS, "framework", ["sh", "-c", " ".join(words)])
    with running_server(tmp_path / "log", "framework") as server:
        answer = server.client.post("/predict", json=example("application"))
        assert answer.status_code == httpx.codes.OK, answer.text
        assert answer.json()["decision"] in {"approve", "refer", "decline"}
