"""Early warnings one by one: the list, who follows one up, and until when it is snoozed."""

from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.lending.actions import warning_followups
from functions.lending.actions.lists import id_from_cursor
from functions.lending.actions.warning_followups import WarningQuery, WarningReply, WarningsReply
from functions.lending.analytics.early_warnings import REASONS, SNOOZED
from functions.lending.contracts.applications import CURSOR, DEFAULT_ROWS, require_empty
from functions.lending.contracts.documents import LOAN, number_schema, query_parameter
from functions.lending.contracts.edge import MOST_ROWS, Book, QueryReader, parse_body, path_id
from functions.lending.errors import NotInBookError
from functions.lending.requests import WarningOwner, WarningSnooze
from functions.lending.storage.identifiers import identifier_from_text
from functions.web.bodies import json_response, read_json_object
from functions.web.contract import Contract
from functions.web.openapi import Operation, Schema, reference
from functions.web.problems import Fault

LIST, ONE = "/v1/warnings", "/v1/loans/{loan}/warnings/{reason}"
MOST_CHARACTERS = 120
REASON: Schema = {
    "name": "reason",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "enum": [*REASONS]},
}


def contract(book: Book) -> Contract:
    """`/v1/warnings`, and what is done about one warning."""
    routes: list[tuple[str, str, Any, str]] = [
        ("GET", LIST, _list, "portfolio"),
        ("POST", f"{ONE}:assign", _assign, "adjust"),
        ("POST", f"{ONE}:snooze", _snooze, "originate"),
        ("POST", f"{ONE}:wake", _wake, "originate"),
    ]
    return Contract(
        tag="Portfolio figures",
        routes=[
            Route(path, partial(call, book), methods=[method]) for method, path, call, _ in routes
        ],
        scopes={f"{method} {path}": scope for method, path, _, scope in routes},
        paths=_paths,
    )


async def _list(book: Book, request: Request) -> Response:
    query = QueryReader(request)
    cursor, loan, owner = (query.text(name) for name in ("cursor", "loan", "owner"))
    after = id_from_cursor(cursor) if cursor else None
    loan_id = identifier_from_text("loan", loan) if loan else None
    if cursor and after is None:
        query.faults.append(Fault("query.cursor", "must be a next_cursor of an earlier page"))
    if loan is not None and loan_id is None:
        query.faults.append(Fault("query.loan", "must be the loan_id of a loan"))
    if owner is not None and not (owner.isprintable() and 0 < len(owner) <= MOST_CHARACTERS):
        rule = f"must be 1 to {MOST_CHARACTERS} printable characters"
        query.faults.append(Fault("query.owner", rule))
    filters = WarningQuery(
        limit=query.number("limit", DEFAULT_ROWS, 1, MOST_ROWS),
        after=after,
        loan=loan_id,
        reason=query.choice("reason", {name: name for name in REASONS}),
        owner=owner,
        snoozed=query.choice("snoozed", {name: name for name in SNOOZED}) or "no",
    )
    query.reject()
    return json_response(
        await book.read(request, lambda t: warning_followups.list_warnings(t, filters))
    )


async def _assign(book: Book, request: Request) -> Response:
    loan_id, reason = path_id(request, "loan"), _path_reason(request)
    body = parse_body(WarningOwner, await read_json_object(request))
    return json_response(
        await book.change(
            request,
            lambda t: warning_followups.assign(t, loan_id, reason, body),
            is_repeatable=True,
        )
    )


async def _snooze(book: Book, request: Request) -> Response:
    loan_id, reason = path_id(request, "loan"), _path_reason(request)
    body = parse_body(WarningSnooze, await read_json_object(request))
    return json_response(
        await book.change(
            request,
            lambda t: warning_followups.snooze(t, loan_id, reason, body),
            is_repeatable=True,
        )
    )


async def _wake(book: Book, request: Request) -> Response:
    await require_empty(request)
    loan_id, reason = path_id(request, "loan"), _path_reason(request)
    return json_response(
        await book.change(
            request, lambda t: warning_followups.wake(t, loan_id, reason), is_repeatable=True
        )
    )


def _path_reason(request: Request) -> str:
    reason: str = request.path_params["reason"]
    if reason not in REASONS:
        what = f"reason of warnings; there are {', '.join(REASONS)}"
        raise NotInBookError(what)
    return reason


def _paths() -> dict[str, Any]:
    listing = Operation(
        "List early warnings, and who follows them up",
        response=WarningsReply,
        parameters=[
            query_parameter("loan", {"type": "string", "pattern": "^loan_[0-9a-f]{32}$"}),
            query_parameter("reason", {"enum": [*REASONS]}),
            query_parameter("owner", {"type": "string", "minLength": 1, "maxLength": 120}),
            query_parameter("snoozed", {"enum": [*SNOOZED], "default": "no"}),
            query_parameter("limit", number_schema(1, MOST_ROWS, DEFAULT_ROWS)),
            query_parameter("cursor", CURSOR),
        ],
    )
    where = [LOAN, REASON]
    assigning = Operation(
        "Say who follows a warning up", reference("WarningOwner"), WarningReply, parameters=where
    )
    snoozing = Operation(
        "Take a warning out of the list until a day",
        reference("WarningSnooze"),
        WarningReply,
        parameters=where,
    )
    waking = Operation("Put a snoozed warning back", response=WarningReply, parameters=where)
    return {
        LIST: {"get": listing},
        f"{ONE}:assign": {"post": assigning},
        f"{ONE}:snooze": {"post": snoozing},
        f"{ONE}:wake": {"post": waking},
    }
