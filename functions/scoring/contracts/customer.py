"""The contract of the earlier customer-scoring system, answered by the model `customer`.

`customer_id` is the caller's own and is never scored. It is returned beside its decision and keeps
a customer on one side of champion and challenger; no error and no log repeats it.
"""

from dataclasses import replace
from typing import Any, NotRequired

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from typing_extensions import TypedDict

from functions.scoring.contracts.model_schemas import row_with_parameters, rows_body
from functions.scoring.contracts.parameters import parse_reasons_beside, split_parameters
from functions.scoring.decision_engine import (
    DecisionEngine,
    Rows,
    ScoringRequest,
    rows_from_document,
    validate_table,
)
from functions.web.bodies import json_response, read_json_object
from functions.web.contract import Contract
from functions.web.middleware import caller_from_request
from functions.web.openapi import Operation
from models.contract import CreditModel
from models.policy import RiskLevel
from models.prediction import Prediction, ScoredRequest
from models.scorer import Decision

MODEL_NAME = "customer"


class CustomerReply(Prediction):
    """The documented reply, and the prediction; `customer_id` if one was sent."""

    customer_id: NotRequired[str]
    default_probability: float
    risk_category: RiskLevel


class CustomerReplies(TypedDict):
    """Results in order of the customers."""

    count: int
    results: list[CustomerReply]


def contract(engine: DecisionEngine) -> Contract:
    """`/api/v1/predict` and `/api/v1/predict/batch`."""
    model = engine.catalogue[MODEL_NAME]

    async def predict(request: Request) -> Response:
        row, with_reasons, faults = split_parameters(await read_json_object(request))
        table = validate_table(model, Rows([row], [""]), faults)
        [customer_id] = table.values["customer_id"]
        caller = caller_from_request(request)
        caller = replace(caller, applicant_id=caller.applicant_id or customer_id)
        scored = await engine.decide(
            ScoringRequest(table=table, caller=caller, with_reasons=with_reasons)
        )
        return json_response(_reply(scored, scored.decisions[0], customer_id))

    async def predict_batch(request: Request) -> Response:
        document = await read_json_object(request)
        with_reasons, faults = parse_reasons_beside(document, "customers")
        rows = rows_from_document(document, "customers", faults)
        table = validate_table(model, rows, faults)
        caller = caller_from_request(request)
        scored = await engine.decide(
            ScoringRequest(table=table, caller=caller, with_reasons=with_reasons)
        )
        pairs = zip(scored.decisions, table.values["customer_id"], strict=True)
        results = [_reply(scored, decision, customer_id) for decision, customer_id in pairs]
        return json_response(CustomerReplies(count=len(results), results=results))

    return Contract(
        tag="Customer system",
        routes=[
            Route("/api/v1/predict", predict, methods=["POST"]),
            Route("/api/v1/predict/batch", predict_batch, methods=["POST"]),
        ],
        scopes={"POST /api/v1/predict": "score", "POST /api/v1/predict/batch": "score"},
        paths=lambda: _paths(model),
    )


def _paths(model: type[CreditModel]) -> dict[str, Any]:
    row, batch = row_with_parameters(model), rows_body("customers", MODEL_NAME)
    return {
        "/api/v1/predict": {"post": Operation("Score one customer", row, CustomerReply)},
        "/api/v1/predict/batch": {"post": Operation("Score customers", batch, CustomerReplies)},
    }


def _reply(scored: ScoredRequest, decision: Decision, customer_id: str | None) -> CustomerReply:
    prediction = scored.predict(decision)
    reply = CustomerReply(
        default_probability=decision.probability_of_default,
        risk_category=decision.risk_level,
        **prediction,  # type: ignore[typeddict-item]  # it has no customer_id
    )
    if customer_id is not None:
        reply["customer_id"] = customer_id
    return reply
