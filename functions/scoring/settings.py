"""The environment of the scoring function, read once and checked whole."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from functions.scoring.chain import LEAST_KEY_CHARACTERS, Seal
from functions.settings import (
    REPOSITORY,
    Listening,
    catalogue_from,
    default_model_from,
    listening_from,
    number_from,
    refuse_wrong,
)
from models.contract import CreditModel
from models.errors import DeclarationError
from models.stores.opening import open_store
from models.stores.store import Store

REFRESH_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that may differ between two deployments. `decision_log`: stdout, off, or a file.

    Of `seals` the first makes new records, all make out old ones.
    """

    listening: Listening
    store: Store
    catalogue: Mapping[str, type[CreditModel]]
    default_model: str
    decision_log: str
    seals: tuple[Seal, ...]
    anchor_store: Store | None
    model_refresh_seconds: float


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
    refresh = environment.get("MODEL_REFRESH_SECONDS", "")
    seconds = number_from("MODEL_REFRESH_SECONDS", refresh, faults)
    settings = Settings(
        listening=listening_from(environment, faults),
        store=_store(environment.get("MODEL_STORE", ""), faults),
        catalogue=catalogue,
        default_model=default_model_from(environment, catalogue, faults),
        decision_log=environment.get("DECISION_LOG") or "stdout",
        seals=_seals(environment.get("DECISION_LOG_KEY", ""), faults),
        anchor_store=_anchor_store(environment.get("DECISION_ANCHOR_STORE", ""), faults),
        model_refresh_seconds=REFRESH_SECONDS if seconds is None else seconds,
    )
    refuse_wrong(faults)
    return settings


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSettings:
    """What reading a decision log needs; see `Settings`."""

    store: Store
    catalogue: Mapping[str, type[CreditModel]]
    seals: tuple[Seal, ...]


def read_audit_settings() -> AuditSettings:
    """Read `MODEL_STORE`, `CREDIT_MODELS` and `DECISION_LOG_KEY`; faults as `settings_from`."""
    faults: list[str] = []
    settings = AuditSettings(
        store=_store(os.environ.get("MODEL_STORE", ""), faults),
        catalogue=catalogue_from(os.environ, faults),
        seals=_seals(os.environ.get("DECISION_LOG_KEY", ""), faults),
    )
    refuse_wrong(faults)
    return settings


def _store(uri: str, faults: list[str]) -> Store:
    embedded = (REPOSITORY / "var" / "store").as_uri()
    try:
        return open_store(uri or embedded)
    except DeclarationError as error:
        faults.append(f"MODEL_STORE: {error}")
        return open_store(embedded)


def _anchor_store(uri: str, faults: list[str]) -> Store | None:
    try:
        return open_store(uri) if uri else None
    except DeclarationError as error:
        faults.append(f"DECISION_ANCHOR_STORE: {error}")
        return None


def _seals(text: str, faults: list[str]) -> tuple[Seal, ...]:
    keys = text.split()
    if any(len(key) < LEAST_KEY_CHARACTERS for key in keys):
        # Never the key itself: this is printed.
        faults.append(f"DECISION_LOG_KEY: a key has at least {LEAST_KEY_CHARACTERS} characters")
    return tuple(Seal(key) for key in keys) or (Seal(),)
