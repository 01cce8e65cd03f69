"""`POST /v1/models/{m}:whatif`: one application with other values in one or two of its fields.

The response is flat: cell by cell, the last field varying fastest. Nothing is decided, so nothing
is written to the decision log.
"""

import asyncio
from collections.abc import Mapping
from itertools import product
from math import prod
from typing import Annotated, Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from functions.scoring.contracts.kserve_v1 import Predictions
from functions.scoring.contracts.model_schemas import rows_body, schema_from_model
from functions.scoring.contracts.parameters import parameters_beside_instances
from functions.scoring.decision_engine import (
    DecisionEngine,
    ScoringRequest,
    rows_from_document,
    validate_row,
)
from functions.web.bodies import json_response, read_json_object, unknown_members
from functions.web.examples import example_from_schema
from functions.web.middleware import caller_from_request
from functions.web.openapi import Operation, Schema, array, closed_object
from functions.web.problems import Fault, reject_faults
from models.contract import Characteristic, CreditModel, characteristics
from models.policy import DecisionName
from models.scorer import Scorer
from models.table import table_from_applications

MAX_CELLS = 400
MAX_FIELDS = 2

Grid = dict[str, list[Any]]


class Cells(TypedDict):
    """Outcomes cell by cell, the last field varying fastest."""

    fields: list[str]
    values: Annotated[list[list[str | int | float | None]], Field(description="Of each field.")]
    probability_of_default: list[float]
    credit_score: list[int]
    decision: list[DecisionName]


class WhatIf(Predictions):
    """The prediction of the application as it stands, and of every cell of the grid."""

    whatif: Cells


async def respond(engine: DecisionEngine, request: Request) -> Response:
    """Respond with the prediction and a grid of others."""
    model = engine.catalogue[request.path_params["model"]]
    document = await read_json_object(request)
    application, grid = _parse(model, document)
    table, caller = table_from_applications(model, [application]), caller_from_request(request)
    scored = await engine.consider(ScoringRequest(table=table, caller=caller))
    cells = await asyncio.to_thread(_decide_cells, scored.loaded.scorer, application, grid)
    return json_response(WhatIf(predictions=scored.predictions(), whatif=cells))


def paths(catalogue: Mapping[str, type[CreditModel]]) -> dict[str, Any]:
    """Describe the route in OpenAPI, once for each model."""
    return {
        f"/v1/models/{name}:whatif": {
            "post": Operation(
                f"Try other values in an application to {name}; nothing is recorded",
                rows_body("instances", name, 1, _parameters_schema(model))
                | {"required": ["instances", "parameters"]},
                WhatIf,
            )
        }
        for name, model in catalogue.items()
    }


def _parse(model: type[CreditModel], document: dict[str, Any]) -> tuple[CreditModel, Grid]:
    """Read the application and the grid.

    Raises
    ------
    RequestError
        If there is any fault: it lists those of the application and of the grid.
    """
    parameters, faults = parameters_beside_instances(document, {"grid"})
    rows = rows_from_document(document, "instances", faults, most=1)
    [row], [path] = rows.values, rows.paths
    application = validate_row(model, row, path)
    if isinstance(application, list):
        faults += application
    grid, grid_faults = _parse_grid(model, parameters.get("grid"), row)
    reject_faults([*faults, *grid_faults])
    [valid] = [a for a in [application] if isinstance(a, CreditModel)]
    return valid, grid


def _parse_grid(model: type[CreditModel], grid: object, row: object) -> tuple[Grid, list[Fault]]:
    """Read the values to try as the contract reads them, each in the place of the row's own."""
    if not isinstance(grid, dict) or not 1 <= len(grid) <= MAX_FIELDS:
        path, rule = "parameters.grid", "Input should be an object with one or two fields"
        return {}, [Fault(path, rule)]
    faults = _check_shape(model, grid)
    if faults or not isinstance(row, dict):
        return {}, faults
    values: Grid = {field: [] for field in grid}
    for field, candidates in grid.items():
        for i, candidate in enumerate(candidates):
            result = validate_row(model, row | {field: candidate}, "")
            if isinstance(result, CreditModel):
                values[field].append(getattr(result, field))
            else:
                path = f"parameters.grid.{field}[{i}]"
                faults += [Fault(path, fault.message) for fault in result if fault.path == field]
    return values, faults


def _check_shape(model: type[CreditModel], grid: Mapping[str, object]) -> list[Fault]:
    """Check everything about a grid but its values."""
    protected = {c.name for c in characteristics(model) if c.protected}
    derived = {c.name for c in characteristics(model) if c.compute}
    faults = unknown_members(grid, {*model.model_fields, *derived}, "parameters.grid")
    for names, rule in (
        (protected, "This field is protected: no score depends on it"),
        (derived, "This value follows from other fields"),
    ):
        faults += [Fault(f"parameters.grid.{name}", rule) for name in grid if name in names]
    bounded = [v for v in grid.values() if isinstance(v, list) and 1 <= len(v) <= MAX_CELLS]
    if len(bounded) < len(grid) or prod(map(len, bounded)) > MAX_CELLS:
        rule = f"Each field should have a list of values, all together 1 to {MAX_CELLS} cells"
        faults.append(Fault("parameters.grid", rule))
    return faults


def _decide_cells(scorer: Scorer, application: CreditModel, grid: Grid) -> Cells:
    cells = [
        application.model_copy(update=dict(zip(grid, values, strict=True)))
        for values in product(*grid.values())
    ]
    decisions = scorer.decide_without_reasons(cells)
    return {
        "fields": list(grid),
        "values": list(grid.values()),
        "probability_of_default": [d.probability_of_default for d in decisions],
        "credit_score": [round(d.credit_score) for d in decisions],
        "decision": [d.decision for d in decisions],
    }


def _parameters_schema(model: type[CreditModel]) -> Schema:
    row = schema_from_model(model)
    lists = {c.name: array(row["properties"][c.name], MAX_CELLS) for c in _scored_fields(model)}
    grid = closed_object(lists) | {
        "minProperties": 1,
        "maxProperties": MAX_FIELDS,
        "description": f"Values of one or two fields; at most {MAX_CELLS} cells",
        "examples": [_example(model, row)],
    }
    return closed_object({"grid": grid}, required=["grid"])


def _example(model: type[CreditModel], row: Schema) -> Grid:
    """Pick a field the applicant can change: half of the example's amount, or a level."""
    field = max(_scored_fields(model), key=lambda c: c.changeable)
    schema, present = row["properties"][field.name], example_from_schema(row).get(field.name)
    if field.levels or field.is_date or present is None:
        return {field.name: [example_from_schema(schema)]}
    half = present // 2 if field.is_integer else present / 2
    return {field.name: [max(half, schema.get("minimum", half))]}


def _scored_fields(model: type[CreditModel]) -> list[Characteristic]:
    return [c for c in characteristics(model) if not c.protected and not c.compute]
