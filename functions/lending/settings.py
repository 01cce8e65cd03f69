"""Settings of the loan book, read once from the environment and checked as a whole."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from functions.access.settings import Access, access_from
from functions.lending.checks.settings import CHECK_VARIABLES, ExternalCheck, checks_from
from functions.lending.notices.notice import Lender
from functions.lending.storage.sign_in import faults_in_url
from functions.lending.webhook_secrets import SecretBox, secret_box_from
from functions.web.settings import (
    Faults,
    Listening,
    Variable,
    is_loopback,
    listening_from,
    parse_number,
    reject_wrong_settings,
)

DEFAULT_PORT = 8081
DEFAULT_MODEL = "instalment"
DEFAULT_CONNECTIONS = 5
MOST_CONNECTIONS = 100
DEFAULT_TIMEOUT_SECONDS = 5.0
FEWEST_KEY_CHARACTERS = 32
LOCAL_KYC_KEY = "only-for-this-machine-and-its-tests"
ADDRESS = re.compile(r"(https?)://([A-Za-z0-9.-]+)(:\d{1,5})?")

LENDING_VARIABLES = (
    Variable(
        "DATABASE_URL",
        "required",
        "The PostgreSQL database of the loan book: `postgresql://user@host/name`. With `?auth=iam` "
        "a token of the Google account that the process runs as is the password; `ca=` and a "
        "certificate in PEM, URL-encoded, verify the server. It is never printed.",
    ),
    Variable("DATABASE_CONNECTIONS", f"`{DEFAULT_CONNECTIONS}`", "Connections of one instance."),
    Variable(
        "SCORING_URL",
        "none: applications stay pending",
        "Address of the scoring function: https, or http on loopback.",
    ),
    Variable(
        "SCORING_KEY",
        "none",
        "API key or token for the scoring function; `iam` sends a Google ID token.",
    ),
    Variable("SCORING_MODEL", f"`{DEFAULT_MODEL}`", "The credit model that decides."),
    Variable(
        "SCORING_TIMEOUT_SECONDS",
        f"`{DEFAULT_TIMEOUT_SECONDS:g}`",
        "How long an application waits for its decision, with all retries.",
    ),
    Variable(
        "KYC_KEY",
        "required unless HOST is loopback",
        f"Secret of at least {FEWEST_KEY_CHARACTERS} characters that the hashes of identity "
        "numbers are keyed with.",
    ),
    *CHECK_VARIABLES,
    Variable(
        "WEBHOOK_KEYS",
        "none: `webhook`, `rotate` and `deliver` refuse",
        "Keys that encrypt the secrets of webhooks: 32 random bytes in base64 "
        "(`openssl rand -base64 32`). Of several, separated by commas, the first encrypts.",
    ),
    Variable(
        "LENDER_NAME",
        "none: no notices",
        "The creditor, as notices of declined applications name it.",
    ),
    Variable("LENDER_ADDRESS", "none", "Its address, in one line."),
    Variable("LENDER_AGENCY", "none", "Name and address of the authority that supervises it."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LendingSettings:
    """Everything that may differ between two deployments."""

    listening: Listening
    access: Access
    database_url: str = field(repr=False)
    connections: int
    scoring_url: str | None
    scoring_key: str | None = field(repr=False)
    scoring_model: str
    scoring_timeout: float
    kyc_key: bytes = field(repr=False)
    checks: tuple[ExternalCheck, ...] = ()
    lender: Lender | None = field(default=None, repr=False)
    box: SecretBox = field(default_factory=SecretBox)


def read_settings() -> LendingSettings:
    """Read the settings of this process."""
    return settings_from(os.environ)


def read_database_url() -> str:
    """Read `DATABASE_URL` alone, for the commands that need nothing else."""
    url, faults = _database_url(os.environ)
    reject_wrong_settings(faults)
    return url


def read_webhook_settings() -> tuple[str, SecretBox]:
    """Read `DATABASE_URL` and `WEBHOOK_KEYS`, for the commands of webhooks."""
    url, faults = _database_url(os.environ)
    box, key_faults = secret_box_from(os.environ)
    reject_wrong_settings([*faults, *key_faults])
    return url, box


def settings_from(environment: Mapping[str, str]) -> LendingSettings:
    """Read and check all settings.

    Raises
    ------
    DeclarationError
        If any is wrong: the message names every faulty variable.
    """
    listening, listening_faults = listening_from(environment, DEFAULT_PORT)
    access, access_faults = access_from(environment, listening)
    database_url, database_faults = _database_url(environment)
    connections, connection_faults = _connections(environment)
    scoring_url, scoring_faults = _scoring_url(environment.get("SCORING_URL", ""))
    timeout, timeout_faults = parse_number(
        "SCORING_TIMEOUT_SECONDS", environment.get("SCORING_TIMEOUT_SECONDS", "")
    )
    kyc_key, kyc_faults = _kyc_key(environment, listening)
    model = environment.get("SCORING_MODEL") or DEFAULT_MODEL
    checks, check_faults = checks_from(environment, model)
    lender, lender_faults = _lender(environment)
    box, box_faults = secret_box_from(environment)
    reject_wrong_settings(
        [
            *(*listening_faults, *access_faults, *database_faults, *connection_faults),
            *(*scoring_faults, *timeout_faults, *kyc_faults, *check_faults, *lender_faults),
            *box_faults,
        ]
    )
    return LendingSettings(
        listening=listening,
        access=access,
        database_url=database_url,
        connections=connections,
        scoring_url=scoring_url,
        scoring_key=environment.get("SCORING_KEY") or None,
        scoring_model=model,
        scoring_timeout=timeout or DEFAULT_TIMEOUT_SECONDS,
        kyc_key=kyc_key,
        checks=checks,
        lender=lender,
        box=box,
    )


def _database_url(environment: Mapping[str, str]) -> tuple[str, Faults]:
    text = environment.get("DATABASE_URL", "")
    try:
        url = make_url(text)
    except ArgumentError:
        url = make_url("unreadable://")
    if url.get_backend_name() != "postgresql":  # it may hold a password: it is not repeated
        return "", ["DATABASE_URL: must be postgresql://user@host/name"]
    return text, [f"DATABASE_URL: {fault}" for fault in faults_in_url(url)]


def _connections(environment: Mapping[str, str]) -> tuple[int, Faults]:
    text = environment.get("DATABASE_CONNECTIONS") or str(DEFAULT_CONNECTIONS)
    if not re.fullmatch(r"\d{1,3}", text, re.ASCII) or not 1 <= int(text) <= MOST_CONNECTIONS:
        rule = f"must be a number from 1 to {MOST_CONNECTIONS}, not {text!r}"
        return DEFAULT_CONNECTIONS, [f"DATABASE_CONNECTIONS: {rule}"]
    return int(text), []


def _scoring_url(text: str) -> tuple[str | None, Faults]:
    """Applications go to this address, so it must encrypt, or be this machine."""
    if not text:
        return None, []
    match = ADDRESS.fullmatch(text.rstrip("/"))
    if not match or (match[1] == "http" and not is_loopback(match[2])):
        return None, [f"SCORING_URL: must be https://host, or http:// on loopback, not {text!r}"]
    return text.rstrip("/"), []


def _kyc_key(environment: Mapping[str, str], listening: Listening) -> tuple[bytes, Faults]:
    text = environment.get("KYC_KEY", "").strip()
    if not text and listening.is_loopback:
        return LOCAL_KYC_KEY.encode(), []
    if len(text) < FEWEST_KEY_CHARACTERS:
        rule = f"must be a secret of at least {FEWEST_KEY_CHARACTERS} characters"
        return b"", [f"KYC_KEY: {rule}"]
    return text.encode(), []


def _lender(environment: Mapping[str, str]) -> tuple[Lender | None, Faults]:
    names = ("LENDER_NAME", "LENDER_ADDRESS", "LENDER_AGENCY")
    values = {name: environment.get(name, "").strip() for name in names}
    if not any(values.values()):
        return None, []
    faults = [f"{n}: is required beside the others" for n, value in values.items() if not value]
    name, address, agency = values.values()
    return Lender(name=name, address=address, agency=agency), faults
