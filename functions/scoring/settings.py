"""The environment of the scoring function, read once and checked whole."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from functions.web.environment import store_uri_from_environment
from functions.web.settings import (
    HIGHEST_PORT,
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
from models.evidence.hash_chain import LEAST_KEY_CHARACTERS, Seal
from models.stores.store import Store
from models.stores.uri import open_store

REFRESH_SECONDS = 60.0
ROUTE = re.compile(r"(/[A-Za-z0-9._~:-]+)+")


@dataclass(frozen=True, slots=True, kw_only=True)
class VertexRoutes:
    """Paths that Vertex AI asks on; None where it named none."""

    health: str | None = None
    predict: str | None = None


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
    vertex: VertexRoutes = VertexRoutes()


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
    environment = _with_vertex_port(environment, faults)
    catalogue = catalogue_from(environment, faults)
    refresh = environment.get("MODEL_REFRESH_SECONDS", "")
    seconds = number_from("MODEL_REFRESH_SECONDS", refresh, faults)
    settings = Settings(
        listening=listening_from(environment, faults),
        store=_store(environment, faults),
        catalogue=catalogue,
        default_model=default_model_from(environment, catalogue, faults),
        decision_log=environment.get("DECISION_LOG") or "stdout",
        seals=_seals(environment.get("DECISION_LOG_KEY", ""), faults),
        anchor_store=_anchor_store(environment.get("DECISION_ANCHOR_STORE", ""), faults),
        model_refresh_seconds=REFRESH_SECONDS if seconds is None else seconds,
        vertex=VertexRoutes(
            health=_route("AIP_HEALTH_ROUTE", environment.get("AIP_HEALTH_ROUTE"), faults),
            predict=_route("AIP_PREDICT_ROUTE", environment.get("AIP_PREDICT_ROUTE"), faults),
        ),
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
        store=_store(os.environ, faults),
        catalogue=catalogue_from(os.environ, faults),
        seals=_seals(os.environ.get("DECISION_LOG_KEY", ""), faults),
    )
    refuse_wrong(faults)
    return settings


def _store(environment: Mapping[str, str], faults: list[str]) -> Store:
    embedded = (REPOSITORY / "var" / "store").as_uri()
    try:
        return open_store(store_uri_from_environment(environment) or embedded)
    except DeclarationError as error:
        is_ours = bool(environment.get("MODEL_STORE"))
        faults.append(f"MODEL_STORE: {error}" if is_ours else f"AIP_STORAGE_URI: {error}")
        return open_store(embedded)


def _with_vertex_port(environment: Mapping[str, str], faults: list[str]) -> Mapping[str, str]:
    """Listen where Vertex AI asks, on every address, as in any container of its."""
    port = environment.get("AIP_HTTP_PORT")
    if not port:
        return environment
    if not (re.fullmatch("[0-9]{1,5}", port) and 1 <= int(port) <= HIGHEST_PORT):
        faults.append(f"AIP_HTTP_PORT: must be a number from 1 to {HIGHEST_PORT}, not {port!r}")
        return environment
    return {"HOST": "0.0.0.0", **environment, "PORT": port}  # noqa: S104 -- a container must


def _route(name: str, path: str | None, faults: list[str]) -> str | None:
    if path and not ROUTE.fullmatch(path):
        faults.append(f"{name}: must be a path such as /predict, not {path!r}")
        return None
    return path or None


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
