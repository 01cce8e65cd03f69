"""The environment of the retraining function, read once and checked whole."""

import os
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from functions.access.client_address import is_loopback
from functions.web.settings import (
    REPOSITORY,
    Listening,
    catalogue_from,
    default_model_from,
    listening_from,
    number_from,
    refuse_wrong,
)
from models.contract import CreditModel

GOOGLE = "https://run.googleapis.com"
JOB = re.compile(r"projects/[a-z0-9:.-]+/locations/[a-z0-9-]+/jobs/[a-z0-9-]*\{model\}[a-z0-9-]*")
ADDRESS = re.compile(r"(https?)://([A-Za-z0-9.-]+)(:\d{1,5})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that may differ between two deployments.

    With a `training_job` the Cloud Run job of that name is run, `{model}` being the model's name;
    without, the training environment of `training_python`.
    """

    listening: Listening
    catalogue: Mapping[str, type[CreditModel]]
    default_model: str
    training_job: str | None
    training_api: str
    training_python: str
    training_logs: Path
    overdue_after: timedelta | None


def read_settings() -> Settings:
    """Read the settings of this process."""
    return settings_from(os.environ)


def settings_from(environment: Mapping[str, str]) -> Settings:
    """Read and check all settings.

    Raises
    ------
    DeclarationError
        If any is wrong: the message names every faulty variable.
    """
    faults: list[str] = []
    catalogue = catalogue_from(environment, faults)
    overdue = environment.get("TRAINING_OVERDUE_HOURS", "")
    hours = number_from("TRAINING_OVERDUE_HOURS", overdue, faults)
    settings = Settings(
        listening=listening_from(environment, faults),
        catalogue=catalogue,
        default_model=default_model_from(environment, catalogue, faults),
        training_job=_job(environment, faults),
        training_api=_api(environment.get("TRAINING_API") or GOOGLE, faults),
        training_python=_python(environment.get("TRAINING_PYTHON") or sys.executable, faults),
        training_logs=Path(environment.get("TRAINING_LOGS") or REPOSITORY / "var" / "training"),
        overdue_after=None if hours is None else timedelta(hours=hours),
    )
    refuse_wrong(faults)
    return settings


def _job(environment: Mapping[str, str], faults: list[str]) -> str | None:
    text = environment.get("TRAINING_JOB", "")
    if not text:
        if "K_SERVICE" in environment:
            faults.append("TRAINING_JOB: must be set on Cloud Run, which has no training here")
        return None
    if not JOB.fullmatch(text):
        form = "projects/P/locations/R/jobs/J with {model} once in J"
        faults.append(f"TRAINING_JOB: must be {form}, not {text!r}")
    return text


def _api(text: str, faults: list[str]) -> str:
    """Credentials go to this address, so it is one that encrypts, or this machine."""
    found = ADDRESS.fullmatch(text)
    if not found or (found[1] == "http" and not is_loopback(found[2])):
        faults.append(f"TRAINING_API: must be https://host, or http:// on loopback, not {text!r}")
    return text


def _python(text: str, faults: list[str]) -> str:
    found = shutil.which(text)
    if not found:
        faults.append(f"TRAINING_PYTHON: {text!r} is no program")
    # A link is not followed: it is what tells a virtual environment.
    return str(Path(found or text).absolute())
