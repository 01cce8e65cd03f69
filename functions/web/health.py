"""Health routes: is the process up, and is it ready to answer."""

from collections.abc import Callable
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from typing_extensions import TypedDict

from functions.web.bodies import json_response
from functions.web.contract import PROBE, Contract
from functions.web.openapi import Operation


class Readiness(TypedDict):
    """What a ready service says of itself."""

    status: str


class Liveness(TypedDict):
    """What a live process answers."""

    status: str


IsReady = Callable[[], Readiness]


def always_ready() -> Readiness:
    """Report a service that needs nothing before it can answer."""
    return {"status": "ready"}


def contract(is_ready: IsReady, readiness: type = Readiness) -> Contract:
    """Serve `/health/live`, which never waits for anything, and `/health/ready`.

    `readiness` is the type of what `is_ready` returns.
    """

    async def live(_request: Request) -> Response:
        return json_response(Liveness(status="live"))

    async def ready(_request: Request) -> Response:
        return json_response(is_ready())

    return Contract(
        tag="Operations",
        routes=[
            Route("/health/live", live, methods=["GET"]),
            Route("/health/ready", ready, methods=["GET"]),
        ],
        scopes={"GET /health/live": PROBE, "GET /health/ready": PROBE},
        paths=partial(_paths, readiness),
    )


def _paths(readiness: type) -> dict[str, Any]:
    return {
        "/health/live": {"get": Operation("Check that the process is up", response=Liveness)},
        "/health/ready": {
            "get": Operation("Check that the service is ready; 503 until it is", response=readiness)
        },
    }
