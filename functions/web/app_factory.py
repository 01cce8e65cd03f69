"""Application factory: from the contracts of a service to one ASGI application."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from copy import copy
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Scope

from functions.web import docs, health
from functions.web.bodies import json_response
from functions.web.contract import Contract, ScopedRoute, scoped_routes
from functions.web.middleware import RequestMiddleware, SafetyMiddleware
from functions.web.openapi import Security, build_document
from functions.web.problems import ErrorStatuses, problem, problem_from_error
from functions.web.settings import Tracing
from functions.web.telemetry import AddMetrics, RequestTelemetry, metrics_contract
from models.errors import SuretyError

if TYPE_CHECKING:
    from functions.web.tracing import Tracer

REQUEST_HEADERS = ("Authorization", "Content-Type", "Traceparent", "X-Request-Id")
RESPONSE_HEADERS = (
    *("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "Retry-After"),
    *("WWW-Authenticate", "X-Request-Id"),
)

Hook = Callable[[], None]
AsyncHook = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """Who may call a service; `functions.access` makes one from its settings.

    Attributes
    ----------
    guard
        Wraps the application of each route; None where nothing is required of callers here.
    credential
        What callers send as a bearer token, for the OpenAPI document; None if nothing.
    covers_every_route
        The platform checks callers before any route, open ones included.
    origins
        Web pages of these origins may call from a browser.
    """

    guard: Callable[[Sequence[ScopedRoute]], None] | None = None
    credential: str | None = None
    covers_every_route: bool = False
    origins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Everything that distinguishes one function from another.

    Attributes
    ----------
    unknown_path
        Detail of a 404: what the service does answer.
    error_statuses
        HTTP status of each domain error a request can cause.
    headers
        Request headers that routes of `header_scopes` read, each with its description.
    schemas
        Named schemas of the OpenAPI document beyond those of the responses.
    guide
        File with an HTML fragment for the top of the docs page.
    is_ready
        Returns the body of `GET /health/ready`, or raises a `TemporaryError`.
    readiness
        Type of that body.
    add_metrics
        Adds the service's own metrics to those of its requests.
    tracing
        Where traces of requests go.
    on_start, on_stop
        Called before the first request, and after the last response was sent: in a thread, unless
        it is awaited.
    """

    title: str
    description: str
    contracts: Sequence[Contract]
    unknown_path: str
    error_statuses: ErrorStatuses = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    header_scopes: frozenset[str] = frozenset()
    schemas: Callable[[], Mapping[str, Any]] = field(default=dict)
    guide: Path | None = None
    is_ready: health.IsReady = health.always_ready
    readiness: type = health.Readiness
    add_metrics: AddMetrics | None = None
    tracing: Tracing = field(default_factory=Tracing)
    on_start: Hook | None = None
    on_stop: Hook | AsyncHook | None = None


def create_web_app(service: Service, protection: Protection) -> Starlette:
    """Create the ASGI application of a service.

    Besides its own contracts it serves `/health/live`, `/health/ready`, `/metrics`,
    `/openapi.json` and `/docs`.

    Raises
    ------
    DeclarationError
        If a route has no scope, or a scope belongs to no route.
    """
    telemetry = RequestTelemetry()
    tracer = _create_tracer(service.tracing, telemetry)
    # Copies: a contract may be a constant that several applications share, each with its own guard.
    scoped = [
        ScopedRoute(copy(route), scope)
        for route, scope in scoped_routes(_all_contracts(service, protection, telemetry))
    ]
    telemetry.register(route for route, _ in scoped)
    if protection.guard:
        protection.guard(scoped)
    app = Starlette(
        routes=[route for route, _ in scoped],
        lifespan=_lifespan(service, tracer),
        middleware=[
            _observing_middleware(telemetry, tracer),
            *_cors(service, protection, [route for route, _ in scoped]),
            Middleware(SafetyMiddleware),
        ],
        # Each handler meets its own errors only, which the type of this argument cannot say.
        exception_handlers={
            SuretyError: _error_handler(service.error_statuses),  # type: ignore[dict-item]
            HTTPException: _http_error_handler(service),  # type: ignore[dict-item]
        },
    )
    app.router.redirect_slashes = False
    return app


def describe(service: Service, protection: Protection) -> dict[str, Any]:
    """Build the OpenAPI document of a service."""
    security = Security(
        credential=protection.credential, covers_every_route=protection.covers_every_route
    )
    return build_document(
        info={"title": service.title, "version": "1", "description": service.description},
        contracts=_all_contracts(service, protection, RequestTelemetry()),
        schemas=service.schemas(),
        headers=(service.headers, service.header_scopes),
        security=security,
    )


def _all_contracts(
    service: Service, protection: Protection, telemetry: RequestTelemetry
) -> list[Contract]:
    """Add the contracts that every service has to its own."""
    return [
        *service.contracts,
        health.contract(service.is_ready, service.readiness),
        metrics_contract(telemetry, service.add_metrics),
        docs.contract(partial(describe, service, protection), service.guide),
    ]


def _create_tracer(tracing: Tracing, telemetry: RequestTelemetry) -> "Tracer | None":
    if not (tracing.project or tracing.endpoint):
        return None
    from functions.web.tracing import Tracer  # noqa: PLC0415 -- only where it is asked for

    return Tracer(tracing, telemetry.pattern_from)


def _observing_middleware(telemetry: RequestTelemetry, tracer: "Tracer | None") -> Middleware:
    if tracer is None:
        return Middleware(RequestMiddleware, observe=telemetry.observe)

    def observe(scope: Scope, status: int, seconds: float) -> None:
        telemetry.observe(scope, status, seconds)
        tracer.end(scope, status, seconds)

    return Middleware(RequestMiddleware, observe=observe, begin=tracer.begin)


def _lifespan(
    service: Service, tracer: "Tracer | None"
) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        if service.on_start:
            await asyncio.to_thread(service.on_start)
        yield
        if service.on_stop:
            stopping = await asyncio.to_thread(service.on_stop)
            if stopping is not None:
                await stopping
        if tracer:
            await asyncio.to_thread(tracer.close)

    return lifespan


def _error_handler(
    statuses: ErrorStatuses,
) -> Callable[[Request, SuretyError], Awaitable[Response]]:
    async def handle(_request: Request, error: SuretyError) -> Response:
        return problem_from_error(error, statuses)

    return handle


def _http_error_handler(
    service: Service,
) -> Callable[[Request, HTTPException], Awaitable[Response]]:
    members = {c.prefix: c.error_member for c in service.contracts if c.prefix and c.error_member}

    async def handle(request: Request, error: HTTPException) -> Response:
        detail = {
            HTTPStatus.NOT_FOUND: service.unknown_path,
            HTTPStatus.METHOD_NOT_ALLOWED: "this path does not answer this method",
        }.get(HTTPStatus(error.status_code), error.detail)
        for prefix, member in members.items():
            if f"{request.url.path}/".startswith(f"{prefix}/"):
                response = json_response({member: detail}, error.status_code)
                response.headers.update(error.headers or {})
                return response
        return problem(error.status_code, detail, headers=error.headers)

    return handle


def _cors(service: Service, protection: Protection, routes: Sequence[Route]) -> list[Middleware]:
    """Let pages of the listed origins call; they send credentials, never the browser by itself."""
    if not protection.origins:
        return []
    from starlette.middleware.cors import CORSMiddleware  # noqa: PLC0415 -- only where it is used

    middleware = Middleware(
        CORSMiddleware,
        allow_origins=protection.origins,
        allow_methods=sorted({method for r in routes for method in r.methods or ()}),
        allow_headers=(*REQUEST_HEADERS, *service.headers),
        expose_headers=RESPONSE_HEADERS,
    )
    return [middleware]
