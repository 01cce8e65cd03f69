"""Settings of batches, read once from the environment and checked as a whole."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from functions.access.settings import Access, access_from
from functions.batch.runs import Shard
from functions.web.environment import store_uri_from_environment
from functions.web.settings import (
    REPOSITORY,
    Faults,
    Listening,
    Variable,
    is_loopback,
    listening_from,
    reject_wrong_settings,
    split_list,
    try_reading,
)
from models.discovery import Catalogue, credit_models
from models.errors import DeclarationError
from models.evidence.hash_chain import MIN_KEY_CHARACTERS, Seal
from models.stores.store import OpenedStore
from models.stores.uri import open_store

DEFAULT_PORT = 8083
GOOGLE = "https://run.googleapis.com"
MAX_UPLOAD_BYTES = 32 << 20  # what Cloud Run lets a request have over HTTP/1
JOB_FROM_BYTES = 64 << 20
JOB = re.compile(r"projects/[a-z0-9:.-]+/locations/[a-z0-9-]+/jobs/[a-z0-9-]+")
ADDRESS = re.compile(r"(https?)://([A-Za-z0-9.-]+)(:\d{1,5})?")

TASK_VARIABLES = (
    Variable(
        "BATCH_TASKS",
        "`1`",
        "How many tasks share a file where the platform does not say: those of an Indexed Job of "
        "Kubernetes, which sets `JOB_COMPLETION_INDEX`. Cloud Run sets `CLOUD_RUN_TASK_INDEX` and "
        "`CLOUD_RUN_TASK_COUNT`.",
    ),
)

BATCH_VARIABLES = (
    *TASK_VARIABLES,
    Variable(
        "BATCH_STORE",
        "`var/batches` of the clone",
        "Where batches, uploads and results are, in the form of `MODEL_STORE`.",
    ),
    Variable(
        "BATCH_INPUTS",
        "none: only uploads",
        "Places whose files callers may name, in the form of `MODEL_STORE`, separated by commas.",
    ),
    Variable(
        "BATCH_JOB",
        "none: every file is scored here",
        f"The Cloud Run job that scores files of {JOB_FROM_BYTES >> 20} MiB or more: "
        "`projects/P/locations/R/jobs/J`.",
    ),
    Variable("BATCH_API", f"`{GOOGLE}`", "Another address of the Cloud Run API."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSettings:
    """What a task needs: models, keys, the store of anchors, its shard.

    The first of the seals makes records; all of them read records.
    """

    store: OpenedStore
    catalogue: Catalogue
    seals: tuple[Seal, ...]
    anchors: OpenedStore | None
    shard: Shard

    @property
    def seal(self) -> Seal:
        """The seal that makes records."""
        return self.seals[0]

    @property
    def seals_by_name(self) -> dict[str, Seal]:
        """Every seal by the name that records have of it."""
        return {seal.name: seal for seal in self.seals}


def read_task_settings() -> TaskSettings:
    """Read the settings of this process."""
    return task_settings_from(os.environ)


def task_settings_from(environment: Mapping[str, str]) -> TaskSettings:
    """Read and check what a task needs.

    Raises
    ------
    DeclarationError
        If anything is wrong: the message names every faulty variable.
    """
    settings, faults = task_settings_and_faults(environment)
    reject_wrong_settings(faults)
    return settings


def task_settings_and_faults(environment: Mapping[str, str]) -> tuple[TaskSettings, Faults]:
    """Read what a task needs, and return the faults it has."""
    modules = split_list(environment.get("CREDIT_MODELS", ""))
    catalogue, catalogue_faults = try_reading(
        "CREDIT_MODELS", partial(credit_models, modules), credit_models()
    )
    embedded = (REPOSITORY / "var" / "store").as_uri()
    uri = store_uri_from_environment(environment) or embedded
    store, store_faults = try_reading("MODEL_STORE", partial(open_store, uri), open_store(embedded))
    seals, seal_faults = _seals(environment.get("DECISION_LOG_KEY", ""))
    anchors, anchor_faults = _anchors(environment.get("DECISION_ANCHOR_STORE", ""))
    shard, shard_faults = _shard(environment)
    settings = TaskSettings(
        store=store, catalogue=catalogue, seals=seals, anchors=anchors, shard=shard
    )
    faults = [*catalogue_faults, *store_faults, *seal_faults, *anchor_faults, *shard_faults]
    return settings, faults


def _seals(text: str) -> tuple[tuple[Seal, ...], Faults]:
    """The first key makes records; older ones only read them."""
    keys = text.split()
    if any(len(key) < MIN_KEY_CHARACTERS for key in keys):
        return (Seal(),), [f"DECISION_LOG_KEY: a key has at least {MIN_KEY_CHARACTERS} characters"]
    return tuple(map(Seal, keys)) or (Seal(),), []


def _anchors(uri: str) -> tuple[OpenedStore | None, Faults]:
    if not uri:
        return None, []
    return try_reading("DECISION_ANCHOR_STORE", partial(open_store, uri), None)


def _shard(environment: Mapping[str, str]) -> tuple[Shard, Faults]:
    pairs = (
        ("CLOUD_RUN_TASK_INDEX", "CLOUD_RUN_TASK_COUNT"),
        ("JOB_COMPLETION_INDEX", "BATCH_TASKS"),
    )
    for index_name, count_name in pairs:
        index = environment.get(index_name, "")
        if not index:
            continue
        count = environment.get(count_name, "") or "1"
        names = f"{index_name}, {count_name}"
        if not re.fullmatch(r"\d{1,6} \d{1,6}", f"{index} {count}", re.ASCII):
            return Shard(), [f"{names}: must be numbers, not {index!r} and {count!r}"]
        try:
            return Shard(int(index), int(count)), []
        except DeclarationError as error:
            return Shard(), [f"{names}: {error}"]
    return Shard(), []


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings(TaskSettings):
    """Everything that may differ between two deployments of the API."""

    listening: Listening
    access: Access
    batches: OpenedStore
    batches_uri: str
    inputs: tuple[str, ...]
    job: str | None
    api: str
    max_upload_bytes: int = MAX_UPLOAD_BYTES
    job_from_bytes: int = JOB_FROM_BYTES


def read_settings() -> ServerSettings:
    """Read the settings of this process."""
    return settings_from(os.environ)


def settings_from(environment: Mapping[str, str]) -> ServerSettings:
    """Read and check all settings; errors are those of `task_settings_from`."""
    task, task_faults = task_settings_and_faults(environment)
    listening, listening_faults = listening_from(environment, DEFAULT_PORT)
    access, access_faults = access_from(environment, listening)
    embedded = (REPOSITORY / "var" / "batches").as_uri()
    uri = environment.get("BATCH_STORE") or embedded
    store, store_faults = try_reading("BATCH_STORE", partial(open_store, uri), open_store(embedded))
    inputs = split_list(environment.get("BATCH_INPUTS", ""))
    input_faults = [
        fault
        for place in inputs
        for fault in try_reading("BATCH_INPUTS", partial(open_store, place), None)[1]
    ]
    job, job_faults = _job(environment.get("BATCH_JOB", ""))
    api, api_faults = _api(environment.get("BATCH_API") or GOOGLE)
    reject_wrong_settings(
        [
            *(*task_faults, *listening_faults, *access_faults, *store_faults),
            *(*input_faults, *job_faults, *api_faults),
        ]
    )
    return ServerSettings(
        store=task.store,
        catalogue=task.catalogue,
        seals=task.seals,
        anchors=task.anchors,
        shard=task.shard,
        listening=listening,
        access=access,
        batches=store,
        batches_uri=uri,
        inputs=inputs,
        job=job,
        api=api,
    )


def read_job_settings() -> tuple[TaskSettings, OpenedStore, str]:
    """Read what a job of the platform needs: a task's settings and `BATCH_STORE`."""
    task, faults = task_settings_and_faults(os.environ)
    embedded = (REPOSITORY / "var" / "batches").as_uri()
    uri = os.environ.get("BATCH_STORE") or embedded
    store, store_faults = try_reading("BATCH_STORE", partial(open_store, uri), open_store(embedded))
    reject_wrong_settings([*faults, *store_faults])
    return task, store, uri


def _job(text: str) -> tuple[str | None, Faults]:
    if text and not JOB.fullmatch(text):
        return None, [f"BATCH_JOB: must be projects/P/locations/R/jobs/J, not {text!r}"]
    return text or None, []


def _api(text: str) -> tuple[str, Faults]:
    """Credentials go to this address, so it must encrypt, or be this machine."""
    match = ADDRESS.fullmatch(text)
    if not match or (match[1] == "http" and not is_loopback(match[2])):
        return text, [f"BATCH_API: must be https://host, or http:// on loopback, not {text!r}"]
    return text, []
