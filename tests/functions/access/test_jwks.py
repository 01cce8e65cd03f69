import asyncio
import json
from pathlib import Path

import pytest
from joserfc.jwk import RSAKey

from functions.access.jwks import (
    FRESH_SECONDS,
    PAUSE_SECONDS,
    USABLE_SECONDS,
    JwksCache,
    read_jwks,
)
from functions.access.principal import CannotAuthenticateError
from tests.functions.access.conftest import Issuer


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(issuer: Issuer, clock: Clock) -> JwksCache:
    return JwksCache(issuer.url, clock)


@pytest.mark.anyio
async def test_fifty_requests_at_once_ask_the_issuer_once(issuer: Issuer, keys: JwksCache) -> None:
    await asyncio.gather(*(keys.find("rsa") for _ in range(50)))
    assert issuer.requests == 1


@pytest.mark.anyio
async def test_keys_are_asked_for_again_when_they_are_no_longer_fresh(
    issuer: Issuer, keys: JwksCache, clock: Clock
) -> None:
    await keys.find("rsa")
    clock.seconds += FRESH_SECONDS - 1
    await keys.find("rsa")
    assert issuer.requests == 1
    del issuer.keys["rsa"]
    clock.seconds += 2
    with pytest.raises(ValueError, match="no such signing key"):
        await keys.find("rsa")
    assert issuer.requests == 2


@pytest.mark.anyio
async def test_a_new_key_is_found_at_once_but_made_up_ones_ask_twice_a_minute_at_most(
    issuer: Issuer, keys: JwksCache, clock: Clock
) -> None:
    await keys.find("rsa")
    issuer.keys["new"] = RSAKey.generate_key(2048)
    clock.seconds += PAUSE_SECONDS
    await keys.find("new")
    assert issuer.requests == 2
    for i in range(100):
        with pytest.raises(ValueError, match="no such signing key"):
            await keys.find(f"made up {i}")
    assert issuer.requests == 2


@pytest.mark.anyio
async def test_an_issuer_that_is_down_stops_nobody_for_an_hour_and_is_asked_ever_less_often(
    issuer: Issuer, keys: JwksCache, clock: Clock
) -> None:
    await keys.find("rsa")
    issuer.status = 503
    began = clock.seconds
    while clock.seconds < began + USABLE_SECONDS - 1:
        await keys.find("rsa")
        clock.seconds += 1
    outage = USABLE_SECONDS - FRESH_SECONDS
    assert outage / PAUSE_SECONDS <= issuer.requests < outage / PAUSE_SECONDS + 8
    clock.seconds = began + USABLE_SECONDS
    with pytest.raises(CannotAuthenticateError):
        await keys.find("rsa")
    issuer.status = 200
    clock.seconds += PAUSE_SECONDS
    await keys.find("rsa")


@pytest.mark.anyio
async def test_a_token_without_a_key_name_means_the_only_key(
    issuer: Issuer, keys: JwksCache, clock: Clock
) -> None:
    with pytest.raises(ValueError, match="no such"):
        await keys.find(None)
    issuer.keys = {"rsa": issuer.keys["rsa"]}
    clock.seconds += FRESH_SECONDS + 1
    assert await keys.find(None) == await keys.find("rsa")


def test_only_signing_keys_of_an_asymmetric_kind_are_taken(issuer: Issuer, tmp_path: Path) -> None:
    listed = issuer.jwks()["keys"]
    listed += [
        {"kty": "oct", "kid": "password", "k": "c2VjcmV0"},
        listed[0] | {"kid": "sealing", "use": "enc"},
        {"kty": "EC", "kid": "broken"},
        {"kty": "PQ", "kid": "later"},
        "nothing",
    ]
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": listed}))
    assert set(read_jwks(str(path))) == {"rsa", "ec", "okp"}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"keys": {}}', "<html>"])
def test_what_is_no_key_set_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"."):
        read_jwks(str(path))
