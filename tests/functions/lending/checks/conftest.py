"""A company that is asked about applicants: a real server that is slow, wrong, broken or right."""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

REPORT = {"score": 720, "enquiries_6_months": 1, "wilful_default": False}


@dataclass
class CheckServer:
    """What the company answers, and what it was sent."""

    status: int = 200
    body: bytes = b""
    seconds: float = 0.0
    url: str = ""
    requests: list[tuple[dict[str, str], dict[str, Any]]] = field(default_factory=list)

    def report(self, **changes: object) -> None:
        """Answer as a credit bureau does."""
        self.status, self.seconds = 200, 0.0
        self.body = json.dumps({"report": {**REPORT, **changes}, "name": "not used"}).encode()


@pytest.fixture
def bureau(monkeypatch: pytest.MonkeyPatch) -> Iterator[CheckServer]:
    """A credit bureau on this machine."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = CheckServer()
    server.report()

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            server.requests.append((dict(self.headers.items()), json.loads(body)))
            time.sleep(server.seconds)
            self.send_response(server.status)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(server.body)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as http:
        server.url = f"http://127.0.0.1:{http.server_port}/pull"
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield server
        http.shutdown()
        thread.join()
