"""Spans, sent to an OpenTelemetry collector as OTLP over HTTP in JSON, behind the requests.

Source: OpenTelemetry Protocol 1.5, "JSON Protobuf Encoding": identifiers are hexadecimal.
"""

import json
import threading
import time
import urllib.request
from collections import deque
from typing import Any

from functions.web.logs import log

INTERVAL_SECONDS = 1.0
SEND_SECONDS = 5.0
WARNING_SECONDS = 60.0
MOST_SPANS = 4_096  # what waits at most; the rest is dropped


class SpanExporter:
    """Sends spans in the background. A collector that is slow or away delays no request."""

    def __init__(self, endpoint: str, service_name: str) -> None:
        self._endpoint = endpoint
        self._resource = {
            "attributes": [{"key": "service.name", "value": {"stringValue": service_name}}]
        }
        self._waiting: deque[dict[str, Any]] = deque()
        self._lost = 0
        self._warned_at = -WARNING_SECONDS
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, span: dict[str, Any]) -> None:
        """Take a span, on the event loop alone; the first one starts the thread that sends."""
        if len(self._waiting) >= MOST_SPANS:
            self._lost += 1
            return
        self._waiting.append(span)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="spans", daemon=True)
            self._thread.start()

    @property
    def waiting(self) -> int:
        """How many spans wait to be sent."""
        return len(self._waiting)

    def close(self) -> None:
        """Send what waits, and end."""
        self._closing.set()
        if self._thread:
            self._thread.join(SEND_SECONDS + 1)

    def _run(self) -> None:
        while not self._closing.wait(INTERVAL_SECONDS):
            self._send_waiting()
        self._send_waiting()

    def _send_waiting(self) -> None:
        spans = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if not spans:
            return
        scoped = {"scope": {"name": "surety"}, "spans": spans}
        body = {"resourceSpans": [{"resource": self._resource, "scopeSpans": [scoped]}]}
        try:
            self._send(json.dumps(body).encode())
        except (OSError, ValueError) as error:
            self._lost += len(spans)
            self._warn(f"{type(error).__name__}: {error}")

    def _send(self, body: bytes) -> None:
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(self._endpoint, body, headers)  # noqa: S310 -- settings allow http and https alone
        with urllib.request.urlopen(request, timeout=SEND_SECONDS) as answer:  # noqa: S310 -- likewise
            answer.read()

    def _warn(self, cause: str) -> None:
        if time.monotonic() - self._warned_at >= WARNING_SECONDS:
            self._warned_at = time.monotonic()
            log("WARNING", "spans not sent", cause=cause, lost=self._lost)
            self._lost = 0
