import asyncio
import contextlib
import json
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer

import pytest
from joserfc.jwk import RSAKey

from functions.access.jwks import (
    FRESH_SECONDS,
    MAX_BYTES,
    MAX_FETCHES,
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
async def test_an_empty_set_is_not_taken_for_the_issuers_keys(
    issuer: Issuer, keys: JwksCache, clock: Clock
) -> None:
    await keys.find("rsa")
    issuer.keys.clear()
    clock.seconds += FRESH_SECONDS + 1
    await keys.find("rsa")
    assert issuer.requests == 2


DRIPPING = {
    "headers": b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 1_000,
    "a body": b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b" " * 1_000,
    "nothing": b"",
}


@pytest.fixture(params=DRIPPING)
def dripping(request: pytest.FixtureRequest) -> Iterator[str]:
    """An issuer that never ends its response, a byte at a time; its address."""
    is_over = threading.Event()

    class Dripping(BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                for byte in DRIPPING[request.param]:
                    if is_over.wait(0.05):
                        return
                    self.request.sendall(bytes([byte]))
                is_over.wait(30)

    with ThreadingTCPServer(("127.0.0.1", 0), Dripping) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/jwks.json"
        is_over.set()
        server.shutdown()


@pytest.mark.anyio
async def test_an_issuer_that_never_ends_its_response_is_waited_for_no_longer_than_said(
    dripping: str, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.access.jwks.FETCH_SECONDS", 0.5)
    keys = JwksCache(dripping)
    begin = time.monotonic()
    answers = await asyncio.gather(*(keys.find("rsa") for _ in range(20)), return_exceptions=True)
    assert time.monotonic() - begin < 2
    assert {type(answer) for answer in answers} == {CannotAuthenticateError}
    keys._source = issuer.url  # noqa: SLF001 -- the issuer has recovered
    await asyncio.sleep(2)
    await keys.find("rsa")


@pytest.mark.anyio
async def test_fetches_that_never_end_do_not_pile_up(
    dripping: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.access.jwks.FETCH_SECONDS", 0.05)
    keys = JwksCache(dripping, clock)
    for _ in range(3 * MAX_FETCHES):
        clock.seconds += PAUSE_SECONDS
        with pytest.raises(CannotAuthenticateError):
            await keys.find("rsa")
    assert sum(thread.name == dripping for thread in threading.enumerate()) <= MAX_FETCHES


def test_a_response_is_not_read_beyond_its_limit(issuer: Issuer) -> None:
    many = {f"{number}": issuer.keys["rsa"] for number in range(2 * MAX_BYTES // 500)}
    issuer.keys = issuer.keys | many
    with pytest.raises(ValueError, match="not read within"):
        read_jwks(issuer.url)


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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is short
        short = RSAKey.generate_key(1024)
    listed += [
        {"kty": "oct", "kid": "password", "k": "c2VjcmV0"},
        listed[0] | {"kid": "sealing", "use": "enc"},
        {"kty": "EC", "kid": "broken"},
        {"kty": "PQ", "kid": "later"},
        short.as_dict(private=False, kid="short"),
        "nothing",
    ]
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": listed}))
    assert set(read_jwks(str(path))) == {"rsa", "ec", "okp"}


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"keys": {}}', "<html>", '{"keys": []}', '{"keys": [{"kty": "PQ"}]}']
)
def test_what_is_no_key_set_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"."):
        read_jwks(str(path))
