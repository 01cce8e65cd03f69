"""What the platform and people on call ask: is the process up, is its model loaded."""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.scoring.decision_engine import Desk
from functions.scoring.operations.telemetry import Counts
from functions.web.bodies import json_answer
from functions.web.openapi import operation


def routes(
    desk: Desk, model: str, describe: Callable[[], dict[str, Any]], counts: Counts
) -> list[Route]:
    """Health routes, metrics and the OpenAPI document.

    `live` never loads a model; `ready` begins to load the default one.
    """

    async def live(_request: Request) -> Response:
        return json_answer({"status": "live"})

    async def ready(_request: Request) -> Response:
        version = desk.loader.ready(model).champion.version
        cause = desk.loader.state(model).cause
        said = {"status": "ready", "model": model, "model_version": version}
        return json_answer(said | ({"problem": cause} if cause else {}))

    async def metrics(_request: Request) -> Response:
        from functions.scoring.operations.prometheus import CONTENT_TYPE, render  # noqa: PLC0415 -- no score needs it

        failures = desk.decision_log.anchor_failures if desk.decision_log else None
        return Response(render(desk.loader, counts, failures), media_type=CONTENT_TYPE)

    async def openapi(_request: Request) -> Response:
        return json_answer(describe())

    return [
        Route("/openapi.json", openapi, methods=["GET"]),
        Route("/metrics", metrics, methods=["GET"]),
        Route("/health/live", live, methods=["GET"]),
        Route("/health/ready", ready, methods=["GET"]),
    ]


def paths() -> dict[str, Any]:
    """Describe these routes in OpenAPI."""
    text = {"type": "string"}
    ready = {"status": {"const": "ready"}, "model": text, "model_version": text}
    return {
        "/health/live": {
            "get": operation("The process is up", None, {"status": {"const": "live"}})
        },
        "/health/ready": {
            "get": operation("The default model is loaded; 503 until it is", None, ready)
        },
        "/metrics": {"get": operation("Metrics for Prometheus", media_type="text/plain")},
        "/openapi.json": {"get": operation("This document")},
    }
