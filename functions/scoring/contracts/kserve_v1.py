"""The canonical contract, for any model: the shape of KServe v1 and Vertex AI.

`POST /v1/models/{m}:predict` with `{"instances": [...]}` answers `{"predictions": [...]}`.
`GET /v1/models` and `GET /v1/models/{m}` tell what is loaded.
"""

from collections.abc import Mapping
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.scoring.decision_engine import MAX_ROWS, Answer, Desk, rows_from_document
from functions.web.bodies import json_answer, json_object
from functions.web.middleware import caller_from_request
from functions.web.openapi import (
    PREDICTION,
    Schema,
    closed_object,
    members,
    operation,
    schema_from_model,
)
from functions.web.problems import Fault, extra_members, refuse_faults
from models.contract import CreditModel, contract_hash
from models.discovery import find_model
from models.scorer import Decision

PARAMETERS: Schema = closed_object(
    {"reasons": {"type": "boolean", "description": "Reasons for approvals too", "default": False}},
    required=(),
) | {"examples": [{"reasons": True}]}


def routes(desk: Desk) -> list[Route]:
    """Routes of this contract."""

    async def predict(request: Request) -> Response:
        return await predict_instances(desk, request.path_params["model"], request)

    async def list_models(_request: Request) -> Response:
        return json_answer({"models": [_described(desk, name) for name in desk.catalogue]})

    async def show_model(request: Request) -> Response:
        name, verb, _ = request.path_params["model"].partition(":")
        model = find_model(desk.catalogue, name)
        if verb:
            raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": "POST"})
        return json_answer(_described(desk, name) | {"input_schema": model.model_json_schema()})

    return [
        Route("/v1/models", list_models, methods=["GET"]),
        Route("/v1/models/{model}:predict", predict, methods=["POST"]),
        Route("/v1/models/{model}", show_model, methods=["GET"]),
    ]


async def predict_instances(desk: Desk, model: str, request: Request) -> Response:
    """Answer `{"instances": [...], "parameters": {}}` with `{"predictions": [...]}`."""
    find_model(desk.catalogue, model)
    document = await json_object(request)
    with_reasons, faults = parse_parameters_beside(document, "instances")
    refuse_faults(faults)
    table = desk.check_table(model, *rows_from_document(document, "instances"))
    answer = await desk.decide(
        model, table, caller_from_request(request), with_reasons=with_reasons
    )
    return json_answer({"predictions": predictions_from(answer)})


def paths(catalogue: Mapping[str, type[CreditModel]]) -> dict[str, Any]:
    """Describe these routes in OpenAPI, once for each model."""
    named = {
        f"/v1/models/{name}:predict": {"post": predict_operation(name, model)}
        for name, model in catalogue.items()
    }
    about = {
        "name": {"type": "string"},
        "ready": {"type": "boolean"},
        "contract": {"type": "string"},
    }
    whole = about | {"input_schema": {"type": "object"}}
    shown = {
        f"/v1/models/{name}": {
            "get": operation(f"Describe {name}: version, figures, contract", None, whole)
        }
        for name in catalogue
    }
    listed = {"models": {"type": "array", "items": members(about)}}
    return named | {"/v1/models": {"get": operation("List the models", None, listed)}} | shown


def predict_operation(name: str, model: type[CreditModel]) -> dict[str, Any]:
    """Describe a prediction by `predict_instances`."""
    instances = {
        "type": "array",
        "items": schema_from_model(model),
        "minItems": 1,
        "maxItems": MAX_ROWS,
    }
    body = closed_object(
        {"instances": instances, "parameters": PARAMETERS}, required=("instances",)
    )
    answer = {"predictions": {"type": "array", "items": PREDICTION}}
    return operation(f"Score {name} applications", body, answer)


def predictions_from(answer: Answer) -> list[dict[str, Any]]:
    """What every contract says at least of each application."""
    return [prediction(answer, decision) for decision in answer.decisions]


def prediction(answer: Answer, decision: Decision) -> dict[str, Any]:
    """One decision as JSON; the score is rounded here, once, half to even."""
    said: dict[str, Any] = {
        "probability_of_default": decision.probability_of_default,
        "credit_score": round(decision.credit_score),
        "risk_level": decision.risk_level,
        "decision": decision.decision,
        "model": answer.loaded.manifest.model,
        "model_version": answer.loaded.version,
        "variant": answer.variant,
        "family": answer.loaded.manifest.family,
    }
    if decision.rating is not None:
        said["rating"] = decision.rating
    if decision.reasons is not None:
        said["reasons"] = [
            {"code": r.code, "text": r.text, "points": round(r.points, 1) + 0.0}
            for r in decision.reasons
        ]
    return said


def parse_parameters_beside(document: Mapping[str, Any], member: str) -> tuple[bool, list[Fault]]:
    """Read what stands beside a member: whether it asks for reasons, and its faults."""
    faults = extra_members(document, {member, "parameters"})
    return parse_reasons_parameter(document.get("parameters", {}), faults), faults


def split_row_and_parameters(
    document: Mapping[str, Any], faults: list[Fault]
) -> tuple[object, bool]:
    """A body that is one row, and `parameters` that may stand among its fields."""
    row = {name: value for name, value in document.items() if name != "parameters"}
    return row, parse_reasons_parameter(document.get("parameters", {}), faults)


def with_parameters(row: Schema) -> Schema:
    """The schema of such a body."""
    return row | {"properties": row["properties"] | {"parameters": PARAMETERS}}


def parse_reasons_parameter(
    parameters: object, faults: list[Fault], path: str = "parameters"
) -> bool:
    """Read `parameters`; members that mean nothing are refused rather than ignored."""
    if not isinstance(parameters, dict):
        faults.append(Fault(path, "Input should be an object"))
        return False
    faults += extra_members(parameters, {"reasons"}, path)
    wanted = parameters.get("reasons", False)
    if not isinstance(wanted, bool):
        faults.append(Fault(f"{path}.reasons", "Input should be true or false"))
    return wanted is True


def _described(desk: Desk, name: str) -> dict[str, Any]:
    state = desk.loader.state(name)
    known: dict[str, Any] = {"name": name, "ready": state.serving is not None}
    known["contract"] = contract_hash(desk.catalogue[name])
    if state.serving:
        pointer, manifest = state.serving.pointer, state.serving.champion.manifest
        known |= {
            "version": state.serving.champion.version,
            "since": pointer.when.isoformat(),
            "family": manifest.family,
            "metrics": {n: asdict(figure) for n, figure in manifest.metrics.items()},
        }
        if state.serving.challenger and pointer.challenger:
            version, share = state.serving.challenger.version, pointer.challenger.share
            known["challenger"] = {"version": version, "share": share}
    if state.cause:
        known["problem"] = state.cause
    return known
