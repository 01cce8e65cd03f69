"""The issuer's public keys (JWKS): cached, and refreshed by one request at a time."""

import asyncio
import json
import threading
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from concurrent.futures import Future
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
LOCKED_OUT_PAUSE_SECONDS = 4.0  # the same while nobody can be authenticated
TIMEOUT_SECONDS = (2, 3)  # to connect, between two bytes
FETCH_SECONDS = 5.0  # for the whole response
MAX_FETCHES = 4  # that did not end in time and still run
MAX_BYTES = 512 * 1024
CHUNK_BYTES = 16 * 1024
MIN_RSA_BITS = 2_048  # NIST SP 800-131A Rev. 2
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
                self._keys = await _in_thread(read_jwks, self._source)
            except (OSError, ValueError) as error:
                self._failures += 1
                is_locked_out = self._age() >= USABLE_SECONDS
                longest = LOCKED_OUT_PAUSE_SECONDS if is_locked_out else PAUSE_SECONDS
                self._refresh_from = self._clock() + min(2.0**self._failures, longest)
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


async def _in_thread(read: Callable[[str], Mapping[str, Key]], source: str) -> Mapping[str, Key]:
    """Read in a thread of its own, which is abandoned if it does not end in time.

    A timeout of the client limits only the wait for each packet, and headers may come in many.
    """
    if sum(thread.name == source for thread in threading.enumerate()) >= MAX_FETCHES:
        raise TimeoutError
    future: Future[Mapping[str, Key]] = Future()
    future.set_running_or_notify_cancel()  # nobody cancels it: the thread may settle it at any time

    def run() -> None:
        try:
            future.set_result(read(source))
        except Exception as error:  # noqa: BLE001 -- raised again where it is waited for
            future.set_exception(error)

    threading.Thread(target=run, name=source, daemon=True).start()
    return await asyncio.wait_for(asyncio.wrap_future(future), FETCH_SECONDS)


def read_jwks(source: str) -> Mapping[str, Key]:
    """Read public keys from a URL or a file.

    Raises
    ------
    OSError, ValueError
        If there is no response in time, or not one that holds a signing key.
    """
    document = json.loads(_fetch(source) if "://" in source else Path(source).read_bytes())
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        message = "no JSON Web Key Set"
        raise ValueError(message)  # noqa: TRY004 -- of a document, not of an argument
    keys = [
        (entry.get("kid", ""), _parse_key(entry)) for entry in entries if isinstance(entry, dict)
    ]
    usable = {str(kid): key for kid, key in keys if key is not None}
    if not usable:
        message = f"no signing key: RSA of at least {MIN_RSA_BITS} bits, EC or OKP"
        raise ValueError(message)
    return usable


def _fetch(url: str) -> bytes:
    ends = time.monotonic() + FETCH_SECONDS
    with requests.get(url, timeout=TIMEOUT_SECONDS, allow_redirects=False, stream=True) as response:
        if response.status_code != requests.codes.ok:
            message = f"answered {response.status_code}"
            raise ValueError(message)
        body = b""
        while chunk := response.raw.read1(CHUNK_BYTES, decode_content=True):
            body += chunk
            if len(body) > MAX_BYTES or time.monotonic() > ends:
                message = f"not read within {MAX_BYTES} bytes and {FETCH_SECONDS:g} s"
                raise ValueError(message)
        return body


def _parse_key(entry: dict[str, Any]) -> Key | None:
    """Parse a signing key of a kind we support; an issuer may list others beside it."""
    if entry.get("kty") not in ASYMMETRIC or entry.get("use", "sig") != "sig":
        return None
    try:
        if entry["kty"] == "RSA" and _bits(entry["n"]) < MIN_RSA_BITS:
            return None
        return import_key(entry)
    except (JoseError, KeyError, TypeError, ValueError):
        return None


def _bits(number: str) -> int:
    return int.from_bytes(urlsafe_b64decode(f"{number}==")).bit_length()
