"""Figures of the book: the earlier system's routes."""

from collections.abc import Callable
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.lending.actions import book_alerts, policy_whatif, portfolio
from functions.lending.actions.policy_whatif import PolicyReply
from functions.lending.contracts.edge import Book, QueryReader, parse_body
from functions.lending.requests import PolicyBody
from functions.lending.storage.transaction import Transaction
from functions.web.bodies import json_response, read_json_object
from functions.web.contract import Contract
from functions.web.openapi import Operation, reference

PREFIX = "/api/portfolio"
PAST = (
    "the figure is of the open day; month-ageing, month-asset-classes and npa-movement under "
    "GET /v1/portfolio have month ends"
)
WHAT_IF = f"{PREFIX}/policy-whatif"
FIGURES: dict[str, tuple[str, Callable[[Transaction], object], Any]] = {
    "/summary": ("Sum the book up", portfolio.summarise, portfolio.SummaryReply),
    "/npa-analysis": ("Count loans by asset class", portfolio.analyse_npa, portfolio.NpaReply),
    "/repayment-stats": (
        *("Sum payments up, and what fell due",),
        *(portfolio.analyse_repayments, portfolio.RepaymentsReply),
    ),
    "/collateral-analysis": (
        *("Sum collateral up",),
        *(portfolio.analyse_collateral, portfolio.CollateralReply),
    ),
    "/loan-distribution": (
        *("Count loans by purpose and tenure",),
        *(portfolio.analyse_distribution, portfolio.DistributionReply),
    ),
    "/alerts": (
        *("List alerts as of the last close",),
        *(book_alerts.list_alerts, book_alerts.AlertsReply),
    ),
}

# Alerts are about all branches: who sees some of them has no right to the figures of all.
SCOPES = {f"GET {PREFIX}{path}": "portfolio" for path in FIGURES}
SCOPES[f"GET {PREFIX}/alerts"] = "alerts"


def contract(book: Book) -> Contract:
    """`/api/portfolio`."""
    return Contract(
        tag="Portfolio",
        routes=[
            Route(PREFIX + path, partial(_read, book, figure), methods=["GET"])
            for path, (_, figure, _) in FIGURES.items()
        ]
        + [Route(WHAT_IF, partial(_move_cutoffs, book), methods=["POST"])],
        scopes=SCOPES | {f"POST {WHAT_IF}": "portfolio"},
        paths=_paths,
    )


async def _read(book: Book, figure: Callable[[Transaction], object], request: Request) -> Response:
    query = QueryReader(request)
    query.refuse_day(PAST)
    query.reject()
    return json_response(await book.read(request, figure))


async def _move_cutoffs(book: Book, request: Request) -> Response:
    QueryReader(request).reject()
    policy = parse_body(PolicyBody, await read_json_object(request))
    return json_response(await book.read(request, lambda t: policy_whatif.move(t, policy)))


def _paths() -> dict[str, Any]:
    return {
        PREFIX + path: {"get": Operation(summary, response=kind)}
        for path, (summary, _, kind) in FIGURES.items()
    } | {
        WHAT_IF: {
            "post": Operation(
                "Move the cut-offs over the applications of the last days",
                reference("PolicyBody"),
                PolicyReply,
            )
        }
    }
