"""BigQuery remote functions: rows of arguments in, one JSON object a row out, in order.

Arguments are in the order of the model's declaration. BigQuery retries after 503 (a model is being
loaded) and fails the query at once on 400, which an invalid row is unless the routine's context
asks for errors by row.
"""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from typing_extensions import TypedDict

from functions.scoring.contracts.foreign_errors import with_error_member
from functions.scoring.contracts.parameters import parse_reasons
from functions.scoring.contracts.warehouse_rows import (
    BY_ROW,
    QueryOptions,
    Reply,
    call_schema,
    score_calls,
    with_request_id,
)
from functions.scoring.decision_engine import MAX_ROWS, DecisionEngine, rows_from_document
from functions.web.bodies import json_response, read_json_object
from functions.web.contract import Contract
from functions.web.middleware import caller_from_request
from functions.web.openapi import Operation, Schema, array, closed_object
from functions.web.problems import Fault, reject_faults
from models.contract import CreditModel

FLAGS = {"true": True, "false": False}  # a user-defined context holds strings only


class Replies(TypedDict):
    """One prediction for each call, in order; an error where a row fails alone."""

    replies: list[Reply]


def contract(engine: DecisionEngine) -> Contract:
    """`/bigquery/{model}`, called by a remote function of that model."""

    async def call(request: Request) -> Response:
        model = engine.catalogue[request.path_params["model"]]
        document = await read_json_object(request)
        options, faults = _parse_context(document.get("userDefinedContext"))
        calls = rows_from_document(document, "calls", faults)
        reject_faults(faults)
        caller = with_request_id(caller_from_request(request), document.get("requestId"))
        return json_response(
            Replies(replies=await score_calls(engine, model, calls, options, caller))
        )

    path = "/bigquery/{model}"
    return Contract(
        tag="BigQuery",
        routes=[Route(path, with_error_member("errorMessage", call), methods=["POST"])],
        scopes={f"POST {path}": "score"},
        paths=lambda: _paths(engine.catalogue),
    )


def _parse_context(context: object) -> tuple[QueryOptions, list[Fault]]:
    """Read the routine's user-defined context, whose flags are strings."""
    faults, by_row = [], False
    if isinstance(context, dict):
        if isinstance(context.get("reasons"), str):
            context = context | {"reasons": FLAGS.get(context["reasons"])}
        if "errors" in context:
            by_row = context["errors"] == BY_ROW
            if not by_row:
                faults.append(Fault("userDefinedContext.errors", f"Input should be '{BY_ROW}'"))
            context = {name: value for name, value in context.items() if name != "errors"}
    with_reasons, reasons_faults = parse_reasons(context, "userDefinedContext")
    options = QueryOptions(with_reasons=with_reasons, errors_by_row=by_row)
    return options, [*reasons_faults, *faults]


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
    flag = {"anyOf": [{"type": "boolean"}, {"type": "string", "enum": list(FLAGS)}]}
    context = closed_object({"reasons": flag, "errors": {"type": "string", "enum": [BY_ROW]}})
    return {
        "type": "object",
        "required": ["calls"],
        "properties": {
            "calls": array(call_schema(model), MAX_ROWS),
            "requestId": {"description": "Any text"},
            "userDefinedContext": context | {"type": ["object", "null"]},
        },
    }
