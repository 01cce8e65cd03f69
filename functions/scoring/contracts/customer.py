"""The earlier customer-scoring system's contract, answered by the model `customer`.

`customer_id` is the caller's own: it is never scored. It is given back beside its decision, and
keeps a customer on one side of champion and challenger; no error and no log repeats it.
"""

from collections.abc import Mapping
from dataclasses import replace
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
from functions.web.middleware import caller_from_request
from functions.web.openapi import (
    PREDICTION,
    Schema,
    closed_object,
    members,
    operation,
    schema_from_model,
)
from functions.web.problems import Fault
from models.contract import CreditModel
from models.scorer import Decision
from models.table import table_from_applications

MODEL = "customer"


def routes(desk: Desk) -> list[Route]:
    """Routes of this contract."""

    async def predict(request: Request) -> Response:
        faults: list[Fault] = []
        row, with_reasons = split_row_and_parameters(await json_object(request), faults)
        [customer] = desk.check_all(MODEL, [row], [""], faults)
        caller = caller_from_request(request)
        caller = replace(caller, applicant_id=caller.applicant_id or _id_of(customer))
        table = table_from_applications(desk.catalogue[MODEL], [customer])
        answer = await desk.decide(MODEL, table, caller, with_reasons=with_reasons)
        return json_answer(_result(answer, answer.decisions[0], customer))

    async def predict_batch(request: Request) -> Response:
        document = await json_object(request)
        with_reasons, faults = parse_parameters_beside(document, "customers")
        customers = desk.check_all(MODEL, *rows_from_document(document, "customers"), faults)
        table = table_from_applications(desk.catalogue[MODEL], customers)
        answer = await desk.decide(
            MODEL, table, caller_from_request(request), with_reasons=with_reasons
        )
        decided = zip(answer.decisions, customers, strict=True)
        results = [_result(answer, decision, customer) for decision, customer in decided]
        return json_answer({"count": len(results), "results": results})

    return [
        Route("/api/v1/predict", predict, methods=["POST"]),
        Route("/api/v1/predict/batch", predict_batch, methods=["POST"]),
    ]


def paths(catalogue: Mapping[str, type[CreditModel]]) -> dict[str, Any]:
    """Describe these routes in OpenAPI."""
    row = schema_from_model(catalogue[MODEL])
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
        "/api/v1/predict": {"post": operation("Score one customer", with_parameters(row), result)},
        "/api/v1/predict/batch": {"post": operation("Score customers", batch, results)},
    }


def _result(answer: Answer, decision: Decision, customer: CreditModel) -> dict[str, Any]:
    customer_id = _id_of(customer)
    echoed = {} if customer_id is None else {"customer_id": customer_id}
    return echoed | {
        "default_probability": decision.probability_of_default,
        "risk_category": decision.risk_level,
        **prediction(answer, decision),
    }


def _id_of(customer: CreditModel) -> str | None:
    found: str | None = getattr(customer, "customer_id", None)
    return found
