"""A bundle is loaded, and its golden rows scored, by a process of its own before it goes anywhere.

A crafted estimator can end the process that loads it: then it is this one that dies.
"""

import subprocess
import sys
from pathlib import Path

from models.contract import CreditModel, name_from_model
from models.discovery import credit_models, find_model
from models.errors import ModelRefusedError, SuretyError
from models.registry.bundle import bundle_from_bytes, scorer_from_bundle

SECONDS = 60.0
# With the places this process finds modules in, a relative one included.
LOAD = """
import sys
name, module, *sys.path = sys.argv[1:]
from training.isolated_load import load
load(name, module)
"""


def load_in_isolation(bundle: bytes, model: type[CreditModel]) -> None:
    """Load a bundle in a fresh process as a scoring instance will.

    Raises
    ------
    ModelRefusedError
        If it is refused there, takes too long, or the process dies of it.
    """
    places = [str(Path(place).absolute()) for place in sys.path]
    command = [sys.executable, "-c", LOAD, name_from_model(model), model.__module__, *places]
    try:
        done = subprocess.run(  # noqa: S603 -- our own interpreter and module
            command, input=bundle, capture_output=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        message = f"rehearsal: the bundle was not loaded within {SECONDS:g} s"
        raise ModelRefusedError(message) from error
    if done.returncode < 0:
        message = f"rehearsal: the process that loaded the bundle died of signal {-done.returncode}"
        raise ModelRefusedError(message)
    if done.returncode > 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        message = f"rehearsal: {said[-1] if said else 'the bundle was refused'}"
        raise ModelRefusedError(message)


def load(name: str, module: str) -> None:
    """Load a bundle from standard input; the exit code and one line say how it went."""
    try:
        _load(name, module)
    except SuretyError as refusal:
        sys.exit(str(refusal))


def _load(name: str, module: str) -> None:
    catalogue = credit_models()
    if name not in catalogue:
        catalogue = credit_models((module,))
    model = find_model(catalogue, name)
    scorer_from_bundle(bundle_from_bytes(sys.stdin.buffer.read()), model)
