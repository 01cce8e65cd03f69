"""The contract of the earlier bureau system: `{"data": [...]}` at `/predict`."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from functions.scoring.contracts.application import BodyVariant, predicted_class
from functions.scoring.contracts.model_schemas import rows_body
from functions.scoring.contracts.parameters import parse_reasons_beside
from functions.scoring.decision_engine import (
    DecisionEngine,
    ScoringRequest,
    rows_from_document,
    validate_table,
)
from functions.web.bodies import json_response
from functions.web.middleware import caller_from_request
from models.prediction import Prediction, ScoredRequest
from models.scorer import Decision

MODEL_NAME = "bureau"
MEMBER = "data"


class BureauResult(Prediction):
    """One row's reply as the bureau system documented it, and the prediction."""

    default_prediction: int
    default_probability: float


class BureauReply(TypedDict):
    """Results in order of the rows."""

    results: list[BureauResult]


def variant(engine: DecisionEngine) -> BodyVariant:
    """The body of `POST /predict` that has `data`, answered by the model `bureau`."""
    model = engine.catalogue[MODEL_NAME]

    async def respond(document: dict[str, Any], request: Request) -> Response:
        with_reasons, faults = parse_reasons_beside(document, MEMBER)
        table = validate_table(model, rows_from_document(document, MEMBER, faults), faults)
        caller = caller_from_request(request)
        scored = await engine.decide(
            ScoringRequest(table=table, caller=caller, with_reasons=with_reasons)
        )
        results = [_result(scored, decision) for decision in scored.decisions]
        return json_response(BureauReply(results=results))

    return BodyVariant(
        member=MEMBER,
        respond=respond,
        body=rows_body(MEMBER, MODEL_NAME),
        response=BureauReply,
    )


def _result(scored: ScoredRequest, decision: Decision) -> BureauResult:
    return {
        "default_prediction": predicted_class(decision),
        "default_probability": decision.probability_of_default,
        **scored.predict(decision),
    }
