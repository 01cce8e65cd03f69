"""`POST /v1/models/{m}:recourse`: the smallest change of changeable fields that gets approval.

Nothing is decided, so nothing is written to the decision log.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from functions.scoring.contracts.kserve_v1 import Predictions
from functions.scoring.contracts.model_schemas import rows_body
from functions.scoring.contracts.parameters import parameters_beside_instances
from functions.scoring.decision_engine import (
    DecisionEngine,
    ScoringRequest,
    rows_from_document,
    validate_rows,
)
from functions.web.bodies import json_response, read_json_object
from functions.web.middleware import caller_from_request
from functions.web.openapi import Operation, closed_object
from models.contract import CreditModel, characteristics
from models.explaining.recourse import Change, Recourse, smallest_change
from models.explaining.recourse_grid import allowed_values, search_limits
from models.prediction import Prediction, ScoredRequest
from models.table import table_from_applications

MAX_INSTANCES = 20
DETAILS = {
    "approved_already": "It is approved as it stands",
    "found": "No smaller change of the changeable fields is approved",
    "nothing_changeable": "This model declares no field that an applicant can change",
    "none_exists": "No change of at most {fields} changeable fields is approved",
}

RecourseOutcome = Literal["approved_already", "found", "none_exists"]


class RecourseResult(TypedDict):
    """The smallest change that is approved; `changes` only where one was found."""

    outcome: RecourseOutcome
    detail: str
    changes: NotRequired[list[Change]]
    distance: NotRequired[
        Annotated[
            float,
            Field(description="Sum of changes in interquartile ranges; a level counts as 1."),
        ]
    ]
    prediction: NotRequired[Annotated[Prediction, Field(description="With these changes.")]]


class SearchedField(TypedDict):
    """A changeable field and the values that were considered."""

    field: str
    levels: NotRequired[list[str | int | float]]
    lowest: NotRequired[int | float]
    highest: NotRequired[int | float]
    step: NotRequired[float]


class Recourses(Predictions):
    """Predictions, what would get each approved, and what was considered."""

    recourses: list[RecourseResult]
    searched: list[SearchedField]


async def respond(engine: DecisionEngine, request: Request) -> Response:
    """Respond with predictions and the smallest change for each."""
    model = engine.catalogue[request.path_params["model"]]
    document = await read_json_object(request)
    faults = parameters_beside_instances(document, set())[1]
    rows = rows_from_document(document, "instances", faults, MAX_INSTANCES)
    applications = validate_rows(model, rows, faults)
    table, caller = table_from_applications(model, applications), caller_from_request(request)
    scored = await engine.consider(ScoringRequest(table=table, caller=caller))
    results = await asyncio.to_thread(_find_recourses, scored, applications)
    searched = allowed_values(model, scored.loaded.manifest.spreads)
    return json_response(
        {"predictions": scored.predictions(), "recourses": results, "searched": searched}
    )


def paths(catalogue: Mapping[str, Any]) -> dict[str, Any]:
    """Describe the route in OpenAPI, once for each model."""
    return {
        f"/v1/models/{name}:recourse": {
            "post": Operation(
                f"Find what would get an application to {name} approved",
                rows_body("instances", name, MAX_INSTANCES, closed_object({})),
                Recourses,
            )
        }
        for name in catalogue
    }


def _find_recourses(
    scored: ScoredRequest, applications: Sequence[CreditModel]
) -> list[RecourseResult]:
    scorer, spreads = scored.loaded.scorer, scored.loaded.manifest.spreads
    return [_render(scored, smallest_change(scorer, spreads, a)) for a in applications]


def _render(scored: ScoredRequest, recourse: Recourse | None) -> RecourseResult:
    if recourse is None:
        model = scored.table.model
        if not any(c.changeable for c in characteristics(model)):
            return {"outcome": "none_exists", "detail": DETAILS["nothing_changeable"]}
        fields = search_limits(model).fields
        return {"outcome": "none_exists", "detail": DETAILS["none_exists"].format(fields=fields)}
    if not recourse.changes:
        return {"outcome": "approved_already", "detail": DETAILS["approved_already"]}
    [after] = scored.loaded.scorer.decide([recourse.application])
    return {
        "outcome": "found",
        "detail": DETAILS["found"],
        "changes": list(recourse.changes),
        "distance": recourse.distance,
        "prediction": scored.predict(after),
    }
