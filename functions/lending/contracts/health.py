"""Health as the earlier system documented it, and metrics of the connection pool."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from sqlalchemy import QueuePool, text
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.lending.actions.replies import HealthReply
from functions.lending.contracts.edge import Book
from functions.lending.errors import BookUnavailableError, BusyError
from functions.lending.storage.transaction import Transaction
from functions.web.bodies import json_response
from functions.web.contract import PROBE, Contract
from functions.web.openapi import Operation

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

PATH = "/health"


def contract(book: Book) -> Contract:
    """`GET /health`: 503 while the database does not answer."""

    async def health(request: Request) -> Response:
        try:
            day = await book.read(request, _look)
        except (BookUnavailableError, BusyError):
            reply = HealthReply(status="unhealthy", database="disconnected", business_date=None)
            return json_response(reply, HTTPStatus.SERVICE_UNAVAILABLE)
        return json_response(HealthReply(status="healthy", database="connected", business_date=day))

    return Contract(
        tag="Operations",
        routes=[Route(PATH, health, methods=["GET"])],
        scopes={f"GET {PATH}": PROBE},
        paths=_paths,
    )


def _look(transaction: Transaction) -> Any:  # noqa: ANN401 -- a date
    transaction.connection.execute(text("SELECT 1"))
    return transaction.business_date


def _paths() -> dict[str, Any]:
    return {PATH: {"get": Operation("Check service and database", response=HealthReply)}}


def pool_metrics(book: Book) -> "Iterator[Metric]":
    """Report the connections of the pool by state."""
    from prometheus_client.metrics_core import GaugeMetricFamily  # noqa: PLC0415 -- only a scrape needs it

    pool = book.database.engine.pool
    if not isinstance(pool, QueuePool):
        return
    family = GaugeMetricFamily(
        "surety_database_connections", "Connections of the pool by state.", labels=["state"]
    )
    family.add_metric(["in_use"], pool.checkedout())
    family.add_metric(["idle"], pool.checkedin())
    family.add_metric(["limit"], pool.size())
    yield family
