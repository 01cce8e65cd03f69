"""The issuer's public keys (JWKS): cached, and refreshed by one request at a time."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import requests
from joserfc.errors import JoseError
from joserfc.jwk import Key, import_key

from functions.access.principal import CannotAuthenticateError
from functions.web.logs import log

FRESH_SECONDS = 600.0
USABLE_SECONDS = 3_600.0  # an issuer that is down locks nobody out for that long
PAUSE_SECONDS = 30.0  # between two refreshes, however many unknown keys tokens name
TIMEOUT_SECONDS = (2, 3)  # to connect, between two bytes
ASYMMETRIC = ("RSA", "EC", "OKP")


class JwksCache:
    """Keys by their `kid`."""

    def __init__(self, source: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._clock = clock
        self._keys: Mapping[str, Key] = {}
        self._read_at = -USABLE_SECONDS
        self._refresh_from = 0.0
        self._failures = 0
        self._refreshing = asyncio.Lock()

    async def find(self, kid: object) -> Key:
        """Return the key of this id; a token without an id means the only one.

        Raises
        ------
        ValueError
            If there is no such key.
        CannotAuthenticateError
            If the keys cannot be read.
        """
        is_stale = self._age() > FRESH_SECONDS and not self._refreshing.locked()
        if not self._is_usable(kid) or is_stale:
            await self._refresh(kid)
        if self._age() >= USABLE_SECONDS:
            message = "the token issuer's keys cannot be read"
            retry_after = max(1, round(self._refresh_from - self._clock()))
            raise CannotAuthenticateError(message, retry_after)
        key = self._get(kid)
        if key is None:
            message = "no such signing key"
            raise ValueError(message)
        return key

    async def _refresh(self, kid: object) -> None:
        async with self._refreshing:
            is_done = self._is_usable(kid) and self._age() <= FRESH_SECONDS
            if is_done or self._clock() < self._refresh_from:
                return
            try:
                self._keys = await asyncio.to_thread(read_jwks, self._source)
            except (OSError, ValueError) as error:
                self._failures += 1
                self._refresh_from = self._clock() + min(2.0**self._failures, PAUSE_SECONDS)
                message = "the token issuer's keys cannot be read"
                log("ERROR", message, cause=type(error).__name__)
                return
            self._failures = 0
            self._read_at = self._clock()
            self._refresh_from = self._read_at + PAUSE_SECONDS

    def _age(self) -> float:
        return self._clock() - self._read_at

    def _is_usable(self, kid: object) -> bool:
        return self._get(kid) is not None and self._age() < USABLE_SECONDS

    def _get(self, kid: object) -> Key | None:
        if kid is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(kid) if isinstance(kid, str) else None


def read_jwks(source: str) -> Mapping[str, Key]:
    """Read public keys from a URL or a file.

    Raises
    ------
    OSError, ValueError
        If there is no response, or not one that holds keys.
    """
    document = _fetch(source) if "://" in source else json.loads(Path(source).read_bytes())
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        message = "no JSON Web Key Set"
        raise ValueError(message)  # noqa: TRY004 -- of a document, not of an argument
    keys = [
        (entry.get("kid", ""), _parse_key(entry)) for entry in entries if isinstance(entry, dict)
    ]
    return {str(kid): key for kid, key in keys if key is not None}


def _fetch(url: str) -> Any:  # noqa: ANN401 -- JSON may be anything
    response = requests.get(url, timeout=TIMEOUT_SECONDS, allow_redirects=False)
    if response.status_code != requests.codes.ok:
        message = f"answered {response.status_code}"
        raise ValueError(message)
    return response.json()


def _parse_key(entry: dict[str, Any]) -> Key | None:
    """Parse a signing key of a kind we support; an issuer may list others beside it."""
    if entry.get("kty") not in ASYMMETRIC or entry.get("use", "sig") != "sig":
        return None
    try:
        return import_key(entry)
    except (JoseError, ValueError):
        return None
