"""Settings of the dashboard, read once from the environment and checked as a whole."""

import os
import re
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from functions.access.settings import Access, access_from
from functions.dashboard.texts import LANGUAGES
from functions.web.settings import (
    Faults,
    Listening,
    Variable,
    is_loopback,
    listening_from,
    reject_wrong_settings,
)

DEFAULT_PORT = 8501
DEFAULT_ZONE = "Asia/Kolkata"
FEWEST_SECRET_CHARACTERS = 32
ADDRESS = re.compile(r"(https?)://([A-Za-z0-9.-]+)(:\d{1,5})?(/\S*)?")

SentToken = Literal["access", "id"]
Grouping = Literal["indian", "international"]
Identity = Literal["none", "google"]

NOTICES = ("us_ecoa", "us_ecoa_fcra", "eu_ccd2", "in_fair_practices")

DASHBOARD_VARIABLES = (
    Variable("LENDING_URL", "required", "Address of the loan book: https, or http on loopback."),
    Variable(
        "DASHBOARD_SCORING_URL",
        "none: pages that ask it are left out",
        "Address of the scoring function: https, or http on loopback.",
    ),
    Variable(
        "DASHBOARD_BATCH_URL",
        "none: the page of batches is left out",
        "Address of the batch function: https, or http on loopback.",
    ),
    Variable(
        "DASHBOARD_RETRAIN_URL",
        "none: the registry shows commands that move the champion",
        "Address of the retraining function: https, or http on loopback.",
    ),
    Variable(
        "DASHBOARD_URL",
        "`http://localhost:8501`",
        "Address at which people open the dashboard; the issuer sends them back to it.",
    ),
    Variable(
        "OIDC_METADATA_URL",
        "required",
        "The issuer's metadata: https://issuer/.well-known/openid-configuration.",
    ),
    Variable("OIDC_CLIENT_ID", "required", "The dashboard's name at the issuer."),
    Variable("OIDC_CLIENT_SECRET", "required", "The dashboard's secret at the issuer."),
    Variable(
        "OIDC_SCOPE",
        "`openid profile email`",
        "Scopes requested of the issuer, so that the token has roles and audience of the APIs.",
    ),
    Variable(
        "OIDC_TOKEN",
        "`access`",
        "The token that the APIs receive, `access` or `id`; `id` where access tokens are opaque.",
    ),
    Variable(
        "COOKIE_SECRET",
        "required",
        f"Secret of at least {FEWEST_SECRET_CHARACTERS} characters that cookies are signed with, "
        "the same for all instances.",
    ),
    Variable(
        "DASHBOARD_IDENTITY",
        "`none`",
        "`google` sends a Google ID token of the dashboard's own account beside the user's, for "
        "services whose callers Cloud Run checks.",
    ),
    Variable("SIGN_IN_NOTICE", "none", "A sentence shown before signing in."),
    Variable("BUSINESS_TIME_ZONE", f"`{DEFAULT_ZONE}`", "The zone beside the business date."),
    Variable("DIGIT_GROUPING", "`indian`", "`indian` (12,34,567) or `international` (1,234,567)."),
    Variable(
        "NOTICE_TEMPLATE",
        "none: a decision and its reasons as text",
        f"Template of the loan book for notices of declined applications: {', '.join(NOTICES)}.",
    ),
    Variable("DASHBOARD_LANGUAGE", "`en`", "Language of the pages: a file of texts."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """Where people sign in, and which of their tokens the APIs receive."""

    metadata_url: str
    client_id: str
    client_secret: str = field(repr=False)
    cookie_secret: str = field(repr=False)
    scope: str = "openid profile email"
    token: SentToken = "access"  # noqa: S105 -- a kind
    notice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Display:
    """How dates, digits and words are shown."""

    zone: str = DEFAULT_ZONE
    grouping: Grouping = "indian"
    language: str = "en"
    notice_template: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardSettings:
    """Everything that may differ between two deployments."""

    listening: Listening
    access: Access
    lending_url: str
    scoring_url: str | None
    batch_url: str | None
    retrain_url: str | None
    has_identity: bool
    url: str
    sign_in: SignIn
    display: Display
    roles_claim: str


def read_settings() -> DashboardSettings:
    """Read the settings of this process."""
    return settings_from(os.environ)


def settings_from(environment: Mapping[str, str]) -> DashboardSettings:
    """Read and check all settings.

    Raises
    ------
    DeclarationError
        If any is wrong: the message names every faulty variable.
    """
    listening, listening_faults = listening_from(environment, DEFAULT_PORT)
    access, access_faults = access_from(environment, listening)
    lending_url, lending_faults = _address(environment, "LENDING_URL")
    scoring_url, scoring_faults = _optional_address(environment, "DASHBOARD_SCORING_URL")
    batch_url, batch_faults = _optional_address(environment, "DASHBOARD_BATCH_URL")
    retrain_url, retrain_faults = _optional_address(environment, "DASHBOARD_RETRAIN_URL")
    url, url_faults = _address({"DASHBOARD_URL": _url(environment)}, "DASHBOARD_URL")
    identity, identity_faults = _choice(environment, "DASHBOARD_IDENTITY", get_args(Identity))
    sign_in, sign_in_faults = _sign_in(environment)
    display, display_faults = _display(environment)
    reject_wrong_settings(
        [
            *(*listening_faults, *access_faults, *lending_faults, *scoring_faults, *url_faults),
            *(*batch_faults, *retrain_faults, *sign_in_faults, *display_faults),
            *identity_faults,
        ]
    )
    return DashboardSettings(
        listening=listening,
        access=access,
        lending_url=lending_url,
        scoring_url=scoring_url,
        batch_url=batch_url,
        retrain_url=retrain_url,
        has_identity=identity == "google",
        url=url,
        sign_in=sign_in,
        display=display,
        roles_claim=environment.get("JWT_ROLES_CLAIM") or "roles",
    )


def settings_by_concern() -> dict[str, list[dict[str, str]]]:
    """List the variables of the dashboard."""
    return {"Dashboard": [variable._asdict() for variable in DASHBOARD_VARIABLES]}


def _url(environment: Mapping[str, str]) -> str:
    return environment.get("DASHBOARD_URL") or f"http://localhost:{DEFAULT_PORT}"


def _optional_address(environment: Mapping[str, str], name: str) -> tuple[str | None, Faults]:
    return _address(environment, name) if environment.get(name) else (None, [])


def _address(environment: Mapping[str, str], name: str) -> tuple[str, Faults]:
    """Tokens go to this address, so it must encrypt, or be this machine."""
    text = environment.get(name, "").rstrip("/")
    match = ADDRESS.fullmatch(text)
    if not match or (match[1] == "http" and not is_loopback(match[2])):
        return "", [f"{name}: must be https://host, or http:// on loopback, not {text!r}"]
    return text, []


def _sign_in(environment: Mapping[str, str]) -> tuple[SignIn, Faults]:
    metadata_url, faults = _address(environment, "OIDC_METADATA_URL")
    required = ("OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET")
    faults += [f"{name}: must be set" for name in required if not environment.get(name)]
    secret = environment.get("COOKIE_SECRET", "").strip()
    if len(secret) < FEWEST_SECRET_CHARACTERS:
        rule = f"must be a secret of at least {FEWEST_SECRET_CHARACTERS} characters"
        faults.append(f"COOKIE_SECRET: {rule}")
    token, token_faults = _choice(environment, "OIDC_TOKEN", get_args(SentToken))
    sign_in = SignIn(
        metadata_url=metadata_url,
        client_id=environment.get("OIDC_CLIENT_ID", ""),
        client_secret=environment.get("OIDC_CLIENT_SECRET", ""),
        cookie_secret=secret,
        scope=environment.get("OIDC_SCOPE") or "openid profile email",
        token="id" if token == "id" else "access",  # noqa: S105 -- a kind
        notice=environment.get("SIGN_IN_NOTICE", ""),
    )
    return sign_in, [*faults, *token_faults]


def _display(environment: Mapping[str, str]) -> tuple[Display, Faults]:
    zone = environment.get("BUSINESS_TIME_ZONE") or DEFAULT_ZONE
    faults = []
    if zone not in zoneinfo.available_timezones():
        faults.append(f"BUSINESS_TIME_ZONE: must be a zone such as {DEFAULT_ZONE}, not {zone!r}")
    grouping, grouping_faults = _choice(environment, "DIGIT_GROUPING", get_args(Grouping))
    language, language_faults = _choice(environment, "DASHBOARD_LANGUAGE", LANGUAGES)
    notice, notice_faults = _choice(environment, "NOTICE_TEMPLATE", ("", *NOTICES))
    display = Display(
        zone=zone,
        notice_template=notice,
        grouping="international" if grouping == "international" else "indian",
        language=language,
    )
    return display, [*faults, *grouping_faults, *language_faults, *notice_faults]


def _choice(
    environment: Mapping[str, str], name: str, choices: tuple[str, ...]
) -> tuple[str, Faults]:
    text = environment.get(name) or choices[0]
    if text in choices:
        return text, []
    return choices[0], [f"{name}: must be {' or '.join(filter(None, choices))}, not {text!r}"]
