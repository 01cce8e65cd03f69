"""A function put together: its routes in, one ASGI application out that answers every error."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.access.scopes import needs_of
from functions.access.settings import Access
from functions.web.logs import log
from functions.web.middleware import Envelope, Observe
from functions.web.problems import problem, problem_from_error
from functions.web.settings import Listening
from models.errors import SuretyError

ASKED_HEADERS = (
    *("Authorization", "Content-Type", "Idempotency-Key", "Traceparent"),
    *("X-Applicant-Id", "X-Request-Id"),
)
TOLD_HEADERS = (
    *("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "Retry-After"),
    *("WWW-Authenticate", "X-Request-Id"),
)


def assemble(
    routes: Sequence[Route],
    listening: Listening,
    no_such_path: str,
    observe: Observe | None = None,
    on_stop: Callable[[], None] | None = None,
) -> Starlette:
    """Put a function together; `no_such_path` tells who asked for one what there is.

    `on_stop` is called when the server has answered its last request.

    Raises
    ------
    DeclarationError
        If a route names no scope.
    """
    guarded, access = needs_of(routes), listening.access
    if access.is_guarded:
        from functions.access.guard import guard  # noqa: PLC0415 -- nothing is asked of most callers

        guard(guarded, access)
    if listening.is_open:
        log("WARNING", "AUTH is none: everyone who reaches this port is answered")

    app = Starlette(
        routes=routes,
        lifespan=_ending_with(on_stop),
        middleware=[Middleware(Envelope, observe=observe), *_for_browsers(access)],
        # Each handler meets its own errors only, which the type of this argument cannot say.
        exception_handlers={SuretyError: _refused, HTTPException: _no_such_route(no_such_path)},  # type: ignore[dict-item]
    )
    app.router.redirect_slashes = False
    return app


def _ending_with(
    on_stop: Callable[[], None] | None,
) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        if on_stop:
            await asyncio.to_thread(on_stop)

    return lifespan


def _no_such_route(no_such_path: str) -> Callable[[Request, HTTPException], Awaitable[Response]]:
    async def handler(_request: Request, error: HTTPException) -> Response:
        detail = {
            HTTPStatus.NOT_FOUND: no_such_path,
            HTTPStatus.METHOD_NOT_ALLOWED: "this path does not answer this method",
        }.get(HTTPStatus(error.status_code), error.detail)
        return problem(error.status_code, detail, headers=error.headers)

    return handler


def _for_browsers(access: Access) -> list[Middleware]:
    """Let pages of the listed origins call; credentials are sent by them, never by the browser."""
    if not access.origins:
        return []
    from starlette.middleware.cors import CORSMiddleware  # noqa: PLC0415 -- likewise

    allowed = Middleware(
        CORSMiddleware,
        allow_origins=access.origins,
        allow_methods=("GET", "POST"),
        allow_headers=ASKED_HEADERS,
        expose_headers=TOLD_HEADERS,
    )
    return [allowed]


async def _refused(_request: Request, error: SuretyError) -> Response:
    return problem_from_error(error)
