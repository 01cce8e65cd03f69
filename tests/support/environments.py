"""Virtual environments of other people's packages, each from a file that pins all of it."""

import fcntl
import subprocess
from pathlib import Path

from tests.support.running import TOOLS


def build_environment(folder: Path, requirements: Path, python: str = "3.11") -> None:
    """Make an environment, unless it stands as its requirements say.

    Raises
    ------
    subprocess.CalledProcessError
        If it cannot be installed; `stderr` says why.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two workers of pytest may want the same one at once
        _build_once(folder, requirements, python)


def _build_once(folder: Path, requirements: Path, python: str) -> None:
    built = folder / requirements.name
    if built.exists() and built.read_text() == requirements.read_text():
        return
    uv = str(TOOLS / "uv")
    _run(uv, "venv", "--clear", "--python", python, str(folder))
    install = ("--no-deps", "--compile-bytecode", f"--python={folder}")
    _run(uv, "pip", "install", *install, "-r", str(requirements))
    built.write_text(requirements.read_text())


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)
