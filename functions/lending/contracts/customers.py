"""Customers: the earlier system's routes, and changes in versions."""

from functools import partial
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.lending.actions import customers
from functions.lending.actions.replies import CustomerDetail, CustomersReply
from functions.lending.contracts.documents import (
    CUSTOMER,
    IF_MATCH,
    number_schema,
    query_parameter,
)
from functions.lending.contracts.edge import (
    MOST_ROWS,
    Book,
    QueryReader,
    expected_version,
    parse_body,
    path_customer,
    versioned,
)
from functions.lending.requests import ContactChange, Employment, IdentityProof, Registration
from functions.web.bodies import json_response, read_json_object
from functions.web.contract import Contract
from functions.web.openapi import Operation, reference

DEFAULT_ROWS = 50
MOST_OFFSET = 100_000


def contract(book: Book) -> Contract:
    """`/api/customers`, and `/v1/customers` for changes."""
    routes = [
        ("POST", "/api/customers/register", _register, "originate"),
        ("GET", "/api/customers/", _list, "book"),
        ("GET", "/api/customers/{customer}", _read, "book"),
        ("PATCH", "/v1/customers/{customer}", _change, "originate"),
        ("POST", "/v1/customers/{customer}/employment", _employ, "originate"),
        ("POST", "/v1/customers/{customer}/kyc", _verify, "originate"),
    ]
    return Contract(
        tag="Customers",
        routes=[
            Route(path, partial(call, book), methods=[method]) for method, path, call, _ in routes
        ],
        scopes={f"{method} {path}": scope for method, path, _, scope in routes},
        paths=_paths,
    )


async def _register(book: Book, request: Request) -> Response:
    body = parse_body(Registration, await read_json_object(request))
    document = await book.change(request, lambda t: customers.register(t, body, book.kyc_key))
    response = versioned(document, HTTPStatus.CREATED)
    response.headers["Location"] = f"/api/customers/{document['customer_id']}"
    return response


async def _list(book: Book, request: Request) -> Response:
    query = QueryReader(request)
    limit = query.number("limit", DEFAULT_ROWS, 1, MOST_ROWS)
    page = customers.PageRequest(limit, query.number("offset", 0, 0, MOST_OFFSET))
    query.reject()
    return json_response(await book.read(request, lambda t: customers.list_customers(t, page)))


async def _read(book: Book, request: Request) -> Response:
    QueryReader(request).reject()
    customer = path_customer(request)
    return versioned(await book.read(request, lambda t: customers.read_customer(t, customer)))


async def _change(book: Book, request: Request) -> Response:
    customer, expected = path_customer(request), expected_version(request)
    body = parse_body(ContactChange, await read_json_object(request))
    return versioned(
        await book.change(request, lambda t: customers.change_contact(t, customer, body, expected))
    )


async def _employ(book: Book, request: Request) -> Response:
    customer = path_customer(request)
    body = parse_body(Employment, await read_json_object(request))
    document = await book.change(request, lambda t: customers.change_employment(t, customer, body))
    return versioned(document, HTTPStatus.CREATED)


async def _verify(book: Book, request: Request) -> Response:
    customer = path_customer(request)
    body = parse_body(IdentityProof, await read_json_object(request))
    document = await book.change(
        request, lambda t: customers.verify(t, customer, body, book.kyc_key)
    )
    return versioned(document, HTTPStatus.CREATED)


def _paths() -> dict[str, Any]:
    page = [
        query_parameter("limit", number_schema(1, MOST_ROWS, DEFAULT_ROWS)),
        query_parameter("offset", number_schema(0, MOST_OFFSET, 0)),
    ]

    def add(summary: str, body: str) -> Operation:
        return Operation(
            summary, reference(body), CustomerDetail, parameters=[CUSTOMER], status=201
        )

    return {
        "/api/customers/register": {
            "post": Operation(
                "Register a customer", reference("Registration"), CustomerDetail, status=201
            )
        },
        "/api/customers/": {
            "get": Operation("List customers", response=CustomersReply, parameters=page)
        },
        "/api/customers/{customer}": {
            "get": Operation("Read a customer", response=CustomerDetail, parameters=[CUSTOMER])
        },
        "/v1/customers/{customer}": {
            "patch": Operation(
                "Change name or contact",
                reference("ContactChange"),
                CustomerDetail,
                parameters=[CUSTOMER, IF_MATCH],
            )
        },
        "/v1/customers/{customer}/employment": {
            "post": add("Record a new employment; the newest one counts", "Employment")
        },
        "/v1/customers/{customer}/kyc": {
            "post": add("Record that an identity was verified", "IdentityProof")
        },
    }
