"""Notices of declined applications: as JSON, and as a page to print."""

from functools import partial
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.lending.actions.cases import read_case
from functions.lending.contracts.documents import APPLICATION, query_parameter
from functions.lending.contracts.edge import Book, QueryReader, path_id
from functions.lending.errors import TransitionError
from functions.lending.notices.notice import NoticeReply, html_from_notice, notice_from_case
from functions.lending.notices.templates import TEMPLATES
from functions.lending.storage.identifiers import public_id
from functions.lending.storage.transaction import Transaction
from functions.web.bodies import json_response
from functions.web.contract import Contract
from functions.web.openapi import Operation
from functions.web.problems import Fault

ONE = "/v1/applications/{application}/notice"
# The page has one style of its own, and needs nothing else.
PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


def contract(book: Book) -> Contract:
    """`/v1/applications/{application}/notice`."""
    return Contract(
        tag="Applications",
        routes=[
            Route(ONE, partial(_read, book), methods=["GET"]),
            Route(ONE + ".html", partial(_print, book), methods=["GET"]),
        ],
        scopes={f"GET {ONE}": "applications", f"GET {ONE}.html": "applications"},
        paths=_paths,
    )


async def _read(book: Book, request: Request) -> Response:
    return json_response(await _notice(book, request))


async def _print(book: Book, request: Request) -> Response:
    page = html_from_notice(await _notice(book, request))
    headers = {"Content-Security-Policy": PAGE_POLICY}
    return Response(page, HTTPStatus.OK, headers, media_type="text/html")


async def _notice(book: Book, request: Request) -> NoticeReply:
    query = QueryReader(request)
    name = query.choice("template", {name: name for name in TEMPLATES})
    if name is None and not query.faults:
        query.faults.append(Fault("query.template", f"must be one of {', '.join(TEMPLATES)}"))
    query.reject()
    application_id, lender = path_id(request, "app"), book.lender
    if lender is None:
        message = "nobody is named as the lender: set LENDER_NAME, LENDER_ADDRESS, LENDER_AGENCY"
        raise TransitionError(message)

    def read(transaction: Transaction) -> NoticeReply:
        case = read_case(transaction, application_id)
        notice = notice_from_case(case, TEMPLATES[name or ""], lender)
        subject = public_id("app", application_id)
        detail = {"template": notice["template"], "version": notice["template_version"]}
        transaction.audit("notice", subject, case.columns["branch_id"], detail)
        return notice

    return await book.read(request, read)


def _paths() -> dict[str, Any]:
    template = query_parameter("template", {"enum": list(TEMPLATES)}) | {"required": True}
    summary = "Write the notice of a declined application"
    parameters = [APPLICATION, template]
    return {
        ONE: {"get": Operation(summary, response=NoticeReply, parameters=parameters)},
        f"{ONE}.html": {
            "get": Operation(f"{summary}, to print", media_type="text/html", parameters=parameters)
        },
    }
