"""`POST /v1/models/{m}:whatif`: one application with other values in one or two of its fields.

The answer is flat: cell by cell, the last field varying fastest. Nothing is decided, so nothing is
written to the decision record.
"""

import asyncio
from collections.abc import Mapping, Sequence
from itertools import product
from math import prod
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from functions.scoring.contracts.kserve_v1 import predictions_from
from functions.scoring.decision_engine import Desk, parameters_from_document, rows_from_document
from functions.web.bodies import json_answer, json_object
from functions.web.examples import example_from_schema
from functions.web.middleware import caller_from_request
from functions.web.openapi import (
    PREDICTION,
    Schema,
    closed_object,
    members,
    operation,
    schema_from_model,
)
from functions.web.problems import Fault, extra_members, refuse_faults
from models.contract import Characteristic, CreditModel, characteristics
from models.discovery import find_model
from models.scorer import Scorer

MAX_CELLS = 400
MAX_FIELDS = 2

Grid = dict[str, list[Any]]

WHATIF: Schema = members(
    {
        "fields": {"type": "array", "items": {"type": "string"}, "maxItems": MAX_FIELDS},
        "values": {"type": "array", "items": {"type": "array"}, "description": "Of each field"},
        "probability_of_default": {
            "type": "array",
            "items": {"type": "number"},
            "description": "Cell by cell, the last field varying fastest; the other lists likewise",
        },
        "credit_score": {"type": "array", "items": {"type": "integer"}},
        "decision": {"type": "array", "items": {"enum": ["approve", "refer", "decline"]}},
    }
)


async def respond(desk: Desk, request: Request) -> Response:
    """Answer with the prediction and a grid of others."""
    model = request.path_params["model"]
    find_model(desk.catalogue, model)
    document = await json_object(request)
    application, grid = _asked(desk, model, document)
    answer = await desk.consider(model, [application], caller_from_request(request))
    cells = await asyncio.to_thread(_cells, answer.loaded.scorer, application, grid)
    return json_answer({"predictions": predictions_from(answer), "whatif": cells})


def paths(catalogue: Mapping[str, type[CreditModel]]) -> dict[str, Any]:
    """Describe the route in OpenAPI, once for each model."""
    return {
        f"/v1/models/{name}:whatif": {"post": _operation(name, model)}
        for name, model in catalogue.items()
    }


def _operation(name: str, model: type[CreditModel]) -> dict[str, Any]:
    row = schema_from_model(model)
    values = {
        field: {
            "type": "array",
            "items": row["properties"][field],
            "minItems": 1,
            "maxItems": MAX_CELLS,
        }
        for field in (c.name for c in _scored(model))
    }
    grid = closed_object(values, required=()) | {
        "minProperties": 1,
        "maxProperties": MAX_FIELDS,
        "description": f"Values of one or two fields; at most {MAX_CELLS} cells",
        "examples": [_example(model, row)],
    }
    instances = {"type": "array", "items": row, "minItems": 1, "maxItems": 1}
    body = closed_object(
        {"instances": instances, "parameters": closed_object({"grid": grid}, required=("grid",))},
        required=("instances", "parameters"),
    )
    answer = {"predictions": {"type": "array", "items": PREDICTION}, "whatif": WHATIF}
    return operation(
        f"Try other values in an application to {name}; nothing is recorded", body, answer
    )


def _asked(desk: Desk, model: str, document: dict[str, Any]) -> tuple[CreditModel, Grid]:
    """The application and the values to try, as the contract reads them, or every fault of both."""
    parameters, faults = parameters_from_document(document, {"grid"})
    [row], [path] = rows_from_document(document, "instances", most=1)
    checked = desk.check(model, row, path)
    faults += checked if isinstance(checked, list) else []
    given = parameters.get("grid")
    if not isinstance(given, dict) or not 1 <= len(given) <= MAX_FIELDS:
        faults.append(Fault("parameters.grid", "Input should be an object with one or two fields"))
        given = {}
    misshapen = _faults_of_shape(desk.catalogue[model], given)
    faults += misshapen
    grid: Grid = {}
    if isinstance(row, dict) and not misshapen:
        for field, values in given.items():
            grid[field], found = _checked_values(desk, model, row, (field, values))
            faults += found
    refuse_faults(faults)
    [application] = [a for a in [checked] if isinstance(a, CreditModel)]
    return application, grid


def _faults_of_shape(contract: type[CreditModel], grid: Mapping[str, object]) -> list[Fault]:
    """What is wrong with a grid, its values aside."""
    protected = {c.name for c in characteristics(contract) if c.protected}
    derived = {c.name for c in characteristics(contract) if c.compute}
    faults = extra_members(grid, {*contract.model_fields, *derived}, "parameters.grid")
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


def _checked_values(
    desk: Desk, model: str, row: dict[str, Any], tried: tuple[str, Sequence[object]]
) -> tuple[list[Any], list[Fault]]:
    """Values of a field as the contract reads them, and the faults of those it refuses."""
    read, faults = [], []
    field, values = tried
    for i, value in enumerate(values):
        checked = desk.check(model, row | {field: value}, "")
        if isinstance(checked, CreditModel):
            read.append(getattr(checked, field))
        else:
            wrong = [fault for fault in checked if fault.path == field]
            faults += [Fault(f"parameters.grid.{field}[{i}]", fault.message) for fault in wrong]
    return read, faults


def _cells(scorer: Scorer, application: CreditModel, grid: Grid) -> dict[str, Any]:
    """What each cell would be answered, as lists."""
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


def _example(contract: type[CreditModel], row: Schema) -> Grid:
    """A field the applicant can change: half of what the example has, or a level."""
    field = max(_scored(contract), key=lambda c: c.changeable)
    schema, present = row["properties"][field.name], example_from_schema(row).get(field.name)
    if field.levels or present is None:
        return {field.name: [example_from_schema(schema)]}
    half = present // 2 if field.is_integer else present / 2
    return {field.name: [max(half, schema.get("minimum", half))]}


def _scored(contract: type[CreditModel]) -> list[Characteristic]:
    return [c for c in characteristics(contract) if not c.protected and not c.compute]
