"""Middleware around every request: caller, request id, size limits, and an answer to any crash."""

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

from functions.web.identifiers import IDENTIFIERS, RULE, identifier_from_bytes
from functions.web.logs import log
from functions.web.problems import Fault, problem

MAX_URL_BYTES = 2_048
MAX_HEADERS = 100
MAX_HEADER_BYTES = 16_384
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
TRACEPARENT = re.compile(r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
CLOUD_TRACE = re.compile(r"([0-9a-f]{32})(/.*)?")
REPORTED_ERROR = (
    "type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.ReportedErrorEvent"
)


Observe = Callable[[Scope, int, float], None]  # a request, its response's status, seconds


@dataclass(frozen=True, slots=True)
class Caller:
    """Identifies a request, and the applicant it is about where the caller names one.

    `received_at` is a `perf_counter` reading in seconds. `principal` is who asks, once that is
    authenticated.
    """

    request_id: str
    applicant_id: str | None
    idempotency_key: str | None
    trace_id: str | None
    received_at: float
    principal: str | None = None


Begin = Callable[[Caller], None]


def caller_from_request(request: Request) -> Caller:
    """Return the caller that the middleware read from the headers."""
    caller: Caller = request.scope["caller"]
    return caller


class RequestMiddleware:
    """Outermost ASGI middleware: reads the caller, echoes the request's id, observes."""

    def __init__(
        self, app: ASGIApp, observe: Observe | None = None, begin: Begin | None = None
    ) -> None:
        self._app = app
        self._observe = observe
        self._begin = begin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        caller = scope["caller"] = _read_caller(Headers(scope=scope))
        if self._begin:
            self._begin(caller)
        request_id_header = (b"x-request-id", caller.request_id.encode())
        scope["response_status"] = 0

        async def send_with_request_id(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                scope["response_status"] = message["status"]
                message["headers"] = [*message["headers"], request_id_header]
            await send(message)

        try:
            await self._app(scope, receive, send_with_request_id)
        except ClientDisconnect:
            return
        if self._observe:
            seconds = time.perf_counter() - caller.received_at
            self._observe(scope, scope["response_status"], seconds)


class SafetyMiddleware:
    """Innermost ASGI middleware: refuses what is not a proper request, and answers crashes.

    Its responses pass through all other middleware, so a page of another origin can read them.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            await (_refuse(scope) or self._app)(scope, receive, send)
        except ClientDisconnect:
            raise
        except Exception as error:  # noqa: BLE001 -- the edge: a crash is logged and answered, never passed on
            _log_crash(error, scope["caller"], scope["path"])
            if not scope["response_status"]:
                response = problem(500, "the request could not be answered; the fault is logged")
                await response(scope, receive, send)


def _refuse(scope: Scope) -> ASGIApp | None:
    """Refuse what the server could not read, and a URL or headers larger than any client needs."""
    if refusal := scope.get("state", {}).get("refusal"):
        return problem(*refusal)
    if len(scope["raw_path"]) + len(scope["query_string"]) > MAX_URL_BYTES:
        return problem(HTTPStatus.REQUEST_URI_TOO_LONG, f"the URL is over {MAX_URL_BYTES} bytes")
    headers = scope["headers"]
    if len(headers) > MAX_HEADERS or sum(len(n) + len(v) for n, v in headers) > MAX_HEADER_BYTES:
        detail = f"there are over {MAX_HEADERS} headers, or over {MAX_HEADER_BYTES} bytes of them"
        return problem(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, detail)
    return _refuse_identifiers(headers)


def _refuse_identifiers(headers: list[tuple[bytes, bytes]]) -> ASGIApp | None:
    """Refuse names that are not identifiers, all of them at once."""
    sent = [header for header in headers if header[0] in IDENTIFIERS]
    names = [name for name, _ in sent]
    faults = [
        Fault(IDENTIFIERS[name], RULE if names.count(name) == 1 else "may be sent once")
        for name, value in dict(sent).items()
        if names.count(name) > 1 or identifier_from_bytes(value) is None
    ]
    if not faults:
        return None
    return problem(HTTPStatus.BAD_REQUEST, "a header is not an identifier", faults)


def _read_caller(headers: Headers) -> Caller:
    request_id = headers.get("x-request-id", "")
    sent = {name: value for name, value in headers.raw if name in IDENTIFIERS}
    identifiers = {name: identifier_from_bytes(value) for name, value in sent.items()}
    return Caller(
        request_id=request_id if REQUEST_ID.fullmatch(request_id) else os.urandom(16).hex(),
        applicant_id=identifiers.get(b"x-applicant-id"),
        idempotency_key=identifiers.get(b"idempotency-key"),
        trace_id=_read_trace_id(headers),
        received_at=time.perf_counter(),
    )


def _read_trace_id(headers: Headers) -> str | None:
    match = TRACEPARENT.fullmatch(headers.get("traceparent", "")) or CLOUD_TRACE.fullmatch(
        headers.get("x-cloud-trace-context", "")
    )
    return match[1] if match else None


def _log_crash(error: Exception, caller: Caller, path: str) -> None:
    # Frames, not the exception's text: that may repeat an applicant's data.
    stack = "".join(traceback.format_tb(error.__traceback__))
    context = {"request_id": caller.request_id, "trace_id": caller.trace_id, "path": path}
    message = f"unexpected {type(error).__name__}\n{stack}"
    log("ERROR", message, **{"@type": REPORTED_ERROR}, **context)
