"""Grafana's own schema keeps every member of the dashboards: none is misspelt or obsolete."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.support.dashboards import DASHBOARDS
from tests.support.environments import build_environment
from tests.support.running import REPOSITORY

pytestmark = pytest.mark.environments
SCHEMA = REPOSITORY / "tests" / "support" / "grafana_schema.py"


@pytest.fixture(scope="module")
def python() -> Path:
    """The Python that has Grafana's schema."""
    folder = REPOSITORY / "var" / "grafana"
    try:
        build_environment(folder, Path(__file__).with_name("grafana.txt"))
    except subprocess.CalledProcessError as error:
        pytest.skip(f"Grafana's schema cannot be installed: {error.stderr[-200:]}")
    return folder / "bin" / "python"


def list_lost(python: Path, *files: Path) -> list[str]:
    done = subprocess.run(
        [str(python), str(SCHEMA), *map(str, files)], capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def test_no_member_of_a_dashboard_is_lost(python: Path) -> None:
    assert list_lost(python, *sorted(DASHBOARDS.glob("*.json"))) == []


def test_a_misspelt_member_is_named(python: Path, tmp_path: Path) -> None:
    document = json.loads((DASHBOARDS / "book.json").read_text())
    document["panels"][0]["gridpos"] = document["panels"][0].pop("gridPos")
    file = tmp_path / "broken.json"
    file.write_text(json.dumps(document))
    assert list_lost(python, file) == ["broken.json.panels[0].gridpos"]
