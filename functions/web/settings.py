"""The settings every function has: where it listens, whom it answers, which models it knows.

Each check notes what is wrong in a list, so that one refusal names every faulty variable.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from functions.access.client_address import is_loopback
from functions.access.settings import Access, Auth, access_from
from functions.web.environment import default_model_from_environment
from models.contract import CreditModel
from models.discovery import credit_models
from models.errors import DeclarationError

REPOSITORY = Path(__file__).resolve().parents[2]
HIGHEST_PORT = 65_535
AUTHS = "none, iam, api-key or jwt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Where a server listens, and how it knows its callers."""

    host: str
    port: int
    auth: Auth
    access: Access = field(default_factory=Access)

    @property
    def is_open(self) -> bool:
        """Other machines may reach the server, and it answers them all."""
        return self.auth == "none" and not is_loopback(self.host)


def listening_from(environment: Mapping[str, str], faults: list[str]) -> Listening:
    """Read `HOST`, `PORT`, `AUTH` and what it needs."""
    on_cloud_run = "K_SERVICE" in environment
    host = environment.get("HOST") or ("0.0.0.0" if on_cloud_run else "127.0.0.1")  # noqa: S104 -- a container must
    auth = _auth(environment.get("AUTH", ""), host, on_cloud_run=on_cloud_run, faults=faults)
    return Listening(
        host=host,
        port=_port(environment.get("PORT", ""), faults),
        auth=auth,
        access=access_from(environment, auth, faults),
    )


def catalogue_from(
    environment: Mapping[str, str], faults: list[str]
) -> Mapping[str, type[CreditModel]]:
    """Find the credit models, those of `CREDIT_MODELS` too."""
    try:
        return credit_models(filter(None, environment.get("CREDIT_MODELS", "").split(",")))
    except DeclarationError as error:
        faults.append(f"CREDIT_MODELS: {error}")
        return credit_models()


def default_model_from(
    environment: Mapping[str, str], catalogue: Mapping[str, type[CreditModel]], faults: list[str]
) -> str:
    """Read `DEFAULT_MODEL`."""
    name = default_model_from_environment(environment)
    if name not in catalogue:
        faults.append(f"DEFAULT_MODEL: {name!r} is not one of {', '.join(catalogue)}")
    return name


def number_from(name: str, text: str, faults: list[str]) -> float | None:
    """Read a number from 0 on; None if there is none."""
    if not text:
        return None
    if not re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text, re.ASCII):
        faults.append(f"{name}: must be a number from 0, not {text!r}")
        return None
    return float(text)


def refuse_wrong(faults: Sequence[str]) -> None:
    """Refuse an environment that has any fault.

    Raises
    ------
    DeclarationError
        The message names every faulty variable.
    """
    if faults:
        message = "wrong settings: " + "; ".join(faults)
        raise DeclarationError(message)


def _auth(text: str, host: str, *, on_cloud_run: bool, faults: list[str]) -> Auth:
    match text:
        case "none" | "api-key" | "jwt":
            return text
        case "iam":
            if not on_cloud_run:
                faults.append("AUTH: iam trusts Cloud Run to check callers, and this is not it")
            return "iam"
        case "":
            if not is_loopback(host):
                faults.append(f"AUTH: must be set ({AUTHS}) when HOST is {host}")
            return "none"
        case _:
            faults.append(f"AUTH: must be {AUTHS}, not {text!r}")
            return "none"


def _port(text: str, faults: list[str]) -> int:
    if not text:
        return 8080
    if not (text.isascii() and text.isdigit() and 0 <= int(text) <= HIGHEST_PORT):
        faults.append(f"PORT: must be a number from 0 to {HIGHEST_PORT}, not {text!r}")
        return 8080
    return int(text)
