"""The contract of the earlier application system: 17 fields in, its documented reply out."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from typing_extensions import TypedDict

from functions.scoring.contracts.model_schemas import row_with_parameters, schema_from_model
from functions.scoring.contracts.parameters import (
    REASONS,
    parse_reasons_beside,
    split_parameters,
)
from functions.scoring.decision_engine import (
    MAX_ROWS,
    DecisionEngine,
    Rows,
    ScoringRequest,
    SoundRows,
    rows_from_document,
    validate_each,
    validate_table,
)
from functions.web.bodies import json_response, read_json_object
from functions.web.contract import OPEN, Contract
from functions.web.examples import example_from_schema
from functions.web.middleware import caller_from_request
from functions.web.openapi import Operation, Schema, array, closed_object
from functions.web.problems import Fault, reject_faults
from models.contract import CreditModel
from models.prediction import Prediction, ScoredRequest
from models.scorer import Decision

DEFAULT_FROM = 0.5  # `prediction` is 1 from this probability on; the decision follows the policy


class RiskShares(TypedDict):
    """Probabilities of both outcomes, to 4 decimals."""

    low_risk: float
    high_risk: float


class ApplicationReply(Prediction):
    """The documented reply, and the prediction."""

    status: str
    prediction: int
    risk_score: float
    probability: RiskShares
    processing_time_ms: float
    timestamp: float


class ApplicationResult(Prediction):
    """One application of a batch."""

    prediction: int
    risk_score: float
    probability_high_risk: float


class InvalidApplication(TypedDict):
    """One application of a batch that does not follow the contract."""

    error: str
    errors: list[Fault]


class BatchReply(TypedDict):
    """Results in order; an invalid application does not fail the others."""

    status: str
    count: int
    results: list[ApplicationResult | InvalidApplication]
    processing_time_ms: float


class Health(TypedDict):
    """Whether the default model is loaded."""

    status: str
    model_loaded: bool
    timestamp: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyVariant:
    """Another contract's body of `POST /predict`, told apart by a member."""

    member: str
    respond: Callable[[dict[str, Any], Request], Awaitable[Response]]
    body: Schema
    response: Any


def contract(engine: DecisionEngine, model_name: str, *variants: BodyVariant) -> Contract:
    """`/predict`, `/predict/batch` and `/health`, answered by one model."""
    model = engine.catalogue[model_name]
    by_member = {variant.member: variant.respond for variant in variants}

    async def predict(request: Request) -> Response:
        document = await read_json_object(request)
        for member in by_member.keys() & document.keys():
            return await by_member[member](document, request)
        row, with_reasons, faults = split_parameters(document)
        table = validate_table(model, Rows([row], [""]), faults)
        caller = caller_from_request(request)
        scored = await engine.decide(
            ScoringRequest(table=table, caller=caller, with_reasons=with_reasons)
        )
        return json_response(_reply(scored))

    async def predict_batch(request: Request) -> Response:
        return json_response(await _predict_batch(engine, model, request))

    async def health(_request: Request) -> Response:
        is_loaded = engine.loader.states[model_name].serving is not None
        return json_response(
            Health(status="healthy", model_loaded=is_loaded, timestamp=time.time())
        )

    return Contract(
        tag="Application and bureau systems",
        routes=[
            Route("/predict", predict, methods=["POST"]),
            Route("/predict/batch", predict_batch, methods=["POST"]),
            Route("/health", health, methods=["GET"]),
        ],
        scopes={"POST /predict": "score", "POST /predict/batch": "score", "GET /health": OPEN},
        paths=lambda: _paths(model, variants),
    )


async def _predict_batch(
    engine: DecisionEngine, model: type[CreditModel], request: Request
) -> BatchReply:
    document = await read_json_object(request)
    with_reasons, faults = parse_reasons_beside(document, "applications")
    rows = rows_from_document(document, "applications", faults)
    reject_faults(faults)
    sound = validate_each(model, rows)
    scored = await engine.decide(
        ScoringRequest(
            table=sound.table,
            caller=caller_from_request(request),
            with_reasons=with_reasons,
            positions=sound.positions,
        )
    )
    return _batch_reply(scored, sound)


def _paths(model: type[CreditModel], variants: tuple[BodyVariant, ...]) -> dict[str, Any]:
    row = schema_from_model(model)
    applications = array(
        {},
        MAX_ROWS,
        description="Each as for /predict; an invalid one carries its errors in its place",
        examples=[[example_from_schema(row)]],
    )
    batch = closed_object(
        {"applications": applications, "parameters": REASONS}, required=["applications"]
    )
    body, response = row_with_parameters(model), ApplicationReply
    for variant in variants:
        body = {"oneOf": [*body.get("oneOf", [body]), variant.body]}
        response = response | variant.response
    return {
        "/predict": {"post": Operation("Score one application", body, response)},
        "/predict/batch": {
            "post": Operation("Score applications; an invalid one fails alone", batch, BatchReply)
        },
        "/health": {"get": Operation("Check whether the default model is loaded", response=Health)},
    }


def _reply(scored: ScoredRequest) -> ApplicationReply:
    [decision] = scored.decisions
    high = round(decision.probability_of_default, 4)
    return {
        "status": "success",
        "prediction": predicted_class(decision),
        "risk_score": _risk_score(decision),
        "probability": {"low_risk": round(1 - high, 4), "high_risk": high},
        "processing_time_ms": scored.latency_ms,
        "timestamp": time.time(),
        **scored.predict(decision),
    }


def _batch_reply(scored: ScoredRequest, sound: SoundRows) -> BatchReply:
    message = "the application does not follow the contract"
    results: dict[int, ApplicationResult | InvalidApplication] = {
        i: {"error": message, "errors": list(faults)} for i, faults in sound.faults.items()
    }
    for i, decision in zip(sound.positions, scored.decisions, strict=True):
        results[i] = _result(scored, decision)
    return {
        "status": "success",
        "count": len(results),
        "results": [results[i] for i in range(len(results))],
        "processing_time_ms": scored.latency_ms,
    }


def _result(scored: ScoredRequest, decision: Decision) -> ApplicationResult:
    return {
        "prediction": predicted_class(decision),
        "risk_score": _risk_score(decision),
        "probability_high_risk": round(decision.probability_of_default, 4),
        **scored.predict(decision),
    }


def predicted_class(decision: Decision) -> int:
    """Classify: 1 is a default, from a probability of one half on."""
    return int(decision.probability_of_default >= DEFAULT_FROM)


def _risk_score(decision: Decision) -> float:
    return round(100 * decision.probability_of_default, 2)
