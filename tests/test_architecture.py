"""What holds for the whole repository: rooms, arrows between them, and what no room may hold."""

import ast
import os
import re
from functools import cache
from pathlib import Path

import pytest

from tests.support.running import REPOSITORY

ROOMS = ("models", "functions", "training", "infra", "terraform")
ALLOWED = {
    "models": {"models"},
    "functions": {"functions", "models"},
    "training": {"training", "models"},
    "infra": set(),
    "terraform": set(),
}
NOT_IN_MODELS = {"pandas", "sklearn", "xgboost", "os"}
NOT_AT_SERVING = {"pandas", "sklearn", "shap", "scipy", "xgboost"}
NO_PICKLE = {"pickle", "joblib", "cloudpickle", "dill"}


@cache
def project_files() -> tuple[Path, ...]:
    """Every file of the project: what git ignores is left out, also where there is no git."""
    ignored = {".git"} | {
        line.rstrip("/") for line in (REPOSITORY / ".gitignore").read_text().splitlines()
    }
    found = []
    for folder, folders, files in os.walk(REPOSITORY):
        folders[:] = [name for name in folders if name not in ignored]
        found += [Path(folder) / name for name in files if name not in ignored]
    return tuple(found)


def imports(path: Path) -> set[str]:
    """Top-level names a Python file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.add(str(node.module).split(".")[0])
    return found


def python_files(room: str) -> list[Path]:
    return [p for p in project_files() if p.suffix == ".py" and p.is_relative_to(REPOSITORY / room)]


def test_the_top_level_holds_what_the_design_names() -> None:
    found = {path.relative_to(REPOSITORY).parts[0] for path in project_files()}
    assert found >= {
        *ROOMS,
        *("tests", "docs", ".ci", "cloudbuild.yaml", "requirements.txt", "README.md"),
        *("pyproject.toml", "Makefile", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE"),
    }


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_the_design_allows(room: str) -> None:
    ours = set(ROOMS) | {"tests"}
    for path in python_files(room):
        assert imports(path) & ours <= ALLOWED[room], path


def test_the_models_room_reads_no_environment_and_knows_no_training_library() -> None:
    for path in python_files("models"):
        allowed = {"os"} if path.name == "files.py" else set()  # fsync, not the environment
        assert imports(path) & NOT_IN_MODELS <= allowed, path
        assert "environ" not in path.read_text(), path


def test_the_clock_is_an_argument_in_the_models_room() -> None:
    for path in python_files("models"):
        assert not re.search(r"\.now\(|\.time\(|\.today\(|perf_counter", path.read_text()), path


def test_functions_import_no_training_library() -> None:
    for path in python_files("functions"):
        assert not imports(path) & NOT_AT_SERVING, path


def test_nothing_is_pickled_anywhere() -> None:
    for path in project_files():
        if path.suffix == ".py":
            assert not imports(path) & NO_PICKLE, path


def test_a_package_holds_one_docstring_line_in_its_init() -> None:
    for path in project_files():
        if path.name == "__init__.py":
            assert len(path.read_text().splitlines()) == 1, path
            assert ast.get_docstring(ast.parse(path.read_text())), path
            assert "tests" not in path.parts, path


def test_every_unit_test_stands_where_its_module_does() -> None:
    for path in (REPOSITORY / "tests").rglob("test_*.py"):
        folder = path.parent.relative_to(REPOSITORY / "tests")
        # All rooms together have no module to stand beside.
        assert folder == Path("stack") or (REPOSITORY / folder).is_dir(), path


def test_functions_and_modules_stay_small() -> None:
    for room in ("models", "functions", "training", "infra"):
        for path in python_files(room):
            source = path.read_text()
            assert len(source.splitlines()) <= 300, path
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    lines = (node.end_lineno or 0) - node.lineno + 1
                    assert lines <= 40, f"{path}: {node.name} has {lines} lines"


def test_no_path_of_a_machine_stands_in_the_repository() -> None:
    pattern = re.compile(r"/(?:work|root|farm|opt/(?:wheels|pypi))/")
    for path in project_files():
        if path.suffix != ".parquet" and path != Path(__file__):
            assert not pattern.search(path.read_text()), path
