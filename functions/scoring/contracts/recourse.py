"""`POST /v1/models/{m}:recourse`: the smallest change of changeable fields that gets approval.

Nothing is decided, so nothing is written to the decision record.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from functions.scoring.contracts.kserve_v1 import prediction, predictions_from
from functions.scoring.decision_engine import (
    Answer,
    Desk,
    parameters_from_document,
    rows_from_document,
)
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
from functions.web.problems import refuse_faults
from models.contract import CreditModel
from models.discovery import find_model
from models.explaining.recourse import MOST_FIELDS, Recourse, smallest_change
from models.explaining.recourse_grid import allowed_values

MAX_INSTANCES = 20

VALUE: Schema = {"type": ["string", "number"]}
CHANGE: Schema = members({"field": {"type": "string"}, "present": VALUE, "proposed": VALUE})
RECOURSE: Schema = {
    "type": "object",
    "required": ["outcome", "detail"],
    "properties": {
        "outcome": {"enum": ["approved_already", "found", "none_exists"]},
        "detail": {"type": "string"},
        "changes": {"type": "array", "items": CHANGE, "maxItems": MOST_FIELDS},
        "distance": {
            "type": "number",
            "description": "Sum of changes, each by the interquartile range of the training rows; "
            "another level counts as 1",
        },
        "prediction": PREDICTION | {"description": "With these changes"},
    },
}
SEARCHED: Schema = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["field"],
        "properties": {
            "field": {"type": "string"},
            "levels": {"type": "array", "items": VALUE},
            "lowest": {"type": "number"},
            "highest": {"type": "number"},
            "step": {"type": "number"},
        },
    },
    "description": "The changeable fields and the values that were considered",
}
DETAILS = {
    "approved_already": "It is approved as it stands",
    "found": "No smaller change of the changeable fields is approved",
    "none_exists": f"No change of at most {MOST_FIELDS} changeable fields is approved",
}


async def respond(desk: Desk, request: Request) -> Response:
    """Answer with predictions and the smallest change for each."""
    model = request.path_params["model"]
    find_model(desk.catalogue, model)
    document = await json_object(request)
    refuse_faults(parameters_from_document(document, set())[1])
    applications = desk.check_all(model, *rows_from_document(document, "instances", MAX_INSTANCES))
    answer = await desk.consider(model, applications, caller_from_request(request))
    found = await asyncio.to_thread(_recourses, answer, applications)
    manifest, contract = answer.loaded.manifest, answer.loaded.scorer.model
    searched = allowed_values(contract, manifest.spreads)
    said = {"predictions": predictions_from(answer), "recourses": found, "searched": searched}
    return json_answer(said)


def paths(catalogue: Mapping[str, type[CreditModel]]) -> dict[str, Any]:
    """Describe the route in OpenAPI, once for each model."""
    return {
        f"/v1/models/{name}:recourse": {"post": _operation(name, model)}
        for name, model in catalogue.items()
    }


def _operation(name: str, model: type[CreditModel]) -> dict[str, Any]:
    instances = {
        "type": "array",
        "items": schema_from_model(model),
        "minItems": 1,
        "maxItems": MAX_INSTANCES,
    }
    parameters = closed_object({}, required=())
    body = closed_object(
        {"instances": instances, "parameters": parameters}, required=("instances",)
    )
    answer = {
        "predictions": {"type": "array", "items": PREDICTION},
        "recourses": {"type": "array", "items": RECOURSE},
        "searched": SEARCHED,
    }
    return operation(f"Find what would get an application to {name} approved", body, answer)


def _recourses(answer: Answer, applications: Sequence[CreditModel]) -> list[dict[str, Any]]:
    scorer, spreads = answer.loaded.scorer, answer.loaded.manifest.spreads
    return [_said(answer, smallest_change(scorer, spreads, a)) for a in applications]


def _said(answer: Answer, found: Recourse | None) -> dict[str, Any]:
    if found is None:
        return {"outcome": "none_exists", "detail": DETAILS["none_exists"]}
    if not found.changes:
        return {"outcome": "approved_already", "detail": DETAILS["approved_already"]}
    [after] = answer.loaded.scorer.decide([found.application])
    return {
        "outcome": "found",
        "detail": DETAILS["found"],
        "changes": [asdict(change) for change in found.changes],
        "distance": found.distance,
        "prediction": prediction(answer, after),
    }
