"""A bundle is loaded, and its golden rows scored, by a process of its own before it goes anywhere.

A crafted estimator can end the process that loads it: then it is this one that dies.
"""

import subprocess
import sys

from models.bundle import bundle_from_bytes, scorer_from_bundle
from models.contract import CreditModel, name_of
from models.errors import ModelRefusedError, SuretyError
from models.shelf import credit_models, find_model
from training.settings import REPOSITORY

SECONDS = 60.0


def rehearse(bundle: bytes, model: type[CreditModel]) -> None:
    """Load a bundle in a fresh process as a scoring instance will.

    Raises
    ------
    ModelRefusedError
        If it is refused there, takes too long, or the process dies of it.
    """
    command = [sys.executable, "-m", "training.rehearsal", name_of(model), model.__module__]
    try:
        done = subprocess.run(  # noqa: S603 -- our own interpreter and module
            command, input=bundle, capture_output=True, timeout=SECONDS, check=False, cwd=REPOSITORY
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


def _load(name: str, module: str) -> None:
    catalogue = credit_models()
    if name not in catalogue:
        catalogue = credit_models((module,))
    model = find_model(catalogue, name)
    scorer_from_bundle(bundle_from_bytes(sys.stdin.buffer.read()), model)


if __name__ == "__main__":
    try:
        _load(sys.argv[1], sys.argv[2])
    except SuretyError as refusal:
        sys.exit(str(refusal))
