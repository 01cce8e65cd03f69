"""The earlier bureau system's contract: `/predict` with `data`, answered by the model `bureau`."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from functions.scoring.contracts.application import DEFAULT_FROM, Answering
from functions.scoring.contracts.kserve_v1 import PARAMETERS, parse_parameters_beside, prediction
from functions.scoring.decision_engine import MAX_ROWS, Answer, Desk, rows_from_document
from functions.web.bodies import json_answer
from functions.web.middleware import caller_from_request
from functions.web.openapi import PREDICTION, Schema, closed_object, members, schema_from_model
from models.contract import CreditModel
from models.scorer import Decision

MODEL = "bureau"
MEMBER = "data"


def by_member(desk: Desk) -> dict[str, Answering]:
    """What answers a body that has `data`."""

    async def predict(document: dict[str, Any], request: Request) -> Response:
        with_reasons, faults = parse_parameters_beside(document, MEMBER)
        table = desk.check_table(MODEL, *rows_from_document(document, MEMBER), faults)
        answer = await desk.decide(
            MODEL, table, caller_from_request(request), with_reasons=with_reasons
        )
        return json_answer({"results": [_result(answer, d) for d in answer.decisions]})

    return {MEMBER: predict}


def described(catalogue: Mapping[str, type[CreditModel]]) -> list[tuple[Schema, Schema]]:
    """The body and the answer as OpenAPI has them."""
    items = schema_from_model(catalogue[MODEL])
    rows = {"type": "array", "items": items, "minItems": 1, "maxItems": MAX_ROWS}
    said: dict[str, Schema] = {
        "default_prediction": {"enum": [0, 1]},
        "default_probability": {"type": "number"},
        "rating": {"type": "string"},
    }
    result: Schema = {"type": "object", "allOf": [PREDICTION, members(said)]}
    body = closed_object({MEMBER: rows, "parameters": PARAMETERS}, required=(MEMBER,))
    return [(body, members({"results": {"type": "array", "items": result}}))]


def _result(answer: Answer, decision: Decision) -> dict[str, Any]:
    return {
        "default_prediction": int(decision.probability_of_default >= DEFAULT_FROM),
        "default_probability": decision.probability_of_default,
        **prediction(answer, decision),
    }
