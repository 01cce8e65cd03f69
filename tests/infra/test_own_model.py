"""A model outside the repository, released by `make release` alone: uploaded, built in, served."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infra.dockerfile import Image, build_with
from tests.infra.rehearsal import Cloud, commit_all, git
from tests.support.monitored import toy_rows
from tests.support.running import REPOSITORY, SERVER_COMMANDS, last_line, running_server
from tests.support.source_tree import project_files
from tests.support.toy import toy

pytestmark = pytest.mark.slow

ROOMS = ("models", "functions", "training", "infra", "own_models", "docs")
VARIABLES = 'project_id = "money"\nregion = "here"\ncredit_models = ["acme.loans"]\n'


@pytest.fixture
def lender(tmp_path: Path) -> Path:
    """A repository of a lender's own, with one model and its example."""
    package = tmp_path / "lender" / "acme"
    (package / "examples").mkdir(parents=True)
    (package / "__init__.py").touch()
    shutil.copy(REPOSITORY / "tests/support/toy.py", package / "loans.py")
    (package / "examples" / "toy.json").write_text(toy().model_dump_json())
    git(package.parent, "init", "--quiet")
    commit_all(package.parent)
    return package.parent


@pytest.fixture
def uploaded(cloud: Cloud, lender: Path, tmp_path: Path) -> Path:
    """What Cloud Build is given by `make release` in a clone whose variables name the model."""
    clone = tmp_path / "clone"
    for path in project_files():
        name = path.relative_to(REPOSITORY)
        if name.parts[0] in {*ROOMS, "Makefile", "cloudbuild.yaml", ".gitignore"}:
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, clone / name)
    (clone / "terraform/environments").mkdir(parents=True)
    (clone / "terraform/environments/prod.tfvars").write_text(VARIABLES)
    git(clone, "init", "--quiet")
    commit_all(clone)
    cloud.set(uploads=f"{tmp_path}/tree")
    tools = f"PATH={cloud.folder}:/usr/bin:/bin"
    subprocess.run(["env", tools, f"PYTHONPATH={lender}", "make", "release"], cwd=clone, check=True)
    return tmp_path / "tree"


def image(target: str, folder: Path, tree: Path) -> Image:
    return build_with(Path(sys.executable).parents[1], target, folder / target, tree)


@pytest.fixture
def served(uploaded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Address of the scoring image, once the training image's job has trained the model."""
    rows = tmp_path / "rows.parquet"
    toy_rows(4_000).to_parquet(rows)
    settings = {"CREDIT_MODELS": "acme.loans", "MODEL_STORE": (tmp_path / "store").as_uri()}
    job = ("train", "--model=toy", f"--data={rows}", "--family=logistic")
    training = image("training", tmp_path, uploaded)
    trained = subprocess.run(
        training.command(*job, f"--store={settings['MODEL_STORE']}", **settings),
        capture_output=True,
        text=True,
        check=False,
    )
    assert trained.returncode == 0, trained.stderr
    assert last_line(trained.stdout)["outcome"] == "promoted"
    scoring = image("scoring", tmp_path, uploaded)
    words = scoring.command(PORT="$PORT", DEFAULT_MODEL="toy", **settings)
    line = "exec " + " ".join(f'"{word}"' for word in words)
    monkeypatch.setitem(SERVER_COMMANDS, "module", ["sh", "-c", line])
    with running_server(tmp_path / "log") as server:
        yield str(server.client.base_url).rstrip("/")


def test_a_model_outside_the_repository_is_released_by_make_release_alone(
    lender: Path, uploaded: Path, served: str
) -> None:
    copied = uploaded / "own_models" / "acme"
    assert (copied / "loans.py").read_text() == (lender / "acme/loans.py").read_text()
    sources = json.loads((uploaded / "own_models/sources.json").read_text())
    assert sources["acme"]["commit"] == git(lender, "rev-parse", "HEAD")
    smoke = subprocess.run(
        [sys.executable, "-m", "infra.smoke", f"--url={served}", "toy"],
        cwd=uploaded,
        input="token\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert smoke.returncode == 0, smoke.stderr
    [decisions] = json.loads(smoke.stdout)["decisions"].values()
    assert sum(decisions.values()) == 1
