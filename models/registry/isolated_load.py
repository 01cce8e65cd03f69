"""Isolated load: a separate process loads a bundle and scores its golden rows.

A malicious or damaged estimator can crash the process that loads it. Before a version is published,
promoted or made challenger, it is therefore loaded here, so that only the separate process crashes.
"""

import subprocess
import sys
from pathlib import Path

from models.contract import CreditModel, name_from_model
from models.discovery import credit_models
from models.errors import ModelRefusedError, SuretyError
from models.registry.bundle import bundle_from_bytes, scorer_from_bundle

SECONDS = 60.0
# The process gets the module search path of this one, with relative entries made absolute.
LOAD = """
import sys
name, module, *sys.path = sys.argv[1:]
from models.registry.isolated_load import load
load(name, module)
"""


def load_in_isolation(bundle: bytes, model: type[CreditModel]) -> None:
    """Load a bundle in a separate process, in the way a scoring instance does.

    Raises
    ------
    ModelRefusedError
        If the process refuses the bundle, exceeds the time limit or crashes.
    """
    search_path = [str(Path(entry).absolute()) for entry in sys.path]
    command = [sys.executable, "-c", LOAD, name_from_model(model), model.__module__, *search_path]
    try:
        done = subprocess.run(  # noqa: S603 -- our own interpreter and module
            command, input=bundle, capture_output=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        message = f"isolated load: the bundle was not loaded within {SECONDS:g} s"
        raise ModelRefusedError(message) from error
    if done.returncode < 0:
        message = (
            f"isolated load: the process that loaded the bundle died of signal {-done.returncode}"
        )
        raise ModelRefusedError(message)
    if done.returncode > 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        message = f"isolated load: {lines[-1] if lines else 'the bundle was refused'}"
        raise ModelRefusedError(message)


def load(name: str, module: str) -> None:
    """Load a bundle from standard input. If it is refused, exit with 1 and print the cause."""
    try:
        _load(name, module)
    except SuretyError as refusal:
        sys.exit(str(refusal))


def _load(name: str, module: str) -> None:
    catalogue = credit_models()
    if name not in catalogue:
        catalogue = credit_models((module,))
    model = catalogue[name]
    scorer_from_bundle(bundle_from_bytes(sys.stdin.buffer.read()), model)
