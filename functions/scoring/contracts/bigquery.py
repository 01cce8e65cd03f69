"""BigQuery remote functions: rows of arguments in, one JSON object a row out, in order.

Arguments are in the order of the model's declaration. BigQuery retries after 503 (a model is being
loaded) and fails the query at once on 400, which an invalid row is.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from typing_extensions import TypedDict

from functions.scoring.contracts.foreign_errors import with_error_member
from functions.scoring.contracts.model_schemas import schema_from_model
from functions.scoring.contracts.parameters import parse_reasons
from functions.scoring.decision_engine import (
    MAX_ROWS,
    DecisionEngine,
    Rows,
    ScoringRequest,
    rows_from_document,
    validate_table,
)
from functions.web.bodies import json_response, read_json_object
from functions.web.contract import Contract
from functions.web.examples import example_from_schema
from functions.web.middleware import REQUEST_ID, Caller, caller_from_request
from functions.web.openapi import Operation, Schema, array, closed_object
from functions.web.problems import Fault
from models.contract import Characteristic, CreditModel, characteristics
from models.prediction import Prediction

INTEGER = re.compile(r"-?[0-9]{1,19}")
NUMERIC = re.compile(r"-?[0-9]{1,39}(\.[0-9]{1,38})?")
FLAGS = {"true": True, "false": False}  # a user-defined context holds strings only


class Replies(TypedDict):
    """One prediction for each call, in order."""

    replies: list[Prediction]


def contract(engine: DecisionEngine) -> Contract:
    """`/bigquery/{model}`, called by a remote function of that model."""

    async def call(request: Request) -> Response:
        model = engine.catalogue[request.path_params["model"]]
        document = await read_json_object(request)
        with_reasons, faults = _parse_context(document.get("userDefinedContext"))
        calls = rows_from_document(document, "calls", faults)
        rows, row_faults = _rows_from_calls(calls, arguments(model))
        table = validate_table(model, rows, [*faults, *row_faults])
        caller = _with_request_id(caller_from_request(request), document.get("requestId"))
        scored = await engine.decide(
            ScoringRequest(table=table, caller=caller, with_reasons=with_reasons)
        )
        return json_response(Replies(replies=scored.predictions()))

    path = "/bigquery/{model}"
    return Contract(
        tag="BigQuery",
        routes=[Route(path, with_error_member("errorMessage", call), methods=["POST"])],
        scopes={f"POST {path}": "score"},
        paths=lambda: _paths(engine.catalogue),
    )


def arguments(model: type[CreditModel]) -> dict[str, str]:
    """Return the BigQuery type of every argument by name, in the order of the declaration."""
    return {c.name: _argument_type(c) for c in characteristics(model) if c.compute is None}


def _argument_type(c: Characteristic) -> str:
    if c.is_integer or c.is_coded:
        return "INT64"
    if c.is_date:
        return "DATE"
    return "STRING" if c.is_text else "FLOAT64"


def _rows_from_calls(calls: Rows, types: Mapping[str, str]) -> tuple[Rows, list[Fault]]:
    """Turn calls with the right number of arguments into rows; the others are faults."""
    rows: dict[str, dict[str, object]] = {}
    faults = []
    for values, path in zip(calls.values, calls.paths, strict=True):
        if isinstance(values, list) and len(values) == len(types):
            pairs = zip(types.items(), values, strict=True)
            rows[path] = {name: _parse_value(value, kind) for (name, kind), value in pairs}
        else:
            faults.append(Fault(path, f"Input should be a list of {len(types)} arguments"))
    return Rows(list(rows.values()), list(rows)), faults


def _parse_value(value: object, kind: str) -> object:
    """Return the value itself; BigQuery writes what a double may not hold exactly as text.

    That is a large INT64, and every NUMERIC and BIGNUMERIC.
    """
    if isinstance(value, str):
        if kind == "INT64" and INTEGER.fullmatch(value):
            return int(value)
        if kind in ("INT64", "FLOAT64") and NUMERIC.fullmatch(value):
            return float(value)
    return value


def _parse_context(context: object) -> tuple[bool, Sequence[Fault]]:
    """Read the routine's user-defined context, whose flags are strings."""
    if isinstance(context, dict) and isinstance(context.get("reasons"), str):
        context = context | {"reasons": FLAGS.get(context["reasons"])}
    return parse_reasons(context, "userDefinedContext")


def _with_request_id(caller: Caller, request_id: object) -> Caller:
    """Use BigQuery's own id, so that a repeated request gets the same decision ids."""
    if isinstance(request_id, str) and REQUEST_ID.fullmatch(request_id):
        return replace(caller, request_id=request_id)
    return caller


def _paths(catalogue: Mapping[str, type[CreditModel]]) -> dict[str, Any]:
    return {
        f"/bigquery/{name}": {
            "post": Operation(
                f"Score {name} rows of a BigQuery query",
                _body(model),
                Replies,
                error_member="errorMessage",
            )
        }
        for name, model in catalogue.items()
    }


def _body(model: type[CreditModel]) -> Schema:
    row, types = schema_from_model(model), arguments(model)
    example = example_from_schema(row)
    text = {"type": "string", "pattern": f"^{NUMERIC.pattern}$"}
    values = [
        row["properties"][name] if kind == "STRING" else {"anyOf": [row["properties"][name], text]}
        for name, kind in types.items()
    ]
    call = {
        "type": "array",
        "prefixItems": values,
        "items": {},  # client generators want it; there are no more
        "minItems": len(values),
        "maxItems": len(values),
        "description": "Arguments in this order: " + ", ".join(types),
        "examples": [[example.get(name) for name in types]],
    }
    flag = {"anyOf": [{"type": "boolean"}, {"type": "string", "enum": list(FLAGS)}]}
    context = closed_object({"reasons": flag})
    return {
        "type": "object",
        "required": ["calls"],
        "properties": {
            "calls": array(call, MAX_ROWS),
            "requestId": {"description": "Any text"},
            "userDefinedContext": context | {"type": ["object", "null"]},
        },
    }
