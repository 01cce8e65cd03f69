"""The scoring function put together: settings in, one ASGI application out."""

from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from functions.envelope import Envelope
from functions.logs import log
from functions.problems import problem, problem_from_error
from functions.scoring import application, canonical, operations
from functions.scoring.desk import Desk
from functions.scoring.loading import ModelLoader
from functions.scoring.openapi import document
from functions.scoring.records import open_decision_log
from functions.scoring.settings import Settings
from models.errors import SuretyError


def create_app(settings: Settings) -> Starlette:
    """Put the function together; nothing is read from the model store before a request needs it."""
    desk = Desk(
        catalogue=settings.catalogue,
        loader=ModelLoader(settings.store, settings.catalogue, settings.model_refresh_seconds),
        write_record=open_decision_log(settings.decision_log),
    )
    if settings.auth == "none" and not settings.on_loopback:
        log("WARNING", "AUTH is none: everyone who reaches this port is answered")

    def describe() -> dict[str, Any]:  # when it is asked for: a cold start has no need of it
        return document(
            operations.paths()
            | application.paths(settings.catalogue[settings.default_model])
            | canonical.paths(settings.catalogue)
        )

    app = Starlette(
        routes=[
            *operations.routes(desk, settings.default_model, describe),
            *application.routes(desk, settings.default_model),
            *canonical.routes(desk),
        ],
        middleware=[Middleware(Envelope)],
        # Each handler meets its own errors only, which the type of this argument cannot say.
        exception_handlers={SuretyError: _refused, HTTPException: _no_such_route},  # type: ignore[dict-item]
    )
    app.router.redirect_slashes = False
    return app


async def _refused(_request: Request, error: SuretyError) -> Response:
    return problem_from_error(error)


async def _no_such_route(_request: Request, error: HTTPException) -> Response:
    detail = {
        HTTPStatus.NOT_FOUND: "no such path; GET /v1/models lists the models",
        HTTPStatus.METHOD_NOT_ALLOWED: "this path does not answer this method",
    }.get(HTTPStatus(error.status_code), error.detail)
    return problem(error.status_code, detail, headers=error.headers)
