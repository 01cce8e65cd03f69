"""What the platform and people on call ask: is the process up, is its model loaded."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from functions.scoring.desk import Desk


def routes(desk: Desk, model: str) -> list[Route]:
    """Health routes. `live` never loads a model; `ready` begins to load the default one."""

    async def live(_request: Request) -> Response:
        return JSONResponse({"status": "live"})

    async def ready(_request: Request) -> Response:
        desk.loader.start(model)
        champion = desk.loader.loaded(model)
        if champion is None:
            raise desk.loader.not_ready(model)
        version = champion.version
        return JSONResponse({"status": "ready", "model": model, "model_version": version})

    return [
        Route("/health/live", live, methods=["GET"]),
        Route("/health/ready", ready, methods=["GET"]),
    ]
