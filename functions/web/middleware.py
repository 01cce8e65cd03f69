"""Around every request: who asks, how to find it in the logs, and no exception left unanswered."""

import os
import re
import time
import traceback
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from functions.web.logs import log
from functions.web.problems import problem

MAX_URL_BYTES = 2_048
MAX_HEADERS = 100
MAX_HEADER_BYTES = 16_384
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
TRACEPARENT = re.compile(r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
CLOUD_TRACE = re.compile(r"([0-9a-f]{32})(/.*)?")
REPORTED_ERROR = (
    "type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.ReportedErrorEvent"
)


Observe = Callable[[Scope, int, float], None]  # a request, its answer's status, seconds


@dataclass(frozen=True, slots=True)
class Caller:
    """Which request is being answered, and for whom, where the caller says so.

    `began` is a `perf_counter` reading in seconds.
    """

    request_id: str
    applicant_id: str | None
    idempotency_key: str | None
    trace_id: str | None
    began: float


def caller_from_request(request: Request) -> Caller:
    """The caller the envelope noted."""
    caller: Caller = request.scope["caller"]
    return caller


class Envelope:
    """ASGI middleware: notes the caller, names the request in the answer, answers what crashed."""

    def __init__(self, app: ASGIApp, observe: Observe | None = None) -> None:
        self._app = app
        self._observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        caller = scope["caller"] = _caller(Headers(scope=scope))
        named = (b"x-request-id", caller.request_id.encode())
        status = 0

        async def send_named(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], named]
            await send(message)

        try:
            await (_too_long(scope) or self._app)(scope, receive, send_named)
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001 -- the edge: a crash is logged and answered, never passed on
            _log_crash(error, caller, scope["path"])
            if not status:
                answer = problem(500, "the request could not be answered; the fault is logged")
                await answer(scope, receive, send_named)
        if self._observe:
            self._observe(scope, status, time.perf_counter() - caller.began)


def _too_long(scope: Scope) -> ASGIApp | None:
    """Refuse an address or headers that no client of ours needs."""
    if len(scope["raw_path"]) + len(scope["query_string"]) > MAX_URL_BYTES:
        return problem(HTTPStatus.REQUEST_URI_TOO_LONG, f"the URL is over {MAX_URL_BYTES} bytes")
    headers = scope["headers"]
    if len(headers) > MAX_HEADERS or sum(len(n) + len(v) for n, v in headers) > MAX_HEADER_BYTES:
        detail = f"there are over {MAX_HEADERS} headers, or over {MAX_HEADER_BYTES} bytes of them"
        return problem(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, detail)
    return None


def _caller(headers: Headers) -> Caller:
    given = headers.get("x-request-id", "")
    return Caller(
        request_id=given if REQUEST_ID.fullmatch(given) else os.urandom(16).hex(),
        applicant_id=headers.get("x-applicant-id"),
        idempotency_key=headers.get("idempotency-key"),
        trace_id=_trace_id(headers),
        began=time.perf_counter(),
    )


def _trace_id(headers: Headers) -> str | None:
    if found := TRACEPARENT.fullmatch(headers.get("traceparent", "")):
        return found[1]
    if found := CLOUD_TRACE.fullmatch(headers.get("x-cloud-trace-context", "")):
        return found[1]
    return None


def _log_crash(error: Exception, caller: Caller, path: str) -> None:
    # Frames, not the exception's text: that may repeat an applicant's data.
    stack = "".join(traceback.format_tb(error.__traceback__))
    said = {"request_id": caller.request_id, "trace_id": caller.trace_id, "path": path}
    log("ERROR", f"unexpected {type(error).__name__}\n{stack}", **{"@type": REPORTED_ERROR}, **said)
