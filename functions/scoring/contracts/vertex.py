"""Vertex AI: the canonical contract of `DEFAULT_MODEL` on the routes Vertex AI names."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.scoring.contracts.kserve_v1 import predict_instances, predict_operation
from functions.scoring.decision_engine import Desk
from functions.scoring.settings import VertexRoutes
from functions.web.bodies import json_answer
from functions.web.openapi import operation
from models.contract import CreditModel, name_from_model


def routes(desk: Desk, model: str, named: VertexRoutes) -> list[Route]:
    """Routes of this contract: those that are named."""

    async def predict(request: Request) -> Response:
        return await predict_instances(desk, model, request)

    async def health(_request: Request) -> Response:
        version = desk.loader.ready(model).champion.version
        return json_answer({"status": "ready", "model": model, "model_version": version})

    answering = [
        ("AIP_PREDICT_ROUTE", named.predict, predict, "POST"),
        ("AIP_HEALTH_ROUTE", named.health, health, "GET"),
    ]
    return [
        Route(path, handler, methods=[method], name=name)
        for name, path, handler, method in answering
        if path
    ]


def paths(model: type[CreditModel], named: VertexRoutes) -> dict[str, Any]:
    """Describe these routes in OpenAPI."""
    name = name_from_model(model)
    text = {"type": "string"}
    ready = {"status": {"const": "ready"}, "model": text, "model_version": text}
    described: dict[str, Any] = {}
    if named.health:
        health = operation("Vertex AI: the model is loaded; 503 until it is", None, ready)
        described[named.health] = {"get": health}
    if named.predict:
        described.setdefault(named.predict, {})["post"] = predict_operation(name, model)
    return described
