"""Settings of the retraining function, read once from the environment and checked as a whole."""

import os
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path

from functions.access.settings import Access, access_from
from functions.web.environment import parse_default_model, store_uri_from_environment
from functions.web.settings import (
    REPOSITORY,
    Faults,
    Listening,
    Tracing,
    Variable,
    is_loopback,
    listening_from,
    parse_number,
    reject_wrong_settings,
    split_list,
    tracing_from,
    try_reading,
)
from models.discovery import Catalogue, credit_models
from models.stores.store import OpenedStore
from models.stores.uri import open_store

DEFAULT_PORT = 8082
GOOGLE = "https://run.googleapis.com"
JOB = re.compile(r"projects/[a-z0-9:.-]+/locations/[a-z0-9-]+/jobs/[a-z0-9-]*\{model\}[a-z0-9-]*")
ADDRESS = re.compile(r"(https?)://([A-Za-z0-9.-]+)(:\d{1,5})?")

TRAINING_VARIABLES = (
    Variable(
        "TRAINING_JOB",
        "none: a process on this machine",
        "The Cloud Run job of a model: `projects/P/locations/R/jobs/prod-train-{model}`.",
    ),
    Variable("TRAINING_PYTHON", "its own Python", "The Python that has the training libraries."),
    Variable("TRAINING_LOGS", "`var/training`", "Folder for the output of local runs."),
    Variable(
        "TRAINING_OVERDUE_HOURS",
        "none: never overdue",
        "How many hours ago the last successful run may be.",
    ),
    Variable("TRAINING_API", f"`{GOOGLE}`", "Another address of the Cloud Run API."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainSettings:
    """Everything that may differ between two deployments.

    With a `training_job` the Cloud Run job of that name runs, `{model}` being the model's name;
    without one, the training environment of `training_python`.
    """

    listening: Listening
    access: Access
    catalogue: Catalogue
    default_model: str
    training_job: str | None
    training_api: str
    training_python: str
    training_logs: Path
    store: OpenedStore
    overdue_after: timedelta | None
    tracing: Tracing = field(default_factory=Tracing)


def read_settings() -> RetrainSettings:
    """Read the settings of this process."""
    return settings_from(os.environ)


def settings_from(environment: Mapping[str, str]) -> RetrainSettings:
    """Read and check all settings.

    Raises
    ------
    DeclarationError
        If any is wrong: the message names every faulty variable.
    """
    modules = split_list(environment.get("CREDIT_MODELS", ""))
    catalogue, catalogue_faults = try_reading(
        "CREDIT_MODELS", partial(credit_models, modules), credit_models()
    )
    listening, listening_faults = listening_from(environment, DEFAULT_PORT)
    access, access_faults = access_from(environment, listening)
    default_model, model_faults = parse_default_model(environment, catalogue)
    job, job_faults = _job(environment)
    api, api_faults = _api(environment.get("TRAINING_API") or GOOGLE)
    python, python_faults = _python(environment.get("TRAINING_PYTHON") or sys.executable)
    store, store_faults = _store(environment)
    tracing, tracing_faults = tracing_from(environment)
    overdue = environment.get("TRAINING_OVERDUE_HOURS", "")
    hours, hours_faults = parse_number("TRAINING_OVERDUE_HOURS", overdue)
    reject_wrong_settings(
        [
            *(*catalogue_faults, *listening_faults, *access_faults, *model_faults),
            *(*job_faults, *api_faults, *python_faults, *hours_faults, *store_faults),
            *tracing_faults,
        ]
    )
    return RetrainSettings(
        listening=listening,
        access=access,
        catalogue=catalogue,
        default_model=default_model,
        training_job=job,
        training_api=api,
        training_python=python,
        training_logs=Path(environment.get("TRAINING_LOGS") or REPOSITORY / "var" / "training"),
        store=store,
        overdue_after=None if hours is None else timedelta(hours=hours),
        tracing=tracing,
    )


def _store(environment: Mapping[str, str]) -> tuple[OpenedStore, Faults]:
    embedded = (REPOSITORY / "var" / "store").as_uri()
    uri = store_uri_from_environment(environment) or embedded
    return try_reading("MODEL_STORE", partial(open_store, uri), open_store(embedded))


def _job(environment: Mapping[str, str]) -> tuple[str | None, Faults]:
    text = environment.get("TRAINING_JOB", "")
    if not text:
        if "K_SERVICE" in environment:
            return None, ["TRAINING_JOB: must be set on Cloud Run, which cannot train here"]
        return None, []
    if not JOB.fullmatch(text):
        form = "projects/P/locations/R/jobs/J with {model} once in J"
        return None, [f"TRAINING_JOB: must be {form}, not {text!r}"]
    return text, []


def _api(text: str) -> tuple[str, Faults]:
    """Credentials go to this address, so it must encrypt, or be this machine."""
    match = ADDRESS.fullmatch(text)
    if not match or (match[1] == "http" and not is_loopback(match[2])):
        return text, [f"TRAINING_API: must be https://host, or http:// on loopback, not {text!r}"]
    return text, []


def _python(text: str) -> tuple[str, Faults]:
    program = shutil.which(text)
    faults = [] if program else [f"TRAINING_PYTHON: {text!r} is not an executable"]
    # A symbolic link is not followed: it is how a virtual environment is recognised.
    return str(Path(program or text).absolute()), faults
