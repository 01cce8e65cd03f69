"""How to make a version again: command, declaration, commit, libraries, seeds and threads."""

import hashlib
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

from models.contract import CreditModel, contract_hash
from training.run import TrainingJob
from training.settings import REPOSITORY

CATALOGUE = "models.catalogue."


def describe_reproduction(job: TrainingJob) -> dict[str, Any]:
    """Describe how to repeat a run. `commit` and `python` are those of this machine."""
    return {
        "command": build_command(job),
        "contract_hash": contract_hash(job.model),
        "declaration": job.model.__module__,
        "declaration_sha256": hash_declaration(job.model),
        "seed": job.seed,
        "threads": job.threads,
        "max_refused_share": job.max_refused_share,
        "commit": find_commit(),
        "python": platform.python_version(),
        "machine": platform.machine(),
    }


def build_command(job: TrainingJob) -> str:
    """Build the shell command, with `CREDIT_MODELS` if the model is not in the catalogue."""
    module = job.model.__module__
    prefix = "" if module.startswith(CATALOGUE) else f"CREDIT_MODELS={module} "
    return prefix + job.build_command()


def hash_declaration(model: type[CreditModel]) -> str | None:
    """Return the sha256 of the source file that declares a model, or None if it has no file."""
    path = getattr(sys.modules.get(model.__module__), "__file__", None)
    if path is None or not Path(path).is_file():
        return None
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def find_commit() -> str | None:
    """Return the commit of the checkout, with `-dirty` if files were changed, or None."""
    command = ["git", "-C", str(REPOSITORY), "describe", "--always", "--abbrev=40", "--dirty"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 -- fixed words
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
