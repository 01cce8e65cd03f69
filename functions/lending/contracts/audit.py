"""`GET /v1/audit`: who did what to whom."""

from datetime import date
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.lending.actions.audit_search import AuditQuery, AuditReply, search_audit
from functions.lending.actions.lists import id_from_cursor
from functions.lending.contracts.applications import CURSOR, DEFAULT_ROWS
from functions.lending.contracts.documents import number_schema, query_parameter
from functions.lending.contracts.edge import MOST_ROWS, Book, QueryReader
from functions.lending.requests import day_from_text
from functions.web.bodies import json_response
from functions.web.contract import Contract
from functions.web.openapi import Operation, Schema
from functions.web.problems import Fault

PATH = "/v1/audit"
TEXTS, DAYS = ("subject", "principal", "action"), ("first_day", "last_day")
TEXT: Schema = {"type": "string", "minLength": 1, "maxLength": 200}
DAY: Schema = {"type": "string", "format": "date"}


def contract(book: Book) -> Contract:
    """The audit, for administrators and auditors."""
    return Contract(
        tag="Audit",
        routes=[Route(PATH, partial(_search, book), methods=["GET"])],
        scopes={f"GET {PATH}": "audit"},
        paths=_paths,
    )


async def _search(book: Book, request: Request) -> Response:
    query = QueryReader(request)
    cursor = query.text("cursor")
    after = id_from_cursor(cursor) if cursor else None
    if cursor and after is None:
        query.faults.append(Fault("query.cursor", "must be a next_cursor of an earlier page"))
    wanted = AuditQuery(
        limit=query.number("limit", DEFAULT_ROWS, 1, MOST_ROWS),
        after=after,
        first_day=_day(query, "first_day"),
        last_day=_day(query, "last_day"),
        **{name: _text(query, name) for name in TEXTS},
    )
    query.reject()
    return json_response(await book.read(request, lambda t: search_audit(t, wanted)))


def _text(query: QueryReader, name: str) -> str | None:
    text = query.text(name)
    if text is not None and ("\0" in text or not 1 <= len(text) <= TEXT["maxLength"]):
        query.faults.append(Fault(f"query.{name}", "must be 1 to 200 characters"))
        return None
    return text


def _day(query: QueryReader, name: str) -> date | None:
    text = query.text(name)
    if text is None:
        return None
    try:
        return day_from_text(text)
    except ValueError as error:
        query.faults.append(Fault(f"query.{name}", str(error)))
        return None


def _paths() -> dict[str, Any]:
    operation = Operation(
        "Search the audit",
        response=AuditReply,
        parameters=[
            *(query_parameter(name, TEXT) for name in TEXTS),
            *(query_parameter(name, DAY) for name in DAYS),
            query_parameter("limit", number_schema(1, MOST_ROWS, DEFAULT_ROWS)),
            query_parameter("cursor", CURSOR),
        ],
    )
    return {PATH: {"get": operation}}
