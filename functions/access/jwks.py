"""The issuer's public keys (JWKS): kept for a while, asked for anew by one request at a time."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import requests
from joserfc.errors import JoseError
from joserfc.jwk import Key, import_key

from functions.web.logs import log
from functions.web.problems import CannotCheckError

FRESH_SECONDS = 600.0
USABLE_SECONDS = 3_600.0  # an issuer that is down stops nobody for so long
PAUSE_SECONDS = 30.0  # between two looks, however many unknown keys are named
TIMEOUT_SECONDS = (2, 3)  # to connect, between two bytes
ASYMMETRIC = ("RSA", "EC", "OKP")


class JwksCache:
    """Keys by their `kid`."""

    def __init__(self, source: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._clock = clock
        self._keys: Mapping[str, Key] = {}
        self._read_at = -USABLE_SECONDS
        self._look_from = 0.0
        self._failures = 0
        self._looking = asyncio.Lock()

    async def find(self, kid: object) -> Key:
        """The key of this name; a token without a name means the only one.

        Raises
        ------
        ValueError
            There is none.
        CannotCheckError
            It cannot be known which there are.
        """
        if not self._has(kid) or (self._age() > FRESH_SECONDS and not self._looking.locked()):
            await self._look(kid)
        if self._age() >= USABLE_SECONDS:
            message = "the token issuer's keys cannot be had"
            raise CannotCheckError(message, max(1, round(self._look_from - self._clock())))
        key = self._named(kid)
        if key is None:
            message = "no such signing key"
            raise ValueError(message)
        return key

    async def _look(self, kid: object) -> None:
        async with self._looking:
            is_answered = self._has(kid) and self._age() <= FRESH_SECONDS
            if is_answered or self._clock() < self._look_from:
                return
            try:
                self._keys = await asyncio.to_thread(read_jwks, self._source)
            except (OSError, ValueError) as error:
                self._failures += 1
                self._look_from = self._clock() + min(2.0**self._failures, PAUSE_SECONDS)
                log("ERROR", "the token issuer's keys cannot be had", cause=type(error).__name__)
                return
            self._failures = 0
            self._read_at = self._clock()
            self._look_from = self._read_at + PAUSE_SECONDS

    def _age(self) -> float:
        return self._clock() - self._read_at

    def _has(self, kid: object) -> bool:
        return self._named(kid) is not None and self._age() < USABLE_SECONDS

    def _named(self, kid: object) -> Key | None:
        if kid is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(kid) if isinstance(kid, str) else None


def read_jwks(source: str) -> Mapping[str, Key]:
    """Read public keys from a URL or a file.

    Raises
    ------
    OSError, ValueError
        There is no answer, or not one that holds keys.
    """
    document = _fetched(source) if "://" in source else json.loads(Path(source).read_bytes())
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        message = "no JSON Web Key Set"
        raise ValueError(message)  # noqa: TRY004 -- of a document, not of an argument
    found = [(said.get("kid", ""), _key(said)) for said in listed if isinstance(said, dict)]
    return {str(kid): key for kid, key in found if key is not None}


def _fetched(url: str) -> Any:  # noqa: ANN401 -- JSON may be anything
    answer = requests.get(url, timeout=TIMEOUT_SECONDS, allow_redirects=False)
    if answer.status_code != requests.codes.ok:
        message = f"answered {answer.status_code}"
        raise ValueError(message)
    return answer.json()


def _key(said: dict[str, Any]) -> Key | None:
    """A key of a kind we know for signatures; an issuer may list others beside it."""
    if said.get("kty") not in ASYMMETRIC or said.get("use", "sig") != "sig":
        return None
    try:
        return import_key(said)
    except (JoseError, ValueError):
        return None
