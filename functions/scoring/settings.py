"""The environment of the scoring function, read once and checked whole."""

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from models.contract import CreditModel
from models.errors import DeclarationError
from models.shelf import credit_models
from models.stores.opening import open_store
from models.stores.store import Store

REPOSITORY = Path(__file__).resolve().parent.parent.parent
REFRESH_SECONDS = 60.0
HIGHEST_PORT = 65_535

Auth = Literal["none", "iam"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that may differ between two deployments. `decision_log`: stdout, off, or a file."""

    store: Store
    catalogue: Mapping[str, type[CreditModel]]
    default_model: str
    auth: Auth
    decision_log: str
    model_refresh_seconds: float
    host: str
    port: int

    @property
    def on_loopback(self) -> bool:
        """Only this machine can reach the server."""
        return _is_loopback(self.host)


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
    on_cloud_run = "K_SERVICE" in environment
    host = environment.get("HOST") or ("0.0.0.0" if on_cloud_run else "127.0.0.1")  # noqa: S104 -- a container must
    catalogue = _catalogue(environment.get("CREDIT_MODELS", ""), faults)
    settings = Settings(
        store=_store(environment.get("MODEL_STORE", ""), faults),
        catalogue=catalogue,
        default_model=_default_model(environment.get("DEFAULT_MODEL", ""), catalogue, faults),
        auth=_auth(environment.get("AUTH", ""), host, on_cloud_run=on_cloud_run, faults=faults),
        decision_log=environment.get("DECISION_LOG") or "stdout",
        model_refresh_seconds=_seconds(environment.get("MODEL_REFRESH_SECONDS", ""), faults),
        host=host,
        port=_port(environment.get("PORT", ""), faults),
    )
    if faults:
        message = "wrong settings: " + "; ".join(faults)
        raise DeclarationError(message)
    return settings


def _catalogue(modules: str, faults: list[str]) -> Mapping[str, type[CreditModel]]:
    try:
        return credit_models(filter(None, modules.split(",")))
    except DeclarationError as error:
        faults.append(f"CREDIT_MODELS: {error}")
        return credit_models()


def _store(uri: str, faults: list[str]) -> Store:
    embedded = (REPOSITORY / "var" / "store").as_uri()
    try:
        return open_store(uri or embedded)
    except DeclarationError as error:
        faults.append(f"MODEL_STORE: {error}")
        return open_store(embedded)


def _default_model(name: str, catalogue: Mapping[str, type[CreditModel]], faults: list[str]) -> str:
    name = name or "application"
    if name not in catalogue:
        faults.append(f"DEFAULT_MODEL: {name!r} is not one of {', '.join(catalogue)}")
    return name


def _auth(text: str, host: str, *, on_cloud_run: bool, faults: list[str]) -> Auth:
    match text:
        case "none":
            return "none"
        case "iam":
            if not on_cloud_run:
                faults.append("AUTH: iam trusts Cloud Run to check callers, and this is not it")
            return "iam"
        case "":
            if not _is_loopback(host):
                faults.append(f"AUTH: must be set (none or iam) when HOST is {host}")
            return "none"
        case _:
            faults.append(f"AUTH: must be none or iam, not {text!r}")
            return "none"


def _seconds(text: str, faults: list[str]) -> float:
    if not text:
        return REFRESH_SECONDS
    if not re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text, re.ASCII):
        faults.append(f"MODEL_REFRESH_SECONDS: must be a number from 0, not {text!r}")
        return REFRESH_SECONDS
    return float(text)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _port(text: str, faults: list[str]) -> int:
    if not text:
        return 8080
    if not (text.isascii() and text.isdigit() and 0 <= int(text) <= HIGHEST_PORT):
        faults.append(f"PORT: must be a number from 0 to {HIGHEST_PORT}, not {text!r}")
        return 8080
    return int(text)
