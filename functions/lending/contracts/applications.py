"""Applications: the earlier system's routes, and what people do with an application."""

from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.lending.actions import applications, check_rows, granting, lists, reviewing
from functions.lending.actions.cases import case_statements
from functions.lending.actions.replies import (
    ApplicationsReply,
    ChecksReply,
    LoanApplicationReply,
    LoanReply,
)
from functions.lending.actions.scoring_rows import ScoringQuestion, question
from functions.lending.contracts.documents import (
    APPLICATION,
    IF_MATCH,
    key_parameter,
    number_schema,
    query_parameter,
)
from functions.lending.contracts.edge import (
    MOST_ROWS,
    Book,
    QueryReader,
    expected_version,
    idempotency_key,
    parse_body,
    path_id,
    versioned,
)
from functions.lending.requests import LoanRequest, Review
from functions.lending.storage.idempotency import fingerprint
from functions.lending.storage.transaction import LOCAL, Transaction
from functions.web.bodies import (
    json_response,
    read_json_object,
    read_optional_json_object,
    unknown_members,
)
from functions.web.contract import Contract
from functions.web.middleware import caller_from_request
from functions.web.openapi import Operation, Schema, reference
from functions.web.problems import Fault, reject_faults

DEFAULT_ROWS = 50
CURSOR: Schema = {"type": "string", "pattern": "^[A-Za-z0-9_-]{22}$"}
STATUSES = {
    name: name for name in ("pending", "approved", "rejected", "accepted", "expired", "withdrawn")
}
REVIEWS = {"approve": "approved", "reject": "rejected"}


def contract(book: Book) -> Contract:
    """`/api/loans/apply` and `/api/loans/applications`, and actions on applications in `/v1`."""
    routes: list[tuple[str, str, Any, str]] = [
        ("POST", "/api/loans/apply", _apply, "apply"),
        ("GET", "/api/loans/applications", _list, "applications"),
        ("GET", "/api/loans/applications/{application}", _read, "applications"),
        ("GET", "/v1/applications/{application}/checks", _read_checks, "book"),
        ("POST", "/v1/applications/{application}:accept", _accept, "apply"),
        ("POST", "/v1/applications/{application}:withdraw", _withdraw, "apply"),
        ("POST", "/v1/applications/{application}:decide", _decide, "apply"),
        ("POST", "/v1/applications/{application}:approve", partial(_review, "approve"), "decide"),
        ("POST", "/v1/applications/{application}:reject", partial(_review, "reject"), "decide"),
    ]
    return Contract(
        tag="Applications",
        routes=[
            Route(path, partial(call, book), methods=[method]) for method, path, call, _ in routes
        ],
        scopes={f"{method} {path}": scope for method, path, _, scope in routes},
        paths=_paths,
    )


async def _apply(book: Book, request: Request) -> Response:
    """Store the application first; whatever happens then, it is there."""
    document = await read_json_object(request)
    body = parse_body(LoanRequest, document)
    identity = applications.RequestIdentity(
        key=idempotency_key(request), fingerprint=fingerprint("apply", document)
    )

    def store(transaction: Transaction) -> tuple[UUID, ScoringQuestion | None]:
        return applications.store_application(transaction, body, identity)

    principal = caller_from_request(request).principal or LOCAL
    first = applications.statements_to_store(principal, body, identity)
    application_id, query = await book.change(
        request, store, is_repeatable=identity.key is not None, first=first
    )
    reply = await answer_question(book, request, application_id, query)
    response = versioned(reply, HTTPStatus.CREATED)
    response.headers["Location"] = f"/api/loans/applications/{reply['application_id']}"
    return response


async def _decide(book: Book, request: Request) -> Response:
    await require_empty(request)
    application_id = path_id(request, "app")
    query = await book.read(request, lambda t: question(t, application_id))
    return versioned(await answer_question(book, request, application_id, query))


async def answer_question(
    book: Book, request: Request, application_id: UUID, query: ScoringQuestion | None
) -> LoanApplicationReply:
    """Ask checks and scoring function outside any transaction, and record what they answered."""
    if query is None:
        return await book.read(request, lambda t: applications.read_application(t, application_id))
    answer = await book.decider.ask(query, caller_from_request(request).principal or LOCAL)

    def record(transaction: Transaction) -> LoanApplicationReply:
        if isinstance(answer, applications.NoDecision):
            return applications.note_no_answer(transaction, application_id, answer.cause)
        return applications.record_decision(transaction, application_id, answer)

    # A second run finds the decision of the first: it is recorded once.
    first = case_statements(application_id, is_locked=True)
    return await book.change(request, record, is_repeatable=True, first=first)


async def _list(book: Book, request: Request) -> Response:
    query = list_query(request, STATUSES)
    return json_response(await book.read(request, lambda t: lists.list_applications(t, query)))


async def _read(book: Book, request: Request) -> Response:
    QueryReader(request).reject()
    application_id = path_id(request, "app")

    def read(transaction: Transaction) -> LoanApplicationReply:
        reply = applications.read_application(transaction, application_id)
        transaction.audit("read", reply["application_id"])
        return reply

    return versioned(await book.read(request, read))


async def _read_checks(book: Book, request: Request) -> Response:
    QueryReader(request).reject()
    application_id = path_id(request, "app")
    return json_response(
        await book.change(request, lambda t: check_rows.read_checks(t, application_id))
    )


async def _accept(book: Book, request: Request) -> Response:
    document = await require_empty(request)
    application_id = path_id(request, "app")
    return await book.act(
        request, document, lambda t: granting.accept(t, application_id), HTTPStatus.CREATED
    )


async def _withdraw(book: Book, request: Request) -> Response:
    await require_empty(request)
    application_id = path_id(request, "app")
    return versioned(await book.change(request, lambda t: applications.withdraw(t, application_id)))


async def _review(verb: str, book: Book, request: Request) -> Response:
    application_id, expected = path_id(request, "app"), expected_version(request)
    body = parse_body(Review, await read_json_object(request))
    outcome = REVIEWS[verb]
    done = await book.change(
        request, lambda t: reviewing.review(t, application_id, outcome, body, expected)
    )
    return versioned(done.reply, HTTPStatus.ACCEPTED if done.is_waiting else HTTPStatus.OK)


async def require_empty(request: Request) -> Mapping[str, Any]:
    """Refuse a body with any member."""
    document = await read_optional_json_object(request)
    reject_faults(unknown_members(document, set()))
    return document


def list_query(request: Request, statuses: Mapping[str, str]) -> lists.ListQuery:
    """Read filters and page of a list."""
    query = QueryReader(request)
    cursor = query.text("cursor")
    after = lists.id_from_cursor(cursor) if cursor else None
    if cursor and after is None:
        query.faults.append(Fault("query.cursor", "must be a next_cursor of an earlier page"))
    customer = query.number("customer_id", 0, 1, 10**15 - 1)
    result = lists.ListQuery(
        limit=query.number("limit", DEFAULT_ROWS, 1, MOST_ROWS),
        after=after,
        status=query.choice("status", statuses),
        customer_id=customer or None,
    )
    query.reject()
    return result


def list_parameters(statuses: Mapping[str, str]) -> list[Schema]:
    """Describe filters and page of a list."""
    return [
        query_parameter("status", {"enum": list(statuses)}),
        query_parameter("customer_id", number_schema(1, 10**15 - 1)),
        query_parameter("limit", number_schema(1, MOST_ROWS, DEFAULT_ROWS)),
        query_parameter("cursor", CURSOR),
    ]


def _paths() -> dict[str, Any]:
    apply = Operation(
        "Apply for a loan, and have it decided",
        reference("LoanRequest"),
        LoanApplicationReply,
        parameters=[key_parameter(is_required=False)],
        status=201,
    )
    listing = Operation(
        "List applications", response=ApplicationsReply, parameters=list_parameters(STATUSES)
    )
    reading = Operation(
        "Read an application", response=LoanApplicationReply, parameters=[APPLICATION]
    )
    return {
        "/api/loans/apply": {"post": apply},
        "/api/loans/applications": {"get": listing},
        "/api/loans/applications/{application}": {"get": reading},
        "/v1/applications/{application}/checks": {
            "get": Operation(
                "Read what external checks answered",
                response=ChecksReply,
                parameters=[APPLICATION],
            )
        },
        **_action_paths("/v1/applications/{application}"),
    }


def _action_paths(one: str) -> dict[str, Any]:
    accept = Operation(
        "Accept an offer: it becomes a loan",
        response=LoanReply,
        parameters=[APPLICATION, key_parameter(is_required=True)],
        status=201,
    )
    simple = {
        "withdraw": "Withdraw an application",
        "decide": "Ask the scoring function again, if it has not answered yet",
    }
    return {
        f"{one}:accept": {"post": accept},
        **{
            f"{one}:{verb}": {
                "post": Operation(summary, response=LoanApplicationReply, parameters=[APPLICATION])
            }
            for verb, summary in simple.items()
        },
        **{
            f"{one}:{verb}": {
                "post": Operation(
                    f"{verb.capitalize()} a pending application, as a person",
                    reference("Review"),
                    LoanApplicationReply,
                    parameters=[APPLICATION, IF_MATCH],
                )
            }
            for verb in REVIEWS
        },
    }
