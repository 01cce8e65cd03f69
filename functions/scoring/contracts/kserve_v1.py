"""The canonical contract, for any model: the prediction protocol of KServe v1 and Vertex AI.

`POST /v1/models/{m}:predict` with `{"instances": [...]}` responds `{"predictions": [...]}`.
`GET /v1/models` and `GET /v1/models/{m}` report what is loaded, `GET /` that the process is up.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Literal, NotRequired

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from typing_extensions import TypedDict

from functions.scoring.contracts.model_schemas import rows_body
from functions.scoring.contracts.parameters import parse_reasons_beside
from functions.scoring.decision_engine import (
    DecisionEngine,
    ScoringRequest,
    rows_from_document,
    validate_table,
)
from functions.web.bodies import JSON, json_response, read_json_object
from functions.web.contract import PROBE, Contract
from functions.web.middleware import caller_from_request
from functions.web.openapi import Operation
from models.contract import CreditModel, contract_hash
from models.metrics import Estimate
from models.prediction import Prediction, ScoredRequest
from models.registry.monitored_status import MonitoredStatus


class Predictions(TypedDict):
    """One prediction for each instance, in order."""

    predictions: list[Prediction]


class ServingChallenger(TypedDict):
    """A version that answers a share of requests."""

    version: str
    share: float


class Model(TypedDict):
    """A credit model of the service, and what serves it; `problem` says why a load failed."""

    name: str
    ready: bool
    contract: str
    version: NotRequired[str]
    since: NotRequired[str]
    family: NotRequired[str]
    metrics: NotRequired[dict[str, Estimate]]
    challenger: NotRequired[ServingChallenger]
    problem: NotRequired[str]
    monitoring: NotRequired[MonitoredStatus]


class ModelWithSchema(Model):
    """A credit model, with the JSON schema of one row."""

    input_schema: dict[str, Any]


class Models(TypedDict):
    """The names of all credit models, which is all that the protocol knows, and what we add."""

    models: list[str]
    details: list[Model]


class Alive(TypedDict):
    """The process is up."""

    status: Literal["alive"]


def contract(engine: DecisionEngine) -> Contract:
    """Predictions and model metadata of every credit model."""

    async def predict(request: Request) -> Response:
        model = engine.catalogue[request.path_params["model"]]
        return await predict_instances(engine, model, request)

    async def list_models(_request: Request) -> Response:
        details = [_describe_model(engine, name) for name in engine.catalogue]
        return json_response(Models(models=list(engine.catalogue), details=details))

    async def alive(_request: Request) -> Response:
        return json_response(Alive(status="alive"))

    async def show_model(request: Request) -> Response:
        name, verb, _ = request.path_params["model"].partition(":")
        model = engine.catalogue[name]
        if verb:
            raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": "POST"})
        schema = model.model_json_schema()
        return json_response({**_describe_model(engine, name), "input_schema": schema})

    return Contract(
        tag="Any model",
        routes=[
            Route("/", alive, methods=["GET"]),
            Route("/v1/models", list_models, methods=["GET"]),
            Route("/v1/models/{model}:predict", predict, methods=["POST"]),
            Route("/v1/models/{model}", show_model, methods=["GET"]),
        ],
        scopes={
            "GET /": PROBE,
            "GET /v1/models": "models",
            "POST /v1/models/{model}:predict": "score",
            "GET /v1/models/{model}": "models",
        },
        paths=lambda: _paths(engine.catalogue),
    )


async def predict_instances(
    engine: DecisionEngine, model: type[CreditModel], request: Request
) -> Response:
    """Answer `{"instances": [...], "parameters": {}}` with `{"predictions": [...]}`."""
    document = await read_json_object(request)
    with_reasons, faults = parse_reasons_beside(document, "instances")
    rows = rows_from_document(document, "instances", faults)
    rows, features_of = await engine.complete(model, rows)
    table = validate_table(model, rows, faults)
    caller = caller_from_request(request)
    scored = await engine.decide(
        ScoringRequest(
            table=table, caller=caller, with_reasons=with_reasons, features_of=features_of
        )
    )
    return predictions_response(scored)


def predictions_response(scored: ScoredRequest) -> Response:
    """Respond with `Predictions`."""
    return Response(f'{{"predictions":{scored.write_predictions()}}}', media_type=JSON)


def predict_operation(model_name: str) -> Operation:
    """Describe a prediction by `predict_instances`."""
    body = rows_body("instances", model_name)
    return Operation(f"Score {model_name} applications", body, Predictions)


def _paths(catalogue: Mapping[str, type[CreditModel]]) -> dict[str, Any]:
    by_model = {
        path: item
        for name in catalogue
        for path, item in (
            (f"/v1/models/{name}:predict", {"post": predict_operation(name)}),
            (
                f"/v1/models/{name}",
                {"get": Operation(f"Show {name} and its contract", response=ModelWithSchema)},
            ),
        )
    }
    return {
        "/": {"get": Operation("Check that the process is up, as KServe does", response=Alive)},
        "/v1/models": {"get": Operation("List the models", response=Models)},
    } | by_model


def _describe_model(engine: DecisionEngine, name: str) -> Model:
    state = engine.loader.states[name]
    description: Model = {
        "name": name,
        "ready": state.serving is not None,
        "contract": contract_hash(engine.catalogue[name]),
    }
    if state.serving:
        pointer, manifest = state.serving.pointer, state.serving.champion.manifest
        description["version"] = state.serving.champion.version
        description["since"] = pointer.when.isoformat()
        description["family"] = manifest.family
        description["metrics"] = dict(manifest.metrics)
        if state.serving.challenger and pointer.challenger:
            version, share = state.serving.challenger.version, pointer.challenger.share
            description["challenger"] = {"version": version, "share": share}
    if state.cause:
        description["problem"] = state.cause
    if state.monitored:
        description["monitoring"] = state.monitored.status
    return description
