"""The settings of access: keys, tokens, rates, origins.

`AUTH` itself is read where the server's address is, because one bounds the other.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from functions.access.client_address import is_loopback
from functions.access.rate_limit import RATE_FORM, Rate, rate_from

Auth = Literal["none", "iam", "api-key", "jwt"]

ALGORITHMS = ("RS256", "ES256", "EdDSA", "Ed25519")  # the last two are one, renamed by RFC 9864
DEFAULT_RATE = Rate(600, 60)
LEAST_PEPPER = 32
MOST_HOPS = 9
ORIGIN = re.compile(r"(https?)://([a-z0-9.-]+)(:\d{1,5})?", re.ASCII)
URL = re.compile(r"(https?)://([A-Za-z0-9.-]+)(:\d{1,5})?/\S*", re.ASCII)


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
    """How callers are known and counted, and which pages may call from a browser.

    `forwarded_hops` is how many proxies of ours stand in front, each of which appends to
    `X-Forwarded-For`.
    """

    keys: KeyRules | None = None
    tokens: TokenRules | None = None
    rate: Rate | None = None
    origins: tuple[str, ...] = ()
    forwarded_hops: int = 0

    @property
    def is_guarded(self) -> bool:
        """Something is asked of callers here, rather than in front of the server."""
        return bool(self.keys or self.tokens or self.rate)


def access_from(environment: Mapping[str, str], auth: Auth, faults: list[str]) -> Access:
    """Read what `auth` needs, and the rates and origins that it may have."""
    hops = environment.get("FORWARDED_HOPS") or ("1" if "K_SERVICE" in environment else "0")
    if not re.fullmatch(r"\d", hops, re.ASCII):
        faults.append(f"FORWARDED_HOPS: must be a number from 0 to {MOST_HOPS}, not {hops!r}")
        hops = "0"
    is_ours = auth in {"api-key", "jwt"}
    return Access(
        keys=_keys(environment, faults) if auth == "api-key" else None,
        tokens=_tokens(environment, faults) if auth == "jwt" else None,
        rate=_rate(environment.get("RATE_LIMIT", ""), faults, DEFAULT_RATE if is_ours else None),
        origins=_origins(environment.get("CORS_ORIGINS", ""), faults),
        forwarded_hops=int(hops),
    )


def read_pepper(faults: list[str]) -> bytes:
    """Read the pepper of this process."""
    return pepper_from(os.environ, faults)


def pepper_from(environment: Mapping[str, str], faults: list[str]) -> bytes:
    """Read what keys the hashes of API keys."""
    pepper = environment.get("API_KEY_PEPPER", "").strip()
    if len(pepper) < LEAST_PEPPER:
        faults.append(f"API_KEY_PEPPER: must be a secret of at least {LEAST_PEPPER} characters")
    return pepper.encode()


def _keys(environment: Mapping[str, str], faults: list[str]) -> KeyRules:
    from functions.access.api_keys import faults_of, is_content, text_of  # noqa: PLC0415 -- with AUTH=api-key alone

    source = environment.get("API_KEYS", "")
    if not is_content(source) and not Path(source).is_file():
        faults.append("API_KEYS: must be the path of a file of keys, or the keys themselves")
    else:
        faults += [f"API_KEYS: {fault}" for fault in faults_of(text_of(source))]
    return KeyRules(source=source, pepper=pepper_from(environment, faults))


def _tokens(environment: Mapping[str, str], faults: list[str]) -> TokenRules:
    issuer = environment.get("JWT_ISSUER", "")
    audience = environment.get("JWT_AUDIENCE", "")
    for name, text in (("JWT_ISSUER", issuer), ("JWT_AUDIENCE", audience)):
        if not text:
            faults.append(f"{name}: must be set when AUTH is jwt")
    algorithms = _listed(environment.get("JWT_ALGORITHMS", "")) or ALGORITHMS
    if not set(algorithms) <= set(ALGORITHMS):
        faults.append(f"JWT_ALGORITHMS: must be some of {', '.join(ALGORITHMS)}")
    return TokenRules(
        issuer=issuer,
        audience=audience,
        jwks=_jwks(environment.get("JWT_JWKS", ""), faults),
        algorithms=algorithms,
        roles_claim=environment.get("JWT_ROLES_CLAIM") or "roles",
    )


def _jwks(text: str, faults: list[str]) -> str:
    """Whoever can change what stands there can sign: it is encrypted, or on this machine."""
    found = URL.fullmatch(text)
    is_safe = found[1] == "https" or is_loopback(found[2]) if found else Path(text).is_file()
    if not is_safe:
        form = "https://host/path, http:// on loopback, or the path of a file"
        faults.append(f"JWT_JWKS: must be {form}, not {text!r}")
    return text


def _rate(text: str, faults: list[str], default: Rate | None) -> Rate | None:
    if text in {"", "off"}:
        return None if text else default
    rate = rate_from(text)
    if rate is None:
        faults.append(f"RATE_LIMIT: must be off, or {RATE_FORM}, not {text!r}")
    return rate


def _origins(text: str, faults: list[str]) -> tuple[str, ...]:
    origins = _listed(text)
    for origin in origins:
        found = ORIGIN.fullmatch(origin)
        if not found or (found[1] == "http" and not is_loopback(found[2])):
            form = "https://host, or http:// on loopback, without a path"
            faults.append(f"CORS_ORIGINS: must be {form}, not {origin!r}")
    return origins


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
