"""What tests of access share: an issuer with its keys, a token factory, an application to ask."""

import asyncio
import json
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from starlette.applications import Starlette

from functions.access.api_keys import new_key
from functions.access.scopes import Scope
from functions.scoring.app import create_app
from functions.scoring.settings import settings_from

PEPPER = "a pepper that only tests know, of 40 letters"
ISSUER = "https://issuer.example.com/"
AUDIENCE = "https://credit.example.com"


@dataclass
class Issuer:
    """An identity provider: keys by name, and a real server that publishes them."""

    keys: dict[str, Key]
    url: str = ""
    status: int = 200
    requests: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def jwks(self) -> dict[str, Any]:
        """The public halves."""
        return {"keys": [key.as_dict(private=False, kid=kid) for kid, key in self.keys.items()]}

    def token(self, kid: str = "rsa", alg: str = "RS256", **changes: Any) -> str:  # noqa: ANN401 -- a claim may be anything
        """A token for us; claims changed to None are left out."""
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "lender", "iat": now, "exp": now + 300}
        merged = {k: v for k, v in (claims | changes).items() if v is not None}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # EdDSA has another name since RFC 9864
            header = {"alg": alg, "kid": kid, "x-not-critical": 1}
            registry = JWSRegistry(algorithms=[alg], strict_check_header=False)
            return jwt.encode(header, merged, self.keys[kid], registry=registry)

    def settings(self) -> dict[str, str]:
        """What a server that trusts this issuer is told."""
        variables = {"AUTH": "jwt", "JWT_ISSUER": ISSUER, "JWT_AUDIENCE": AUDIENCE}
        return variables | {"JWT_JWKS": self.url, "NO_PROXY": "127.0.0.1"}


@pytest.fixture(scope="session")
def _keys() -> dict[str, Key]:
    return {
        "rsa": RSAKey.generate_key(2048),
        "ec": ECKey.generate_key("P-256"),
        "okp": OKPKey.generate_key("Ed25519"),
    }


@pytest.fixture
def issuer(_keys: dict[str, Key], monkeypatch: pytest.MonkeyPatch) -> Iterator[Issuer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    issuer = Issuer(dict(_keys))

    class Published(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with issuer.lock:
                issuer.requests += 1
            body = json.dumps(issuer.jwks()).encode()
            self.send_response(issuer.status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Published)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    issuer.url = f"http://127.0.0.1:{server.server_port}/jwks.json"
    yield issuer
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass(frozen=True)
class KeyFile:
    """A file of API keys, as an operator keeps it."""

    path: Path

    def add(self, *scopes: Scope, days: float = 1, limit: str | None = None) -> str:
        """Make a key and append its line."""
        expires = datetime.now(UTC) + timedelta(days=days)
        key, stored = new_key(
            name="lender", scopes=scopes, expires=expires, limit=limit, pepper=PEPPER.encode()
        )
        with self.path.open("a") as file:
            file.write(stored.model_dump_json() + "\n")
        return key

    def settings(self) -> dict[str, str]:
        """What a server that trusts these keys is told."""
        return {"AUTH": "api-key", "API_KEYS": str(self.path), "API_KEY_PEPPER": PEPPER}


@pytest.fixture
def key_file(tmp_path: Path) -> KeyFile:
    path = tmp_path / "keys.jsonl"
    path.touch()
    return KeyFile(path)


@dataclass(frozen=True)
class Asking:
    """An application in this process, and how to ask it."""

    app: Starlette

    def __call__(
        self,
        method: str,
        path: str,
        credential: str | None = None,
        headers: dict[str, str] | None = None,
        address: str = "192.0.2.1",
    ) -> httpx.Response:
        """Send one request; a body of half an object, so that nothing is ever done."""
        sent = {"Authorization": f"Bearer {credential}"} if credential is not None else {}
        content = b"{" if method == "POST" else None
        json_type = {"Content-Type": "application/json"} if content else {}

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, client=(address, 9))
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                variables = sent | json_type | (headers or {})
                return await client.request(method, path, content=content, headers=variables)

        return asyncio.run(ask())


@pytest.fixture
def scoring(tmp_path: Path) -> Callable[..., Asking]:
    """The scoring function with an empty model store, and the settings that are named."""

    def put_together(**environment: str) -> Asking:
        variables = {"MODEL_STORE": (tmp_path / "store").as_uri(), "DECISION_LOG": "off"}
        return Asking(create_app(settings_from(variables | environment)))

    return put_together
