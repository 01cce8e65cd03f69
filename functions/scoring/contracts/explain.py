"""`POST /v1/models/{m}:explain`: predictions, and what each characteristic contributes to each.

The explanation protocol of KServe v1 and Vertex AI: `predictions` as `:predict` returns them, all
with reasons, and `explanations` beside them. Each is recorded as a decision, as with `:predict`.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from functions.scoring.contracts.kserve_v1 import Predictions
from functions.scoring.contracts.model_schemas import rows_body
from functions.scoring.contracts.parameters import parameters_beside_instances, parse_reasons
from functions.scoring.contracts.waterfall import svg_from_explanation
from functions.scoring.decision_engine import (
    DecisionEngine,
    ScoringRequest,
    rows_from_document,
    validate_rows,
)
from functions.web.bodies import json_response, read_json_object
from functions.web.middleware import caller_from_request
from functions.web.openapi import Operation, closed_object
from functions.web.problems import Fault
from models.explaining.explanation import Explanation, explain_applications
from models.table import table_from_applications

MAX_INSTANCES = 100


@dataclass(frozen=True, slots=True)
class DrawnExplanation(Explanation):
    """An explanation, and its picture as SVG where one was requested."""

    picture: str | None = None


class Explanations(Predictions):
    """Predictions, all with reasons, and an explanation of each."""

    explanations: list[DrawnExplanation]


async def respond(engine: DecisionEngine, request: Request) -> Response:
    """Respond with predictions and an explanation of each."""
    model = engine.catalogue[request.path_params["model"]]
    document = await read_json_object(request)
    with_picture, faults = _parse_parameters(document)
    rows = rows_from_document(document, "instances", faults, MAX_INSTANCES)
    applications = validate_rows(model, rows, faults)
    table, caller = table_from_applications(model, applications), caller_from_request(request)
    scored = await engine.decide(ScoringRequest(table=table, caller=caller, with_reasons=True))
    explanations = await asyncio.to_thread(explain_applications, scored.loaded.scorer, applications)
    rendered = [_render(explanation, with_picture=with_picture) for explanation in explanations]
    return json_response({"predictions": scored.predictions(), "explanations": rendered})


def paths(catalogue: Mapping[str, Any]) -> dict[str, Any]:
    """Describe the route in OpenAPI, once for each model."""
    parameters = closed_object(
        {
            "picture": {"const": "svg", "description": "Also draw each as a waterfall"},
            "reasons": {"type": "boolean", "description": "Reasons are given in any case"},
        }
    ) | {"examples": [{"picture": "svg"}]}
    return {
        f"/v1/models/{name}:explain": {
            "post": Operation(
                f"Score {name} applications and explain each score",
                rows_body("instances", name, MAX_INSTANCES, parameters),
                Explanations,
            )
        }
        for name in catalogue
    }


def _parse_parameters(document: Mapping[str, Any]) -> tuple[bool, list[Fault]]:
    """Read whether pictures are wanted; `reasons` is accepted, though they are always given."""
    parameters, faults = parameters_beside_instances(document, {"picture", "reasons"})
    reasons = {n: v for n, v in parameters.items() if n == "reasons"}
    faults += parse_reasons(reasons)[1]
    if "picture" in parameters and parameters["picture"] != "svg":
        faults.append(Fault("parameters.picture", "Input should be 'svg'"))
    return "picture" in parameters, faults


def _render(explanation: Explanation, *, with_picture: bool) -> dict[str, Any]:
    picture = {"picture": svg_from_explanation(explanation)} if with_picture else {}
    return asdict(explanation) | picture
