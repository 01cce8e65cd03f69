"""ID tokens from a real metadata server's stand-in, by processes as they run in Google Cloud."""

import base64
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from functions.client import lending_endpoints as book
from functions.client.clients import Surety
from functions.client.credentials import PlatformCredential
from functions.client.endpoints import with_credential
from tests.functions.client.conftest import CLIENTS, ScriptedServer
from tests.support.running import REPOSITORY, free_port

AUDIENCE = "https://prod-scoring-123.a.run.app"
ACCOUNT = "lender@project.iam.gserviceaccount.com"
IDENTITY = "/computeMetadata/v1/instance/service-accounts/default/identity"

# google-auth reads where the metadata server is when it is imported.
ASKING = """
import asyncio, sys
from functions.client.credentials import google_id_token
from functions.client.clients import AsyncSurety, Surety

_, url, audience, client, times = sys.argv
credential = google_id_token(audience)

async def awaited():
    async with AsyncSurety(url, credential=credential) as surety:
        for _ in range(int(times)):
            await surety.models()

if client == "AsyncSurety":
    asyncio.run(awaited())
else:
    with Surety(url, credential=credential) as surety:
        for _ in range(int(times)):
            surety.models()
"""


@dataclass
class Metadata:
    """A metadata server whose ID tokens live for some seconds."""

    lives_seconds: float = 3600.0
    address: str = ""
    tokens: list[str] = field(default_factory=list)

    def token(self, audience: str) -> str:
        """A token for an audience; nobody here checks its signature."""
        ends = int(time.time() + self.lives_seconds)
        claims = {"aud": audience, "exp": ends, "n": len(self.tokens)}
        parts = [json.dumps(part).encode() for part in ({"alg": "RS256"}, claims, "signed")]
        self.tokens.append(b".".join(map(base64.urlsafe_b64encode, parts)).decode())
        return self.tokens[-1]


@pytest.fixture
def metadata() -> Iterator[Metadata]:
    made = Metadata()

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            kind, content = "text/plain", ""
            if parts.path == IDENTITY:
                content = made.token(parse_qs(parts.query)["audience"][0])
            elif parts.path.startswith("/computeMetadata/v1/instance/service-accounts/"):
                kind, content = "application/json", json.dumps({"email": ACCOUNT})
            self.send_response(200 if self.headers["metadata-flavor"] == "Google" else 403)
            self.send_header("metadata-flavor", "Google")
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content.encode())

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    made.address = f"127.0.0.1:{server.server_port}"
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


def run(url: str, client: str, times: int, metadata: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.defpath,
        "PYTHONPATH": str(REPOSITORY),
        "GCE_METADATA_HOST": metadata,
        "GCE_METADATA_IP": metadata,
        "GCE_METADATA_TIMEOUT": "1",
        "GCE_METADATA_DETECT_RETRIES": "1",
    }
    return subprocess.run(
        [sys.executable, "-c", ASKING, url, AUDIENCE, client, str(times)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def scoring(scripted_server: Callable[..., ScriptedServer]) -> ScriptedServer:
    return scripted_server((200, {}, b'{"models": [], "details": []}'))


@pytest.mark.parametrize("client", CLIENTS)
def test_a_token_is_fetched_once_and_sent_with_every_call(
    metadata: Metadata, scoring: ScriptedServer, client: str
) -> None:
    done = run(scoring.url, client, 3, metadata.address)
    assert done.returncode == 0, done.stderr
    [token] = metadata.tokens
    assert json.loads(base64.urlsafe_b64decode(token.split(".")[1]))["aud"] == AUDIENCE
    assert [sent["authorization"] for sent, _ in scoring.requests] == [f"Bearer {token}"] * 3


@pytest.mark.parametrize("client", CLIENTS)
def test_a_token_is_fetched_anew_before_it_expires(
    metadata: Metadata, scoring: ScriptedServer, client: str
) -> None:
    metadata.lives_seconds = 60  # still good for this call: not waited for until it is not
    done = run(scoring.url, client, 3, metadata.address)
    assert done.returncode == 0, done.stderr
    assert len(set(metadata.tokens)) == 3
    assert [sent["authorization"] for sent, _ in scoring.requests] == [
        f"Bearer {token}" for token in metadata.tokens
    ]


@pytest.mark.parametrize("client", CLIENTS)
def test_without_an_account_it_is_said_and_nothing_is_asked(
    scoring: ScriptedServer, client: str
) -> None:
    done = run(scoring.url, client, 1, f"127.0.0.1:{free_port()}")
    assert done.returncode == 1
    message = f"CredentialError: no ID token for {AUDIENCE}: DefaultCredentialsError"
    assert message in done.stderr.splitlines()[-1]
    assert scoring.requests == []


def test_the_platform_is_shown_its_own_token_beside_that_of_a_person(
    scripted_server: Callable[..., ScriptedServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = scripted_server((200, {"content-type": "application/json"}, b"{}"))
    with Surety(server.url, credential=PlatformCredential(lambda: "of-the-dashboard")) as surety:
        surety.request(with_credential(book.confirm("item_1", "key"), "of-the-person"))
    [(headers, _)] = server.requests
    assert headers["authorization"] == "Bearer of-the-person"
    assert headers["x-serverless-authorization"] == "Bearer of-the-dashboard"
