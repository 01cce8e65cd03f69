"""What tests of the client share: both clients as one, a real service, a server told what to do."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from functions.client.clients import AsyncSurety, Surety
from models.catalogue.application import Application
from tests.functions.access.conftest import _keys, issuer, key_file
from tests.support.published import ROWS
from tests.support.running import Server, running_server

__all__ = ["_keys", "issuer", "key_file"]

CLIENTS = ["Surety", "AsyncSurety"]
MISCONDUCT_SECONDS = 8.0  # so that a client without a deadline fails its test, not the run

Ask = Callable[..., Any]
Step = tuple[int, dict[str, str], bytes] | str

PREDICTION = {
    "probability_of_default": 0.1,
    "credit_score": 550,
    "risk_level": "low",
    "decision": "approve",
    "model": "application",
    "model_version": "20261121T014400Z-3f9ac2d01b7e",
    "variant": "champion",
    "family": "logistic",
}


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture(params=CLIENTS)
def ask(request: pytest.FixtureRequest) -> Ask:
    """Call one method of either client, made for this call."""

    def call_client(url: str, method: str, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 -- any method's
        made = {n: options.pop(n) for n in ("credential", "timeout", "retries") if n in options}
        if request.param == "Surety":
            with Surety(url, **made) as client:
                return getattr(client, method)(*arguments, **options)

        async def awaited() -> Any:  # noqa: ANN401 -- likewise
            async with AsyncSurety(url, **made) as client:
                return await getattr(client, method)(*arguments, **options)

        return asyncio.run(awaited())

    return call_client


@pytest.fixture(scope="session")
def service(made_store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The running scoring function, with models made by hand."""
    log_path = tmp_path_factory.mktemp("client") / "log"
    with running_server(
        log_path, MODEL_STORE=made_store, CREDIT_MODELS="tests.support.toy"
    ) as server:
        yield server


@pytest.fixture
def url(service: Server) -> str:
    return str(service.client.base_url)


@pytest.fixture
def application() -> Application:
    return Application.model_validate(ROWS["application"])


@dataclass
class ScriptedServer:
    """A real server that does, request by request, what it is told; the last step is repeated."""

    steps: list[Step]
    url: str = ""
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def step(self, headers: dict[str, str], body: bytes) -> Step:
        """Note a request, and tell what to do with it."""
        self.requests.append((headers, body))
        return self.steps[min(len(self.requests), len(self.steps)) - 1]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    script: ScriptedServer

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        headers = {name.lower(): value for name, value in self.headers.items()}
        step = self.script.step(headers, self.rfile.read(length))
        if isinstance(step, str):
            getattr(self, f"_{step}")()
            return
        status, sent, body = step
        self.send_response(status)
        for name, value in {"content-length": str(len(body)), **sent}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self.do_POST()

    def _close(self) -> None:
        self.close_connection = True

    def _stall(self) -> None:
        self.script.over.wait(MISCONDUCT_SECONDS)
        self.close_connection = True

    def _trickle(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "1000000")
        self.end_headers()
        self._drip(b" ")

    def _trickle_headers(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        self._drip(b"a")

    def _drip(self, byte: bytes) -> None:
        end = time.monotonic() + MISCONDUCT_SECONDS
        try:
            while not self.script.over.wait(0.02) and time.monotonic() < end:
                self.wfile.write(byte)
        except OSError:
            pass  # the client has gone, as it should
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def scripted_server() -> Iterator[Callable[..., ScriptedServer]]:
    """Start such servers, on a port of the system's choice or a given one."""
    running: list[tuple[ScriptedServer, ThreadingHTTPServer, threading.Thread]] = []

    def start(*steps: Step, port: int = 0) -> ScriptedServer:
        made = ScriptedServer(list(steps))
        handler = type("Handler", (_Handler,), {"script": made})
        server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        made.url = f"http://127.0.0.1:{server.server_port}"
        running.append((made, server, thread))
        return made

    yield start
    for made, server, thread in running:
        made.over.set()
        server.shutdown()
        thread.join()
        server.server_close()
