"""The earlier customer-scoring system's contract, answered by the model `customer`.

`customer_id` is the caller's own and no field of the model. It is given back beside its decision,
and keeps a customer on one side of champion and challenger; no error and no log repeats it.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.bodies import json_answer, json_object
from functions.envelope import caller_of
from functions.problems import Fault, extra_members
from functions.scoring.canonical import PARAMETERS, prediction, reasons_wanted
from functions.scoring.desk import MAX_ROWS, Answer, Desk, rows_in
from functions.scoring.openapi import (
    PREDICTION,
    Schema,
    closed_object,
    members,
    operation,
    schema_of,
)
from models.contract import CreditModel
from models.scorer import Decision

MODEL = "customer"
MAX_ID_LENGTH = 64
ID: Schema = {"type": "string", "minLength": 1, "maxLength": MAX_ID_LENGTH}


def routes(desk: Desk) -> list[Route]:
    """Routes of this contract; none where the catalogue has no such model."""

    async def predict(request: Request) -> Response:
        [row], [customer_id] = _checked(desk, [await json_object(request)], [""], [])
        caller = caller_of(request)
        caller = replace(caller, applicant_id=caller.applicant_id or customer_id)
        answer = await desk.decide(MODEL, [(0, row)], caller)
        return json_answer(_result(answer, answer.decisions[0], customer_id))

    async def predict_batch(request: Request) -> Response:
        document = await json_object(request)
        faults = extra_members(document, {"customers", "parameters"})
        with_reasons = reasons_wanted(document.get("parameters", {}), faults)
        rows, ids = _checked(desk, *rows_in(document, "customers"), faults)
        numbered = list(enumerate(rows))
        answer = await desk.decide(MODEL, numbered, caller_of(request), with_reasons=with_reasons)
        decided = zip(answer.decisions, ids, strict=True)
        results = [_result(answer, decision, customer_id) for decision, customer_id in decided]
        return json_answer({"count": len(results), "results": results})

    if MODEL not in desk.catalogue:
        return []
    return [
        Route("/api/v1/predict", predict, methods=["POST"]),
        Route("/api/v1/predict/batch", predict_batch, methods=["POST"]),
    ]


def paths(catalogue: Mapping[str, type[CreditModel]]) -> dict[str, Any]:
    """Describe these routes in OpenAPI."""
    if MODEL not in catalogue:
        return {}
    schema = schema_of(catalogue[MODEL])
    row = schema | {"properties": schema["properties"] | {"customer_id": ID}}
    said: dict[str, Schema] = {
        "default_probability": {"type": "number"},
        "risk_category": {"enum": ["low", "medium", "high"]},
        "model_version": {"type": "string"},
    }
    result: Schema = {"type": "object", "allOf": [PREDICTION, members(said)]}
    rows = {"type": "array", "items": row, "minItems": 1, "maxItems": MAX_ROWS}
    batch = closed_object({"customers": rows, "parameters": PARAMETERS}, required=("customers",))
    results = {"count": {"type": "integer"}, "results": {"type": "array", "items": result}}
    return {
        "/api/v1/predict": {"post": operation("Score one customer", row, result)},
        "/api/v1/predict/batch": {"post": operation("Score customers", batch, results)},
    }


def _checked(
    desk: Desk, rows: list[Any], paths: list[str], faults: list[Fault]
) -> tuple[list[CreditModel], list[str | None]]:
    """Applications and the ids that came with them; every fault is refused at once."""
    ids = [_id_in(row, path, faults) for row, path in zip(rows, paths, strict=True)]
    bare = [
        {name: value for name, value in row.items() if name != "customer_id"}
        if isinstance(row, dict)
        else row
        for row in rows
    ]
    return desk.check_all(MODEL, bare, paths, faults), ids


def _id_in(row: object, path: str, faults: list[Fault]) -> str | None:
    if not isinstance(row, dict) or "customer_id" not in row:
        return None
    found = row["customer_id"]
    if isinstance(found, str) and 1 <= len(found) <= MAX_ID_LENGTH:
        return found
    message = f"Input should be a text of 1 to {MAX_ID_LENGTH} characters"
    faults.append(Fault(f"{path}.customer_id".lstrip("."), message))
    return None


def _result(answer: Answer, decision: Decision, customer_id: str | None) -> dict[str, Any]:
    echoed = {} if customer_id is None else {"customer_id": customer_id}
    return echoed | {
        "default_probability": decision.probability_of_default,
        "risk_category": decision.risk_level,
        **prediction(answer, decision),
    }
