"""A function put together: its routes in, one ASGI application out that answers every error."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.envelope import Envelope
from functions.logs import log
from functions.problems import problem, problem_from_error
from functions.settings import Listening
from models.errors import SuretyError


def assemble(
    routes: Sequence[Route],
    listening: Listening,
    no_such_path: str,
    on_stop: Callable[[], None] | None = None,
) -> Starlette:
    """Put a function together; `no_such_path` tells who asked for one what there is.

    `on_stop` is called when the server has answered its last request.
    """
    if listening.is_open:
        log("WARNING", "AUTH is none: everyone who reaches this port is answered")

    async def no_such_route(_request: Request, error: HTTPException) -> Response:
        detail = {
            HTTPStatus.NOT_FOUND: no_such_path,
            HTTPStatus.METHOD_NOT_ALLOWED: "this path does not answer this method",
        }.get(HTTPStatus(error.status_code), error.detail)
        return problem(error.status_code, detail, headers=error.headers)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        if on_stop:
            await run_in_threadpool(on_stop)

    app = Starlette(
        routes=routes,
        lifespan=lifespan,
        middleware=[Middleware(Envelope)],
        # Each handler meets its own errors only, which the type of this argument cannot say.
        exception_handlers={SuretyError: _refused, HTTPException: no_such_route},  # type: ignore[dict-item]
    )
    app.router.redirect_slashes = False
    return app


async def _refused(_request: Request, error: SuretyError) -> Response:
    return problem_from_error(error)
