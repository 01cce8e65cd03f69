"""Vertex AI: the canonical contract of `DEFAULT_MODEL` on the routes that Vertex AI names."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.scoring.contracts.kserve_v1 import predict_instances, predict_operation
from functions.scoring.decision_engine import DecisionEngine
from functions.scoring.operations.health import ModelReadiness
from functions.scoring.settings import VertexRoutes
from functions.web.bodies import json_response
from functions.web.contract import PROBE, Contract
from functions.web.health import IsReady
from functions.web.openapi import Operation


def contract(
    engine: DecisionEngine, model_name: str, paths: VertexRoutes, is_ready: IsReady
) -> Contract:
    """The routes that `AIP_PREDICT_ROUTE` and `AIP_HEALTH_ROUTE` name; none if they are not set."""
    model = engine.catalogue[model_name]

    async def predict(request: Request) -> Response:
        return await predict_instances(engine, model, request)

    async def health(_request: Request) -> Response:
        return json_response(is_ready())

    scopes: dict[str, str] = {}
    routes = []
    if paths.predict:
        routes.append(Route(paths.predict, predict, methods=["POST"], name="AIP_PREDICT_ROUTE"))
        scopes["POST AIP_PREDICT_ROUTE"] = "score"
    if paths.health:
        routes.append(Route(paths.health, health, methods=["GET"], name="AIP_HEALTH_ROUTE"))
        scopes["GET AIP_HEALTH_ROUTE"] = PROBE
    return Contract(
        tag="Vertex AI",
        routes=routes,
        scopes=scopes,
        paths=lambda: _paths(model_name, paths),
    )


def _paths(model_name: str, paths: VertexRoutes) -> dict[str, Any]:
    items: dict[str, Any] = {}
    if paths.health:
        summary = "Vertex AI: check that the model is loaded; 503 until it is"
        items[paths.health] = {"get": Operation(summary, response=ModelReadiness)}
    if paths.predict:
        items.setdefault(paths.predict, {})["post"] = predict_operation(model_name)
    return items
