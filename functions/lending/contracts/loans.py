"""Loans: lists and details, and the actions that post facts."""

from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any, NamedTuple
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.lending.actions import lists, loan_replies, money, securities
from functions.lending.actions.confirming import AwaitingReply
from functions.lending.actions.replies import (
    ClassHistoryReply,
    CollateralListReply,
    GuarantorsReply,
    ItemReply,
    JournalReply,
    LoanReply,
    LoansReply,
    PostedReply,
    QuoteReply,
    ScheduleReply,
    TransactionsReply,
)
from functions.lending.contracts.applications import DEFAULT_ROWS, list_parameters, list_query
from functions.lending.contracts.documents import (
    LOAN,
    key_parameter,
    number_schema,
    query_parameter,
)
from functions.lending.contracts.edge import (
    MOST_ROWS,
    Book,
    QueryReader,
    parse_body,
    path_id,
    versioned,
)
from functions.lending.requests import (
    BodyModel,
    CollateralBody,
    DisbursementBody,
    FeeBody,
    ForeclosureBody,
    GuarantorBody,
    PaymentBody,
    PrepaymentBody,
    RescheduleBody,
    ReversalBody,
    WaiverBody,
    WriteOffBody,
)
from functions.lending.storage.transaction import Transaction
from functions.web.bodies import json_response, read_json_object, read_optional_json_object
from functions.web.contract import Contract
from functions.web.openapi import Operation, reference

STATUSES = {name: name for name in ("granted", "active", "closed", "written_off", "settled")}
ONE = "/v1/loans/{loan}"
JOURNAL = f"{ONE}/journal"
MOST_ENTRIES = 2**31 - 1


class Posting(NamedTuple):
    """An action on a loan: its path, its body, who may call it, what it does."""

    suffix: str
    body: type[BodyModel]
    scope: str
    summary: str
    act: Callable[[Transaction, UUID, Any], object]
    response: Any = PostedReply
    is_body_optional: bool = False


POSTINGS = (
    Posting(
        *(":disburse", DisbursementBody, "disburse", "Pay a granted loan out", money.disburse),
        is_body_optional=True,
    ),
    Posting(":repay", PaymentBody, "collect", "Take a payment", money.repay),
    Posting(":prepay", PrepaymentBody, "collect", "Take a payment ahead of time", money.prepay),
    Posting(
        ":close", ForeclosureBody, "collect", "Close with the quote of the day", money.foreclose
    ),
    Posting(":charge", FeeBody, "adjust", "Let a fee fall due", money.charge_fee),
    Posting(":reverse", ReversalBody, "adjust", "Take a posting back", money.reverse),
    Posting(
        *(":waive", WaiverBody, "adjust", "Give a claim up", money.waive),
        response=PostedReply | AwaitingReply,
    ),
    Posting(
        *(":write_off", WriteOffBody, "adjust", "Take a loan off the books", money.write_off),
        response=PostedReply | AwaitingReply,
    ),
    Posting(":reschedule", RescheduleBody, "adjust", "Agree new terms", money.reschedule),
    Posting(
        *("/collateral", CollateralBody, "originate", "Record collateral"),
        *(securities.add_collateral, ItemReply),
    ),
    Posting(
        *("/guarantors", GuarantorBody, "originate", "Record a guarantor"),
        *(securities.add_guarantor, ItemReply),
    ),
)
READINGS: tuple[tuple[str, str, Callable[[Transaction, UUID], object], Any], ...] = (
    ("/schedule", "Read all instalments", loan_replies.read_schedule, ScheduleReply),
    ("/transactions", "Read all postings", loan_replies.read_transactions, TransactionsReply),
    ("/collateral", "Read what secures a loan", securities.read_collateral, CollateralListReply),
    ("/guarantors", "Read who answers for a loan", securities.read_guarantors, GuarantorsReply),
    ("/classes", "Read its asset classes", loan_replies.read_class_history, ClassHistoryReply),
    ("/quote", "Quote what closes the loan today", loan_replies.quote_foreclosure, QuoteReply),
)


def contract(book: Book) -> Contract:
    """`/api/loans/loans`, and loans with their actions in `/v1/loans`."""
    routes = [
        Route("/api/loans/loans", partial(_list, book), methods=["GET"]),
        *(
            Route(ONE + suffix, partial(_read_part, book, read), methods=["GET"])
            for suffix, _, read, _ in READINGS
        ),
        *(
            Route(ONE + p.suffix, partial(_post, book, p), methods=["POST"], name=p.suffix[1:])
            for p in POSTINGS
        ),
        Route(JOURNAL, partial(_read_journal, book), methods=["GET"]),
        Route(ONE, partial(_read, book), methods=["GET"]),
    ]
    return Contract(
        tag="Loans",
        routes=routes,
        scopes={
            "GET /api/loans/loans": "book",
            f"GET {ONE}": "book",
            f"GET {JOURNAL}": "book",
            **{f"GET {ONE}{suffix}": "book" for suffix, *_ in READINGS},
            **{f"POST {ONE}{p.suffix}": p.scope for p in POSTINGS},
        },
        paths=_paths,
    )


async def _list(book: Book, request: Request) -> Response:
    query = list_query(request, STATUSES)
    return json_response(await book.read(request, lambda t: lists.list_loans(t, query)))


async def _read(book: Book, request: Request) -> Response:
    QueryReader(request).reject()
    loan = path_id(request, "loan")
    return versioned(await book.read(request, lambda t: loan_replies.read_loan(t, loan)))


async def _read_journal(book: Book, request: Request) -> Response:
    query, loan = QueryReader(request), path_id(request, "loan")
    before = query.number("before", MOST_ENTRIES, 1, MOST_ENTRIES)
    limit = query.number("limit", DEFAULT_ROWS, 1, MOST_ROWS)
    query.reject()
    return json_response(
        await book.read(request, lambda t: loan_replies.read_journal(t, loan, before, limit))
    )


async def _read_part(
    book: Book, read: Callable[[Transaction, UUID], object], request: Request
) -> Response:
    QueryReader(request).reject()
    loan = path_id(request, "loan")
    return json_response(await book.read(request, lambda t: read(t, loan)))


async def _post(book: Book, posting: Posting, request: Request) -> Response:
    read = read_optional_json_object if posting.is_body_optional else read_json_object
    document = await read(request)
    body, loan = parse_body(posting.body, document), path_id(request, "loan")
    return await book.act(
        request, document, lambda t: posting.act(t, loan, body), HTTPStatus.CREATED
    )


def _paths() -> dict[str, Any]:
    listing = Operation("List loans", response=LoansReply, parameters=list_parameters(STATUSES))
    paths: dict[str, Any] = {
        "/api/loans/loans": {"get": listing},
        ONE: {"get": Operation("Read a loan", response=LoanReply, parameters=[LOAN])},
        JOURNAL: {"get": _journal()},
    }
    for suffix, summary, _, kind in READINGS:
        reading = Operation(summary, response=kind, parameters=[LOAN])
        paths.setdefault(ONE + suffix, {})["get"] = reading
    for p in POSTINGS:
        posting = Operation(
            p.summary,
            reference(p.body.__name__),
            p.response,
            parameters=[LOAN, key_parameter(is_required=True)],
            status=201,
            is_body_optional=p.is_body_optional,
        )
        paths.setdefault(ONE + p.suffix, {})["post"] = posting
    return paths


def _journal() -> Operation:
    return Operation(
        "Read the journal",
        response=JournalReply,
        parameters=[
            LOAN,
            query_parameter("before", number_schema(1, MOST_ENTRIES, MOST_ENTRIES)),
            query_parameter("limit", number_schema(1, MOST_ROWS, DEFAULT_ROWS)),
        ],
    )
