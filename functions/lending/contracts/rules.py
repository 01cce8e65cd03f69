"""`GET /v1/rules`: products and rule sets, as figures name them."""

from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.lending.actions.book_rules import RulesReply, read_rules
from functions.lending.contracts.edge import Book, QueryReader
from functions.web.bodies import json_response
from functions.web.contract import Contract
from functions.web.openapi import Operation

PATH = "/v1/rules"


def contract(book: Book) -> Contract:
    """The rules of the book, for whoever sees loans."""
    return Contract(
        tag="Rules",
        routes=[Route(PATH, partial(_read, book), methods=["GET"])],
        scopes={f"GET {PATH}": "book"},
        paths=_paths,
    )


async def _read(book: Book, request: Request) -> Response:
    QueryReader(request).reject()
    return json_response(await book.read(request, read_rules))


def _paths() -> dict[str, Any]:
    return {PATH: {"get": Operation("Read products and rule sets", response=RulesReply)}}
