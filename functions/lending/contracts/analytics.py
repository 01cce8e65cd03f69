"""Figures of the book: one request each, and the loans that sum to each line."""

import re
from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import UUID

from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.lending.actions.lists import id_from_cursor
from functions.lending.analytics.answers import (
    FIGURES,
    PREFIX,
    FigureReply,
    MembersReply,
    month_from_text,
    read_figure,
    read_members,
)
from functions.lending.analytics.figures import BookFigure, FigureChoice
from functions.lending.contracts.documents import number_schema, query_parameter
from functions.lending.contracts.edge import MOST_ROWS, Book, QueryReader, row_access
from functions.lending.storage.database import RowAccess
from functions.web.bodies import JSON, json_response
from functions.web.contract import Contract
from functions.web.openapi import Operation, Schema
from functions.web.problems import Fault

DEFAULT_ROWS, MOST_BRANCH, MOST_CHARACTERS = 50, 32_767, 200
PRINTABLE = re.compile(r"[^\x00-\x1f\x7f]+")


def contract(book: Book) -> Contract:
    """`/v1/portfolio`."""
    return Contract(
        tag="Portfolio figures",
        routes=[
            route
            for name, figure in FIGURES.items()
            for route in (
                Route(f"{PREFIX}/{name}", partial(_read, book, figure), methods=["GET"]),
                Route(
                    f"{PREFIX}/{name}/loans", partial(_read_loans, book, figure), methods=["GET"]
                ),
            )
        ],
        scopes={
            f"GET {PREFIX}/{name}{part}": "portfolio" for name in FIGURES for part in ("", "/loans")
        },
        paths=_paths,
    )


async def _read(book: Book, figure: BookFigure, request: Request) -> Response:
    query = QueryReader(request)
    chosen = _choices(query, figure.choices)
    access = _access(request, query)
    query.refuse_day(_past(figure))
    query.reject()
    key = (access, figure.name, tuple(sorted(chosen.items())))
    answer = None if _wants_fresh(request) else book.answers.find(key)
    if answer is None:
        changes = book.answers.changes
        reply = await book.read(request, lambda t: read_figure(t, figure, chosen), access)
        answer = to_json(reply)
        book.answers.store(key, answer, changes)
    return Response(answer, media_type=JSON)


async def _read_loans(book: Book, figure: BookFigure, request: Request) -> Response:
    query = QueryReader(request)
    chosen = _choices(query, figure.choices)
    chosen |= _choices(query, figure.key_choices(), are_required=True)
    page = (query.number("limit", DEFAULT_ROWS, 1, MOST_ROWS), _cursor(query))
    access = _access(request, query)
    query.refuse_day(_past(figure))
    query.reject()
    reply = await book.read(request, lambda t: read_members(t, figure, chosen, page), access)
    return json_response(reply)


def _past(figure: BookFigure) -> str:
    return "choose the month with `month`" if figure.basis == "month end" else figure.past


def _wants_fresh(request: Request) -> bool:
    return "no-cache" in request.headers.get("cache-control", "")


def _cursor(query: QueryReader) -> UUID | None:
    text = query.text("cursor")
    after = id_from_cursor(text) if text else None
    if text and after is None:
        query.faults.append(Fault("query.cursor", "must be a next_cursor of an earlier page"))
    return after


def _access(request: Request, query: QueryReader) -> RowAccess:
    """Return the rows that the caller may see, those of one branch if it asks for one."""
    access = row_access(request)
    branch = query.number("branch", 0, 1, MOST_BRANCH)
    if not branch:
        return access
    is_allowed = access.role != "lending_branch" or branch in access.branches
    return RowAccess(role="lending_branch", branches=(branch,) if is_allowed else ())


def _choices(
    query: QueryReader, choices: Mapping[str, FigureChoice], *, are_required: bool = False
) -> dict[str, str | None]:
    chosen = {}
    for name, choice in choices.items():
        value = query.text(name)
        chosen[name] = choice.default if value is None else value
        rule = _broken_rule(choice, value) if value is not None else None
        if value is None and are_required:
            rule = "is required: it names a line of the figure"
        if rule:
            query.faults.append(Fault(f"query.{name}", rule))
    return chosen


def _broken_rule(choice: FigureChoice, value: str) -> str | None:
    """Return what a value must be, if it is not."""
    if choice.values:
        is_one = value in choice.values
        return None if is_one else f"must be one of {', '.join(choice.values)}"
    if choice.bounds:
        least, most = choice.bounds
        is_number = re.fullmatch(r"\d{1,4}", value, re.ASCII) and least <= int(value) <= most
        return None if is_number else f"must be a number from {least} to {most}"
    if choice.is_month:
        is_month = re.fullmatch(r"\d{4}-\d{2}", value, re.ASCII) and month_from_text(value)
        return None if is_month else "must be a month such as 2026-01"
    is_text = len(value) <= MOST_CHARACTERS and PRINTABLE.fullmatch(value)
    return None if is_text else f"must be 1 to {MOST_CHARACTERS} printable characters"


def _paths() -> dict[str, Any]:
    paths: dict[str, Any] = {}
    branch = query_parameter("branch", number_schema(1, MOST_BRANCH))
    pages = [
        query_parameter("limit", number_schema(1, MOST_ROWS, DEFAULT_ROWS)),
        query_parameter("cursor", {"type": "string", "pattern": "^[A-Za-z0-9_-]{22}$"}),
    ]
    for name, figure in FIGURES.items():
        chosen = [_parameter(*item) for item in figure.choices.items()]
        keys = [_parameter(*item) | {"required": True} for item in figure.key_choices().items()]
        reading = Operation(figure.summary, response=FigureReply, parameters=[*chosen, branch])
        listing = Operation(
            f"List the loans of a line: {figure.summary[0].lower()}{figure.summary[1:]}",
            response=MembersReply,
            parameters=[*keys, *chosen, branch, *pages],
        )
        paths[f"{PREFIX}/{name}"] = {"get": reading}
        paths[f"{PREFIX}/{name}/loans"] = {"get": listing}
    return paths


def _parameter(name: str, choice: FigureChoice) -> Schema:
    """Describe what may be chosen."""
    schema: Schema = {"type": "string", "minLength": 1, "maxLength": MOST_CHARACTERS}
    if choice.values:
        schema = {"enum": list(choice.values)}
    elif choice.bounds:
        schema = number_schema(*choice.bounds)
    elif choice.is_month:
        schema = {"type": "string", "pattern": "^(19|20)[0-9]{2}-(0[1-9]|1[0-2])$"}
    if choice.default:
        schema = schema | {"default": int(choice.default) if choice.bounds else choice.default}
    return query_parameter(name, schema) | {"description": choice.description}
