"""`POST /v1/models/{m}:explain`: predictions, and what each characteristic adds to each.

The shape of KServe v1 and Vertex AI: `predictions` as `:predict` gives them, all with reasons, and
`explanations` beside them. Each is recorded as a decision, like those of `:predict`.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from functions.scoring.contracts.kserve_v1 import parse_reasons_parameter, predictions_from
from functions.scoring.contracts.waterfall import svg_from
from functions.scoring.decision_engine import Desk, parameters_from_document, rows_from_document
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
from functions.web.problems import Fault, refuse_faults
from models.contract import CreditModel
from models.discovery import find_model
from models.explaining.explanation import Explanation, explain_applications
from models.table import table_from_applications

MAX_INSTANCES = 100

SAID: Schema = {"type": ["string", "number", "null"]}
STANDING: Schema = members({"log_odds": {"type": "number"}, "credit_score": {"type": "number"}})
CONTRIBUTION: Schema = members(
    {
        "characteristic": {"type": "string"},
        "value": SAID,
        "reference": SAID,
        "log_odds": {"type": "number", "description": "Above 0 is risk"},
        "points": {"type": "number", "description": "Below 0 is risk"},
    }
)
EXPLANATION: Schema = {
    "type": "object",
    "required": ["base_of", "base", "total", "contributions"],
    "properties": {
        "base_of": {
            "enum": ["reference", "training_mean"],
            "description": "Where contributions start: at the reference, or, for trees, at the "
            "mean log-odds of the training rows",
        },
        "base": STANDING,
        "total": STANDING
        | {"description": "Base plus contributions; log-odds before calibration, score unrounded"},
        "contributions": {
            "type": "array",
            "items": CONTRIBUTION,
            "description": "Of every scored characteristic, strongest first",
        },
        "picture": {"type": "string", "description": "SVG, where asked for"},
    },
}


async def respond(desk: Desk, request: Request) -> Response:
    """Answer with predictions and an explanation of each."""
    model = request.path_params["model"]
    find_model(desk.catalogue, model)
    document = await json_object(request)
    with_picture = _with_picture(document)
    applications = desk.check_all(model, *rows_from_document(document, "instances", MAX_INSTANCES))
    table = table_from_applications(desk.catalogue[model], applications)
    answer = await desk.decide(model, table, caller_from_request(request), with_reasons=True)
    found = await asyncio.to_thread(explain_applications, answer.loaded.scorer, applications)
    said = [_said(explanation, with_picture=with_picture) for explanation in found]
    return json_answer({"predictions": predictions_from(answer), "explanations": said})


def paths(catalogue: Mapping[str, type[CreditModel]]) -> dict[str, Any]:
    """Describe the route in OpenAPI, once for each model."""
    return {
        f"/v1/models/{name}:explain": {"post": _operation(name, model)}
        for name, model in catalogue.items()
    }


def _operation(name: str, model: type[CreditModel]) -> dict[str, Any]:
    instances = {
        "type": "array",
        "items": schema_from_model(model),
        "minItems": 1,
        "maxItems": MAX_INSTANCES,
    }
    picture = {"const": "svg", "description": "Also draw each as a waterfall"}
    reasons = {"type": "boolean", "description": "Reasons are given in any case"}
    parameters = closed_object({"picture": picture, "reasons": reasons}, required=())
    parameters["examples"] = [{"picture": "svg"}]
    body = closed_object(
        {"instances": instances, "parameters": parameters}, required=("instances",)
    )
    answer = {
        "predictions": {"type": "array", "items": PREDICTION},
        "explanations": {"type": "array", "items": EXPLANATION},
    }
    return operation(f"Score {name} applications and explain each score", body, answer)


def _with_picture(document: dict[str, Any]) -> bool:
    parameters, faults = parameters_from_document(document, {"picture", "reasons"})
    parse_reasons_parameter(
        {n: v for n, v in parameters.items() if n == "reasons"}, faults
    )  # always given
    if "picture" in parameters and parameters["picture"] != "svg":
        faults.append(Fault("parameters.picture", "Input should be 'svg'"))
    refuse_faults(faults)
    return "picture" in parameters


def _said(explanation: Explanation, *, with_picture: bool) -> dict[str, Any]:
    picture = {"picture": svg_from(explanation)} if with_picture else {}
    return asdict(explanation) | picture
