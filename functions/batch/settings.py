"""Settings of batches, read once from the environment and checked as a whole."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from functions.batch.runs import Shard
from functions.web.environment import store_uri_from_environment
from functions.web.settings import (
    REPOSITORY,
    Faults,
    Variable,
    reject_wrong_settings,
    split_list,
    try_reading,
)
from models.discovery import Catalogue, credit_models
from models.errors import DeclarationError
from models.evidence.hash_chain import MIN_KEY_CHARACTERS, Seal
from models.stores.store import OpenedStore
from models.stores.uri import open_store

TASK_VARIABLES = (
    Variable(
        "BATCH_TASKS",
        "`1`",
        "How many tasks share a file where the platform does not say: those of an Indexed Job of "
        "Kubernetes, which sets `JOB_COMPLETION_INDEX`. Cloud Run sets `CLOUD_RUN_TASK_INDEX` and "
        "`CLOUD_RUN_TASK_COUNT`.",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSettings:
    """What a task needs: models, the key of records, the store of anchors, its shard."""

    store: OpenedStore
    catalogue: Catalogue
    seal: Seal
    anchors: OpenedStore | None
    shard: Shard


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
    seal, seal_faults = _seal(environment.get("DECISION_LOG_KEY", ""))
    anchors, anchor_faults = _anchors(environment.get("DECISION_ANCHOR_STORE", ""))
    shard, shard_faults = _shard(environment)
    settings = TaskSettings(
        store=store, catalogue=catalogue, seal=seal, anchors=anchors, shard=shard
    )
    faults = [*catalogue_faults, *store_faults, *seal_faults, *anchor_faults, *shard_faults]
    return settings, faults


def _seal(text: str) -> tuple[Seal, Faults]:
    """The first key makes records; older ones only read them."""
    keys = text.split()
    if any(len(key) < MIN_KEY_CHARACTERS for key in keys):
        return Seal(), [f"DECISION_LOG_KEY: a key has at least {MIN_KEY_CHARACTERS} characters"]
    return Seal(keys[0]) if keys else Seal(), []


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
