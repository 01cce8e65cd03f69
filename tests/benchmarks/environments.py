"""Environments of their own under var/bench: the scoring function's, and each peer's."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.support.environments import build_environment
from tests.support.running import REPOSITORY

ENVIRONMENTS = REPOSITORY / "var" / "bench"
SCORING = "scoring"
TRAINING_LIBRARIES = ("pandas", "sklearn", "shap")


def python_path(name: str) -> Path:
    """The interpreter of an environment."""
    return ENVIRONMENTS / name / "bin" / "python"


def requirements_path(name: str) -> Path:
    """What an environment is made from: everything in it, pinned."""
    if name == SCORING:
        return REPOSITORY / "functions" / "requirements.txt"
    return Path(__file__).parent / "peers" / f"{name}.txt"


def build(name: str) -> None:
    """Make an environment, unless it stands as its requirements say.

    Raises
    ------
    subprocess.CalledProcessError
        If it cannot be installed; `stderr` says why.
    """
    python = sys.executable if name == SCORING else "3.11"  # the peers' pins are for that one
    build_environment(ENVIRONMENTS / name, requirements_path(name), python)


def installed_mb(name: str) -> float:
    """Millions of bytes of an environment's files, byte code included."""
    files = (Path(top, file) for top, _, names in os.walk(ENVIRONMENTS / name) for file in names)
    return sum(path.stat().st_size for path in files if not path.is_symlink()) / 1e6


def importable(name: str, modules: tuple[str, ...] = TRAINING_LIBRARIES) -> list[str]:
    """Which of these modules an environment has."""
    code = "import sys, importlib.util as u; print(*(m for m in sys.argv[1:] if u.find_spec(m)))"
    return _run(str(python_path(name)), "-c", code, *modules).split()


def version_in(name: str, package: str) -> str:
    """The version of a package that an environment has."""
    [version] = re.findall(rf"(?m)^{package}==(\S+)", requirements_path(name).read_text())
    return str(version)


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
