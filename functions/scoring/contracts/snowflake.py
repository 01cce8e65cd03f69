"""Snowflake external functions: numbered rows of arguments in, one JSON object a row out.

Arguments are in the order of the model's declaration. A batch that Snowflake sends again has the
same id, and gets the same decisions. Headers that the function declares ask for reasons and for
errors by row.
"""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from typing_extensions import TypedDict

from functions.scoring.contracts.foreign_errors import with_error_member
from functions.scoring.contracts.warehouse_rows import (
    BY_ROW,
    QueryOptions,
    call_schema,
    score_calls,
    with_request_id,
)
from functions.scoring.decision_engine import (
    MAX_ROWS,
    DecisionEngine,
    Rows,
    rows_from_document,
)
from functions.web.bodies import json_response, read_json_object, unknown_members
from functions.web.contract import Contract
from functions.web.middleware import caller_from_request
from functions.web.openapi import Operation, Schema, array, closed_object
from functions.web.problems import Fault, reject_faults
from models.contract import CreditModel

BATCH_ID = "sf-external-function-query-batch-id"
FORMAT = "sf-external-function-format"
REASONS, ERRORS = "sf-custom-reasons", "sf-custom-errors"
FLAGS = {"": False, "false": False, "true": True}
CHOICES = {"": False, BY_ROW: True}
ROW_NUMBER: Schema = {"type": "integer", "minimum": 0, "description": "Row number"}


class NumberedReplies(TypedDict):
    """For each row its number, and the prediction or the error in a list of two."""

    data: list[list[Any]]


def contract(engine: DecisionEngine) -> Contract:
    """`/snowflake/{model}`, called by an external function of that model."""

    async def call(request: Request) -> Response:
        model = engine.catalogue[request.path_params["model"]]
        options, faults = _parse_headers(request)
        document = await read_json_object(request)
        faults += unknown_members(document, {"data"})
        numbers, calls = _split_numbers(rows_from_document(document, "data", faults), faults)
        caller = with_request_id(caller_from_request(request), request.headers.get(BATCH_ID))
        replies = await score_calls(engine, model, calls, options, caller)
        pairs = zip(numbers, replies, strict=True)
        return json_response(NumberedReplies(data=[list(pair) for pair in pairs]))

    path = "/snowflake/{model}"
    return Contract(
        tag="Snowflake",
        routes=[Route(path, with_error_member("error", call), methods=["POST"])],
        scopes={f"POST {path}": "score"},
        paths=lambda: _paths(engine.catalogue),
    )


def _parse_headers(request: Request) -> tuple[QueryOptions, list[Fault]]:
    headers = request.headers
    faults = []
    if headers.get(FORMAT, "json").lower() != "json":
        faults.append(Fault(FORMAT, "Input should be 'json'"))
    reasons = FLAGS.get(headers.get(REASONS, "").lower())
    if reasons is None:
        faults.append(Fault(REASONS, "Input should be 'true' or 'false'"))
    by_row = CHOICES.get(headers.get(ERRORS, "").lower())
    if by_row is None:
        faults.append(Fault(ERRORS, f"Input should be '{BY_ROW}'"))
    return QueryOptions(with_reasons=bool(reasons), errors_by_row=bool(by_row)), faults


def _split_numbers(rows: Rows, faults: list[Fault]) -> tuple[list[int], Rows]:
    """Take the row number from the front of every row.

    Raises
    ------
    RequestError
        If a row has none, or the request has faults already: an error has no place to stand in.
    """
    numbers, calls, missing = [], [], []
    for row, path in zip(rows.values, rows.paths, strict=True):
        number = row[0] if isinstance(row, list) and row else None
        if type(number) is int and number >= 0 and isinstance(row, list):
            numbers.append(number)
            calls.append(row[1:])
        else:
            missing.append(Fault(path, "Input should be a list that begins with a row number"))
    reject_faults([*faults, *missing])
    return numbers, Rows(calls, rows.paths)


def _paths(catalogue: Mapping[str, type[CreditModel]]) -> dict[str, Any]:
    return {
        f"/snowflake/{name}": {
            "post": Operation(
                f"Score {name} rows of a Snowflake query",
                closed_object(
                    {"data": array(call_schema(model, [ROW_NUMBER]), MAX_ROWS)}, required=["data"]
                ),
                NumberedReplies,
                error_member="error",
            )
        }
        for name, model in catalogue.items()
    }
