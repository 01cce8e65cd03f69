"""The earlier application-scoring system's contract: its fields in, its documented reply out."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.scoring.contracts.kserve_v1 import (
    PARAMETERS,
    parse_parameters_beside,
    prediction,
    split_row_and_parameters,
    with_parameters,
)
from functions.scoring.decision_engine import MAX_ROWS, Answer, Desk, rows_from_document
from functions.web.bodies import json_answer, json_object
from functions.web.examples import example_from_schema
from functions.web.middleware import caller_from_request
from functions.web.openapi import (
    PREDICTION,
    PROBLEM,
    Schema,
    closed_object,
    members,
    operation,
    schema_from_model,
)
from functions.web.problems import (
    MAX_FAULTS,
    Fault,
    faults_as_json,
    refuse_faults,
)
from models.contract import CreditModel
from models.scorer import Decision
from models.table import table_from_applications

REPLY: Schema = {"status": {"const": "success"}, "processing_time_ms": {"type": "number"}}
CLASS: Schema = {"prediction": {"enum": [0, 1]}, "risk_score": {"type": "number"}}
SINGLE: Schema = CLASS | {
    "probability": members({"low_risk": {"type": "number"}, "high_risk": {"type": "number"}}),
    "timestamp": {"type": "number"},
}
RESULT: Schema = CLASS | {"probability_high_risk": {"type": "number"}}
Answering = Callable[[dict[str, Any], Request], Awaitable[Response]]
DEFAULT_FROM = 0.5  # `prediction` is 1 from this probability on; the decision follows the policy


def routes(desk: Desk, model: str, by_member: Mapping[str, Answering]) -> list[Route]:
    """Routes of this contract, answered by one model.

    A body of `/predict` that has a member of `by_member` is another contract's.
    """

    async def predict(request: Request) -> Response:
        document = await json_object(request)
        for member in by_member.keys() & document.keys():
            return await by_member[member](document, request)
        faults: list[Fault] = []
        row, with_reasons = split_row_and_parameters(document, faults)
        table = desk.check_table(model, [row], [""], faults)
        answer = await desk.decide(
            model, table, caller_from_request(request), with_reasons=with_reasons
        )
        return json_answer(_reply(answer))

    async def predict_batch(request: Request) -> Response:
        document = await json_object(request)
        with_reasons, faults = parse_parameters_beside(document, "applications")
        refuse_faults(faults)
        rows = zip(*rows_from_document(document, "applications"), strict=True)
        checked = [desk.check(model, row, path) for row, path in rows]
        sound = {i: row for i, row in enumerate(checked) if isinstance(row, CreditModel)}
        table = table_from_applications(desk.catalogue[model], list(sound.values()))
        answer = await desk.decide(
            model,
            table,
            caller_from_request(request),
            with_reasons=with_reasons,
            places=list(sound),
        )
        return json_answer(_batch_reply(answer, checked))

    async def health(_request: Request) -> Response:
        loaded = desk.loader.state(model).serving is not None
        body = {"status": "healthy", "model_loaded": loaded, "timestamp": time.time()}
        return json_answer(body)

    return [
        Route("/predict", predict, methods=["POST"]),
        Route("/predict/batch", predict_batch, methods=["POST"]),
        Route("/health", health, methods=["GET"]),
    ]


def paths(model: type[CreditModel], others: Sequence[tuple[Schema, Schema]] = ()) -> dict[str, Any]:
    """Describe these routes in OpenAPI; `others` are bodies and answers that share `/predict`."""
    row = schema_from_model(model)
    body = with_parameters(row)
    rows = {
        "type": "array",
        "minItems": 1,
        "maxItems": MAX_ROWS,
        "description": "Each as for /predict; a faulty one carries its errors in its place",
        "examples": [[example_from_schema(row)]],
    }
    members_of_batch = {"applications": rows, "parameters": PARAMETERS}
    batch = closed_object(members_of_batch, required=("applications",))
    health = {
        "status": {"const": "healthy"},
        "model_loaded": {"type": "boolean"},
        "timestamp": {"type": "number"},
    }
    scored = {"allOf": [PREDICTION, members(RESULT)]}
    refused = members({"error": {"type": "string"}, "errors": PROBLEM["properties"]["errors"]})
    results = REPLY | {
        "count": {"type": "integer"},
        "results": {"type": "array", "items": {"oneOf": [scored, refused]}},
    }
    reply = {"type": "object", "allOf": [PREDICTION, members(REPLY | SINGLE)]}
    if others:
        bodies, answers = zip(*others, strict=True)
        body, reply = {"oneOf": [body, *bodies]}, {"type": "object", "oneOf": [reply, *answers]}
    return {
        "/predict": {"post": operation("Score one application", body, reply)},
        "/predict/batch": {
            "post": operation("Score applications; a faulty one fails alone", batch, results)
        },
        "/health": {"get": operation("Tell whether the default model is loaded", None, health)},
    }


def _reply(answer: Answer) -> dict[str, Any]:
    decision = answer.decisions[0]
    high = round(decision.probability_of_default, 4)
    return {
        "status": "success",
        "prediction": _class(decision),
        "risk_score": _risk_score(decision),
        "probability": {"low_risk": round(1 - high, 4), "high_risk": high},
        "processing_time_ms": answer.latency_ms,
        "timestamp": time.time(),
        **prediction(answer, decision),
    }


def _batch_reply(answer: Answer, checked: list[CreditModel | list[Fault]]) -> dict[str, Any]:
    decisions = iter(answer.decisions)
    shown = MAX_FAULTS
    results: list[dict[str, Any]] = []
    for row in checked:
        if isinstance(row, CreditModel):
            results.append(_result(answer, next(decisions)))
        else:
            results.append(_refusal(row[:shown]))
            shown -= len(row[:shown])
    return {
        "status": "success",
        "count": len(results),
        "results": results,
        "processing_time_ms": answer.latency_ms,
    }


def _result(answer: Answer, decision: Decision) -> dict[str, Any]:
    return {
        "prediction": _class(decision),
        "risk_score": _risk_score(decision),
        "probability_high_risk": round(decision.probability_of_default, 4),
        **prediction(answer, decision),
    }


def _refusal(faults: list[Fault]) -> dict[str, Any]:
    message = "the application does not follow the contract"
    return {"error": message, "errors": faults_as_json(faults)}


def _class(decision: Decision) -> int:
    return int(decision.probability_of_default >= DEFAULT_FROM)


def _risk_score(decision: Decision) -> float:
    return round(100 * decision.probability_of_default, 2)
