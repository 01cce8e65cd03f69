"""A function put together: its routes in, one ASGI application out that answers every error."""

from collections.abc import Sequence
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.envelope import Envelope, Observe
from functions.logs import log
from functions.problems import problem, problem_from_error
from functions.settings import Listening
from models.errors import SuretyError


def assemble(
    routes: Sequence[Route],
    listening: Listening,
    no_such_path: str,
    observe: Observe | None = None,
) -> Starlette:
    """Put a function together; `no_such_path` tells who asked for one what there is."""
    if listening.is_open:
        log("WARNING", "AUTH is none: everyone who reaches this port is answered")

    async def no_such_route(_request: Request, error: HTTPException) -> Response:
        detail = {
            HTTPStatus.NOT_FOUND: no_such_path,
            HTTPStatus.METHOD_NOT_ALLOWED: "this path does not answer this method",
        }.get(HTTPStatus(error.status_code), error.detail)
        return problem(error.status_code, detail, headers=error.headers)

    app = Starlette(
        routes=routes,
        middleware=[Middleware(Envelope, observe=observe)],
        # Each handler meets its own errors only, which the type of this argument cannot say.
        exception_handlers={SuretyError: _refused, HTTPException: no_such_route},  # type: ignore[dict-item]
    )
    app.router.redirect_slashes = False
    return app


async def _refused(_request: Request, error: SuretyError) -> Response:
    return problem_from_error(error)
