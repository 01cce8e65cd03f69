"""Reviews and second persons: the queue, who looks at what, and what awaits confirmation."""

from functools import partial
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.lending.actions import (
    confirming,
    counter_offers,
    money,
    review_queue,
    reviewing,
)
from functions.lending.actions.lists import id_from_cursor
from functions.lending.actions.replies import LoanApplicationReply, PostedReply
from functions.lending.contracts.applications import (
    CURSOR,
    DEFAULT_ROWS,
    answer_question,
    require_empty,
)
from functions.lending.contracts.documents import (
    APPLICATION,
    IF_MATCH,
    key_parameter,
    number_schema,
    query_parameter,
)
from functions.lending.contracts.documents import REQUEST as REQUEST_ID
from functions.lending.contracts.edge import (
    MOST_ROWS,
    Book,
    QueryReader,
    expected_version,
    parse_body,
    path_id,
    versioned,
)
from functions.lending.requests import CounterOffer, ReviewRequest
from functions.web.bodies import json_response, read_json_object
from functions.web.contract import Contract
from functions.web.openapi import Operation, reference
from functions.web.problems import Fault

ORDERS = {"age": "age", "distance": "distance"}
ONE, WAITING = "/v1/applications/{application}", "/v1/requests/{request}"
CLAIMS = {"claim": reviewing.claim, "release": reviewing.release}


def contract(book: Book) -> Contract:
    """`/v1/reviews`, `/v1/requests`, and what a person does with a pending application."""
    routes: list[tuple[str, str, Any, str]] = [
        ("GET", "/v1/reviews", _list, "decide"),
        ("GET", "/v1/reviews/overrides", _overrides, "portfolio"),
        ("GET", f"{ONE}/review", _read_review, "decide"),
        ("POST", f"{ONE}:request_review", _request_review, "apply"),
        *(("POST", f"{ONE}:{verb}", partial(_claim, verb), "decide") for verb in CLAIMS),
        ("GET", f"{ONE}/counter_terms", _read_counter_terms, "decide"),
        ("POST", f"{ONE}:counter_offer", _counter_offer, "decide"),
        ("GET", "/v1/requests", _list_requests, "adjust"),
        ("POST", f"{WAITING}:confirm", _confirm, "adjust"),
        ("POST", f"{WAITING}:refuse", _refuse, "adjust"),
    ]
    return Contract(
        tag="Reviews",
        routes=[
            Route(path, partial(call, book), methods=[method]) for method, path, call, _ in routes
        ],
        scopes={f"{method} {path}": scope for method, path, _, scope in routes},
        paths=_paths,
    )


async def _list(book: Book, request: Request) -> Response:
    query = QueryReader(request)
    cursor = query.text("cursor")
    after = id_from_cursor(cursor) if cursor else None
    if cursor and after is None:
        query.faults.append(Fault("query.cursor", "must be a next_cursor of an earlier page"))
    limit = query.number("limit", DEFAULT_ROWS, 1, MOST_ROWS)
    order: Any = query.choice("order", ORDERS) or "age"
    query.reject()
    return json_response(
        await book.read(request, lambda t: review_queue.list_reviews(t, limit, order, after))
    )


async def _read_review(book: Book, request: Request) -> Response:
    QueryReader(request).reject()
    application_id = path_id(request, "app")
    return json_response(
        await book.read(request, lambda t: review_queue.read_review(t, application_id))
    )


async def _overrides(book: Book, request: Request) -> Response:
    QueryReader(request).reject()
    return json_response(await book.read(request, review_queue.summarise_overrides))


async def _request_review(book: Book, request: Request) -> Response:
    application_id = path_id(request, "app")
    body = parse_body(ReviewRequest, await read_json_object(request))
    return versioned(
        await book.change(request, lambda t: reviewing.request_review(t, application_id, body))
    )


async def _claim(verb: str, book: Book, request: Request) -> Response:
    await require_empty(request)
    application_id, act = path_id(request, "app"), CLAIMS[verb]
    return versioned(await book.change(request, lambda t: act(t, application_id)))


async def _read_counter_terms(book: Book, request: Request) -> Response:
    QueryReader(request).reject()
    application_id = path_id(request, "app")
    question = await book.read(request, lambda t: counter_offers.read_question(t, application_id))
    grid = counter_offers.terms_grid(question)
    scored = await book.decider.scoring.ask_about_terms(question, grid.fields)
    return json_response(counter_offers.best_terms(question, grid, scored))


async def _counter_offer(book: Book, request: Request) -> Response:
    application_id, expected = path_id(request, "app"), expected_version(request)
    body = parse_body(CounterOffer, await read_json_object(request))
    name, question = await book.change(
        request,
        lambda t: counter_offers.store_counter_offer(t, application_id, body, expected),
        is_repeatable=True,
    )
    return versioned(await answer_question(book, request, name, question), HTTPStatus.CREATED)


async def _list_requests(book: Book, request: Request) -> Response:
    QueryReader(request).reject()
    return json_response(await book.read(request, confirming.list_requests))


async def _confirm(book: Book, request: Request) -> Response:
    document = await require_empty(request)
    identifier = path_id(request, "item")
    return await book.act(
        request, document, lambda t: money.confirm_request(t, identifier), HTTPStatus.CREATED
    )


async def _refuse(book: Book, request: Request) -> Response:
    await require_empty(request)
    identifier = path_id(request, "item")
    return json_response(await book.change(request, lambda t: confirming.refuse(t, identifier)))


def _paths() -> dict[str, Any]:
    asking = Operation(
        "Ask for a review by a person",
        reference("ReviewRequest"),
        LoanApplicationReply,
        parameters=[APPLICATION],
    )
    terms = Operation(
        "List terms that the model would approve",
        response=counter_offers.CounterTermsReply,
        parameters=[APPLICATION],
    )
    offer = Operation(
        "Offer other terms, and have them decided",
        reference("CounterOffer"),
        LoanApplicationReply,
        parameters=[APPLICATION, IF_MATCH],
        status=201,
    )
    return {
        f"{ONE}/counter_terms": {"get": terms},
        f"{ONE}:counter_offer": {"post": offer},
        **_queue_paths(),
        f"{ONE}:request_review": {"post": asking},
        **{f"{ONE}:{verb}": {"post": _claiming(verb)} for verb in CLAIMS},
        **_request_paths(),
    }


def _queue_paths() -> dict[str, Any]:
    queue = Operation(
        "List what waits for a person",
        response=review_queue.ReviewsReply,
        parameters=[
            query_parameter("order", {"enum": list(ORDERS), "default": "age"}),
            query_parameter("limit", number_schema(1, MOST_ROWS, DEFAULT_ROWS)),
            query_parameter("cursor", CURSOR),
        ],
    )
    one = Operation(
        "Read who looks at a pending application",
        response=review_queue.ReviewItem,
        parameters=[APPLICATION],
    )
    overrides = Operation(
        "Compare overridden decisions with the others", response=review_queue.OverridesReply
    )
    return {
        "/v1/reviews": {"get": queue},
        "/v1/reviews/overrides": {"get": overrides},
        f"{ONE}/review": {"get": one},
    }


def _request_paths() -> dict[str, Any]:
    waiting = Operation(
        "List what awaits a second person", response=confirming.SecondPersonRequestsReply
    )
    confirm = Operation(
        "Confirm what another person asked for",
        response=PostedReply,
        parameters=[REQUEST_ID, key_parameter(is_required=True)],
        status=201,
    )
    refuse = Operation(
        "Turn down what was asked for",
        response=confirming.SecondPersonRequest,
        parameters=[REQUEST_ID],
    )
    return {
        "/v1/requests": {"get": waiting},
        f"{WAITING}:confirm": {"post": confirm},
        f"{WAITING}:refuse": {"post": refuse},
    }


def _claiming(verb: str) -> Operation:
    summary = f"{verb.capitalize()} a pending application"
    return Operation(summary, response=LoanApplicationReply, parameters=[APPLICATION])
