"""Traces of requests: lines of the log name them, and a span of each request is sent away.

Imported only where a setting asks for it. A caller's trace goes on; a request without one begins
one, unless nothing is sent.
"""

import os
import re
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from starlette.types import Scope

from functions.web.logs import trace_fields
from functions.web.middleware import TRACEPARENT, Caller
from functions.web.settings import Tracing
from functions.web.span_export import SpanExporter

CLOUD_TRACE = re.compile(r"([0-9a-f]{32})/(\d{1,20})(?:;o=([01]))?")
SERVER_KIND, STATUS_ERROR = 2, 2  # of OpenTelemetry's enumerations


class Tracer:
    """Follows every request of a process.

    `pattern_from` names the route of a request, without an applicant's data.
    """

    def __init__(self, tracing: Tracing, pattern_from: Callable[[Scope], str]) -> None:
        self._project = tracing.project
        self._pattern_from = pattern_from
        self._exporter = (
            SpanExporter(tracing.endpoint, tracing.service_name) if tracing.endpoint else None
        )

    def begin(self, caller: Caller) -> None:
        """Let lines that are logged during this request name its trace."""
        if self._project is None:
            return
        trace = f"projects/{self._project}/traces/{caller.trace_id}"
        # Set anew each time: requests of one connection may share a context.
        trace_fields.set({"logging.googleapis.com/trace": trace} if caller.trace_id else {})

    def end(self, scope: Scope, status: int, seconds: float) -> None:
        """Send the span of a request, unless its caller samples it out."""
        if self._exporter is None:
            return
        trace_id, parent_id, is_sampled = parent_from(scope)
        if is_sampled:
            span = span_from(self._pattern_from(scope), scope, status, seconds)
            parent = {"parentSpanId": parent_id} if parent_id else {}
            self._exporter.add({"traceId": trace_id} | parent | span)

    def close(self) -> None:
        """Send what is left."""
        if self._exporter:
            self._exporter.close()


def parent_from(scope: Scope) -> tuple[str, str | None, bool]:
    """Read trace, parent and whether it is sampled; a new trace, which is, where none was sent."""
    headers = dict(scope["headers"])
    if match := TRACEPARENT.fullmatch(headers.get(b"traceparent", b"").decode("latin-1")):
        return match[1], match[2], bool(int(match[3], 16) & 1)
    sent = headers.get(b"x-cloud-trace-context", b"").decode("latin-1")
    if match := CLOUD_TRACE.fullmatch(sent):
        parent = int(match[2]) % 2**64
        return match[1], f"{parent:016x}" if parent else None, match[3] != "0"
    return os.urandom(16).hex(), None, True


def span_from(pattern: str, scope: Scope, status: int, seconds: float) -> dict[str, Any]:
    """Describe one request as OpenTelemetry's conventions for HTTP servers have it."""
    end = time.time_ns()
    attributes = {
        "http.request.method": scope["method"],
        "http.route": pattern,
        "http.response.status_code": status,
        "surety.request_id": scope["caller"].request_id,
    }
    failed = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return {
        "spanId": os.urandom(8).hex(),
        "name": f"{scope['method']} {pattern}",
        "kind": SERVER_KIND,
        "startTimeUnixNano": str(end - round(seconds * 1e9)),
        "endTimeUnixNano": str(end),
        "attributes": [
            {
                "key": key,
                "value": {"intValue": str(value)}
                if isinstance(value, int)
                else {"stringValue": value},
            }
            for key, value in attributes.items()
        ],
        "status": {"code": STATUS_ERROR} if failed else {},
    }
