"""An emulated Cloud Run Admin API v2: a real HTTP server that knows jobs and their executions."""

import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

PARENT = "projects/p-1/locations/europe-west1/jobs"
JOB_TEMPLATE = f"{PARENT}/test-train-{{model}}"
JOB = f"{PARENT}/test-train-german-credit"


def ago(**span: float) -> str:
    """A moment before now, as the API writes it: in UTC, to the nanosecond."""
    return f"{datetime.now(UTC) - timedelta(**span):%Y-%m-%dT%H:%M:%S.%f}789Z"


@dataclass
class CloudRunApi:
    """What the server knows and what it was asked."""

    url: str = ""
    executions: dict[str, list[dict[str, Any]]] = field(init=False)
    failing: dict[str, tuple[int, bytes]] = field(init=False)  # by method
    delay_seconds: float = field(init=False)
    calls: list[tuple[str, str, str | None]] = field(init=False)

    def __post_init__(self) -> None:
        """Know one job that never ran."""
        self.executions = {JOB: []}
        self.failing = {}
        self.delay_seconds = 0
        self.calls = []

    def add(self, name: str, **members: Any) -> None:  # noqa: ANN401 -- JSON
        """Put an execution before the others: the newest comes first."""
        full = f"{JOB}/executions/{name}"
        self.executions[JOB].insert(0, {"name": full, "createTime": ago(), **members})

    def answer(self, method: str, target: str) -> tuple[int, bytes]:
        """Answer as the API is documented to, and at `/token` as the one that hands out tokens."""
        url = urlsplit(target)
        if url.path == "/token":
            return 200, b'{"access_token": "t-1", "expires_in": 3600, "token_type": "Bearer"}'
        job, _, rest = url.path.removeprefix("/v2/").partition(
            ":" if method == "POST" else "/executions"
        )
        if job not in self.executions:
            return 404, b'{"error": {"code": 404, "status": "NOT_FOUND"}}'
        if (method, rest) == ("POST", "run"):
            self.add(f"test-train-german-credit-{len(self.executions[job])}", runningCount=1)
            operation = {"name": "projects/p-1/operations/1", "metadata": self.executions[job][0]}
            return 200, json.dumps(operation).encode()
        calls = parse_qs(url.query)
        first, size = int(calls.get("pageToken", ["0"])[0]), int(calls["pageSize"][0])
        started = self.executions[job]
        page: dict[str, Any] = {"executions": started[first : first + size]} if started else {}
        if first + size < len(started):
            page["nextPageToken"] = str(first + size)
        return 200, json.dumps(page).encode()


@contextmanager
def cloud_run_api(tls: ssl.SSLContext | None = None) -> Iterator[CloudRunApi]:
    """Run the emulated API, encrypted where it is told how."""
    api = CloudRunApi()

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            api.calls.append((self.command, self.path, self.headers.get("authorization")))
            time.sleep(api.delay_seconds)
            status, body = api.failing.get(self.command) or api.answer(self.command, self.path)
            self.send_response(status)
            if status == HTTPStatus.FOUND:
                self.send_header("location", "/elsewhere")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = handle_any  # noqa: N815 -- names the library looks for

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    api.url = f"http://127.0.0.1:{server.server_port}"
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        api.url = f"https://localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
