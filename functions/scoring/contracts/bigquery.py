"""BigQuery remote functions: rows of arguments in, one JSON object a row out, in order.

Arguments stand in the order of the model's declaration. BigQuery asks again after 503 (a model is
being loaded) and fails the query at once on 400, which a faulty row is.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.scoring.contracts.foreign_errors import described, with_error_member
from functions.scoring.contracts.kserve_v1 import parse_reasons_parameter, predictions_from
from functions.scoring.decision_engine import MAX_ROWS, Desk, rows_from_document
from functions.web.bodies import json_answer, json_object
from functions.web.examples import example_from_schema
from functions.web.middleware import REQUEST_ID, Caller, caller_from_request
from functions.web.openapi import PREDICTION, Schema, members, operation, schema_from_model
from functions.web.problems import Fault
from models.contract import Characteristic, CreditModel, characteristics
from models.discovery import find_model

INTEGER = re.compile(r"-?[0-9]{1,19}")
FLAGS = {"true": True, "false": False}  # a user-defined context holds texts only


def routes(desk: Desk) -> list[Route]:
    """Routes of this contract."""

    async def call(request: Request) -> Response:
        model = request.path_params["model"]
        fields = arguments(find_model(desk.catalogue, model))
        document = await json_object(request)
        faults: list[Fault] = []
        with_reasons = _with_reasons(document.get("userDefinedContext"), faults)
        rows, paths = _rows(*rows_from_document(document, "calls"), fields, faults)
        table = desk.check_table(model, rows, paths, faults)
        caller = _caller(document.get("requestId"), caller_from_request(request))
        answer = await desk.decide(model, table, caller, with_reasons=with_reasons)
        return json_answer({"replies": predictions_from(answer)})

    handler = with_error_member("errorMessage", call)
    return [Route("/bigquery/{model}", handler, methods=["POST"])]


def paths(catalogue: Mapping[str, type[CreditModel]]) -> dict[str, Any]:
    """Describe these routes in OpenAPI, once for each model."""
    answer = {"replies": {"type": "array", "items": PREDICTION}}
    return {
        f"/bigquery/{name}": {
            "post": described(
                operation(f"Score {name} rows of a BigQuery query", _body(model), answer),
                "errorMessage",
            )
        }
        for name, model in catalogue.items()
    }


def arguments(model: type[CreditModel]) -> dict[str, str]:
    """BigQuery type of every argument, by name, in the order of the declaration."""
    return {c.name: _type_of(c) for c in characteristics(model) if c.compute is None}


def _type_of(c: Characteristic) -> str:
    if c.is_integer or c.is_coded:
        return "INT64"
    return "STRING" if c.levels or c.identifier else "FLOAT64"


def _rows(
    calls: Sequence[object], paths: Sequence[str], fields: Mapping[str, str], faults: list[Fault]
) -> tuple[list[dict[str, object]], list[str]]:
    """Calls with the right number of arguments as rows, each with its path."""
    sound: dict[str, dict[str, object]] = {}
    for values, path in zip(calls, paths, strict=True):
        if isinstance(values, list) and len(values) == len(fields):
            pairs = zip(fields.items(), values, strict=True)
            sound[path] = {name: _value(value, kind) for (name, kind), value in pairs}
        else:
            faults.append(Fault(path, f"Input should be a list of {len(fields)} arguments"))
    return list(sound.values()), list(sound)


def _value(value: object, kind: str) -> object:
    """The value itself; BigQuery writes an integer that a double cannot hold as text."""
    if kind == "INT64" and isinstance(value, str) and INTEGER.fullmatch(value):
        return int(value)
    return value


def _with_reasons(context: object, faults: list[Fault]) -> bool:
    """Read the routine's user-defined context."""
    if isinstance(context, dict):
        flag = context.get("reasons")
        if isinstance(flag, str):
            context = context | {"reasons": FLAGS.get(flag)}
    return parse_reasons_parameter({} if context is None else context, faults, "userDefinedContext")


def _caller(request_id: object, caller: Caller) -> Caller:
    """The caller under BigQuery's own id, so that a repeated request is answered as the first."""
    if isinstance(request_id, str) and REQUEST_ID.fullmatch(request_id):
        return replace(caller, request_id=request_id)
    return caller


def _body(model: type[CreditModel]) -> Schema:
    row = schema_from_model(model)
    schema, example = row["properties"], example_from_schema(row)
    fields = arguments(model)
    text = {"type": "string", "pattern": f"^{INTEGER.pattern}$"}
    values = [
        {"anyOf": [schema[name], text]} if kind == "INT64" else schema[name]
        for name, kind in fields.items()
    ]
    one = {
        "type": "array",
        "prefixItems": values,
        "minItems": len(values),
        "maxItems": len(values),
        "description": "Arguments in this order: " + ", ".join(fields),
        "examples": [[example.get(name) for name in fields]],
    }
    flag = {"enum": [True, False, *FLAGS]}
    context = {
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": {"reasons": flag},
    }
    calls = {"type": "array", "items": one, "minItems": 1, "maxItems": MAX_ROWS}
    said = {"requestId": {"description": "Any text"}, "userDefinedContext": context}
    return members({"calls": calls}) | {"properties": {"calls": calls} | said}
