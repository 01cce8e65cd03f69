"""Settings of access: who checks callers, keys, tokens, rates, origins."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from functions.access.rate_limit import RATE_FORM, Rate, rate_from_text
from functions.web.settings import Faults, Listening, Variable, is_loopback, split_list

Auth = Literal["none", "iam", "api-key", "jwt"]

AUTH_VALUES = "none, iam, api-key or jwt"
ALGORITHMS = ("RS256", "ES256", "EdDSA", "Ed25519")  # the last two are one, renamed by RFC 9864
DEFAULT_RATE = Rate(600, 60)
MIN_PEPPER_CHARACTERS = 32
MAX_HOPS = 9
ORIGIN = re.compile(r"(https?)://([a-z0-9.-]+)(:\d{1,5})?", re.ASCII)
URL = re.compile(r"(https?)://([A-Za-z0-9.-]+)(:\d{1,5})?/\S*", re.ASCII)

ACCESS_VARIABLES = (
    Variable(
        "AUTH",
        "`none` on loopback, otherwise required",
        "Who may call. `none`: anyone. `iam`: Cloud Run checks callers, so it is refused "
        "elsewhere. `api-key` or `jwt`: `Authorization: Bearer` with a key or token, checked here.",
    ),
    Variable(
        "API_KEYS",
        "required by `api-key`",
        "The stored keys, one JSON object a line, or the path of a file of them, which is "
        "followed as it changes.",
    ),
    Variable(
        "API_KEY_PEPPER",
        "required by `api-key`",
        f"Secret of at least {MIN_PEPPER_CHARACTERS} characters that the hashes of keys are "
        "keyed with.",
    ),
    Variable("JWT_ISSUER", "required by `jwt`", "Required `iss` of a token."),
    Variable("JWT_AUDIENCE", "required by `jwt`", "Required `aud` of a token."),
    Variable("JWT_JWKS", "required by `jwt`", "The issuer's public keys: an https URL, or a path."),
    Variable(
        "JWT_ALGORITHMS",
        f"`{','.join(ALGORITHMS)}`",
        "Which of these algorithms may sign, separated by commas.",
    ),
    Variable(
        "JWT_ROLES_CLAIM",
        "`roles`",
        "The claim that holds the roles `admin`, `officer`, `auditor` and `client`; a nested one "
        "by its path, such as `realm_access.roles`.",
    ),
    Variable(
        "RATE_LIMIT",
        "`600/minute` with `api-key` and `jwt`, otherwise `off`",
        "Requests that one instance answers per key, subject, or address without either. A "
        "key's own `limit` takes precedence.",
    ),
    Variable(
        "FORWARDED_HOPS",
        "`1` on Cloud Run, otherwise `0`",
        "Proxies in front that append to `X-Forwarded-For`: 2 with a load balancer before "
        "Cloud Run.",
    ),
    Variable(
        "CORS_ORIGINS",
        "none",
        "Origins, separated by commas, whose web pages may call from a browser.",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRules:
    """Where the stored keys are, as lines or as the path of a file, and what keys their hash."""

    source: str = field(repr=False)
    pepper: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRules:
    """What a token must say. `jwks` is where the issuer's public keys are: a URL or a path."""

    issuer: str
    audience: str
    jwks: str
    algorithms: tuple[str, ...]
    roles_claim: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How callers are authenticated and counted, and which pages may call from a browser.

    `forwarded_hops` is how many proxies of ours stand in front, each of which appends to
    `X-Forwarded-For`.
    """

    auth: Auth = "none"
    keys: KeyRules | None = None
    tokens: TokenRules | None = None
    rate: Rate | None = None
    origins: tuple[str, ...] = ()
    forwarded_hops: int = 0

    @property
    def checks_callers(self) -> bool:
        """Whether anything is required of callers here, rather than in front of the server."""
        return bool(self.keys or self.tokens or self.rate)


def access_from(environment: Mapping[str, str], listening: Listening) -> tuple[Access, Faults]:
    """Read `AUTH`, what it needs, and the rates and origins."""
    auth, auth_faults = _auth(environment, listening)
    hops, hops_faults = _hops(environment)
    is_checked_here = auth in {"api-key", "jwt"}
    keys, key_faults = _keys(environment) if auth == "api-key" else (None, [])
    tokens, token_faults = _tokens(environment) if auth == "jwt" else (None, [])
    default_rate = DEFAULT_RATE if is_checked_here else None
    rate, rate_faults = _rate(environment.get("RATE_LIMIT", ""), default_rate)
    origins, origin_faults = _origins(environment.get("CORS_ORIGINS", ""))
    access = Access(
        auth=auth,
        keys=keys,
        tokens=tokens,
        rate=rate,
        origins=origins,
        forwarded_hops=hops,
    )
    return access, [
        *(*auth_faults, *hops_faults, *key_faults),
        *(*token_faults, *rate_faults, *origin_faults),
    ]


def read_pepper() -> tuple[bytes, Faults]:
    """Read the pepper of this process."""
    return pepper_from(os.environ)


def pepper_from(environment: Mapping[str, str]) -> tuple[bytes, Faults]:
    """Read the secret that the hashes of API keys are keyed with."""
    pepper = environment.get("API_KEY_PEPPER", "").strip()
    if len(pepper) < MIN_PEPPER_CHARACTERS:
        rule = f"must be a secret of at least {MIN_PEPPER_CHARACTERS} characters"
        return b"", [f"API_KEY_PEPPER: {rule}"]
    return pepper.encode(), []


def _auth(environment: Mapping[str, str], listening: Listening) -> tuple[Auth, Faults]:
    match environment.get("AUTH", ""):
        case ("none" | "api-key" | "jwt") as auth:
            return auth, []
        case "iam":
            if "K_SERVICE" not in environment:
                return "iam", ["AUTH: iam works only on Cloud Run: K_SERVICE is not set"]
            return "iam", []
        case "":
            if not listening.is_loopback:
                rule = f"must be set ({AUTH_VALUES}) when HOST is {listening.host}"
                return "none", [f"AUTH: {rule}"]
            return "none", []
        case other:
            return "none", [f"AUTH: must be {AUTH_VALUES}, not {other!r}"]


def _hops(environment: Mapping[str, str]) -> tuple[int, Faults]:
    text = environment.get("FORWARDED_HOPS") or ("1" if "K_SERVICE" in environment else "0")
    if not re.fullmatch(r"\d", text, re.ASCII):
        return 0, [f"FORWARDED_HOPS: must be a number from 0 to {MAX_HOPS}, not {text!r}"]
    return int(text), []


def _keys(environment: Mapping[str, str]) -> tuple[KeyRules, Faults]:
    # Only AUTH=api-key needs it.
    from functions.access.api_keys import faults_from_keys, read_keys  # noqa: PLC0415

    source = environment.get("API_KEYS", "").removeprefix("\ufeff")
    try:
        faults = [f"API_KEYS: {fault}" for fault in faults_from_keys(read_keys(source))]
    except (OSError, ValueError):
        faults = ["API_KEYS: must be the path of a readable file of keys, or the keys themselves"]
    pepper, pepper_faults = pepper_from(environment)
    return KeyRules(source=source, pepper=pepper), [*faults, *pepper_faults]


def _tokens(environment: Mapping[str, str]) -> tuple[TokenRules, Faults]:
    issuer, audience = environment.get("JWT_ISSUER", ""), environment.get("JWT_AUDIENCE", "")
    faults = [
        f"{name}: must be set when AUTH is jwt"
        for name, text in (("JWT_ISSUER", issuer), ("JWT_AUDIENCE", audience))
        if not text
    ]
    algorithms = split_list(environment.get("JWT_ALGORITHMS", "")) or ALGORITHMS
    if not set(algorithms) <= set(ALGORITHMS):
        faults.append(f"JWT_ALGORITHMS: must be some of {', '.join(ALGORITHMS)}")
    jwks = environment.get("JWT_JWKS", "")
    if not _is_safe_source(jwks):
        forms = "https://host/path, http:// on loopback, or the path of a file"
        faults.append(f"JWT_JWKS: must be {forms}, not {jwks!r}")
    elif "://" not in jwks:
        faults += _jwks_file(jwks)
    rules = TokenRules(
        issuer=issuer,
        audience=audience,
        jwks=jwks,
        algorithms=algorithms,
        roles_claim=environment.get("JWT_ROLES_CLAIM") or "roles",
    )
    return rules, faults


def _jwks_file(path: str) -> Faults:
    from functions.access.jwks import read_jwks  # noqa: PLC0415 -- only AUTH=jwt needs it

    try:
        read_jwks(path)
    except (OSError, ValueError) as error:
        return [f"JWT_JWKS: {path!r} cannot be used: {error}"]
    return []


def _is_safe_source(text: str) -> bool:
    """Whoever can change the keys can sign: they come encrypted, or from this machine."""
    match = URL.fullmatch(text)
    return match[1] == "https" or is_loopback(match[2]) if match else Path(text).is_file()


def _rate(text: str, default: Rate | None) -> tuple[Rate | None, Faults]:
    if text in {"", "off"}:
        return (None if text else default), []
    rate = rate_from_text(text)
    if rate is None:
        return None, [f"RATE_LIMIT: must be off, or {RATE_FORM}, not {text!r}"]
    return rate, []


def _origins(text: str) -> tuple[tuple[str, ...], Faults]:
    origins = split_list(text)
    forms = "https://host, or http:// on loopback, without a path"
    faults = [
        f"CORS_ORIGINS: must be {forms}, not {origin!r}"
        for origin in origins
        if not _is_safe_origin(origin)
    ]
    return origins, faults


def _is_safe_origin(origin: str) -> bool:
    match = ORIGIN.fullmatch(origin)
    return match is not None and (match[1] == "https" or is_loopback(match[2]))
