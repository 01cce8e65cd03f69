"""Figures of the book for Prometheus: a thread reads them, so that no scrape waits for a table."""

import math
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from datetime import time as time_of_day
from typing import TYPE_CHECKING

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from functions.lending.actions import book_alerts, portfolio
from functions.lending.contracts.edge import Book
from functions.lending.storage.database import WHOLE_BOOK
from functions.lending.storage.transaction import LOCAL, Transaction, open_business_date
from functions.web.logs import log
from functions.web.telemetry import gauges_from_figures
from models.errors import SuretyError
from models.figures import Figure

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

FRESH_SECONDS = 300.0


class BookFigures:
    """The last figures of the whole book; a scrape that finds them old starts to read them anew.

    After an error there are none: an old ratio would look like today's.
    """

    def __init__(self, book: Book, clock: Callable[[], float] = time.monotonic) -> None:
        self._book = book
        self._clock = clock
        self._figures: tuple[Figure, ...] = ()
        self._started_at = -math.inf
        self._is_reading = False

    def collect(self) -> "Iterator[Metric]":
        """Return what was read last."""
        if not self._is_reading and self._clock() - self._started_at >= FRESH_SECONDS:
            self._is_reading, self._started_at = True, self._clock()
            self._book.threads.submit(self._read)
        yield from gauges_from_figures(self._figures)

    def _read(self) -> None:
        try:
            self._figures = self._book.database.read(WHOLE_BOOK, self._list_figures)
        except (SuretyError, SQLAlchemyError) as error:
            self._figures = ()
            log("ERROR", "figures of the book not read", cause=f"{type(error).__name__}: {error}")
        finally:
            self._is_reading = False

    def _list_figures(self, connection: Connection) -> tuple[Figure, ...]:
        transaction = Transaction(
            connection=connection,
            principal=LOCAL,
            request_id="metrics",
            now=self._book.now(),
            business_date=open_business_date(connection),
        )
        return tuple(list_book_figures(transaction))


def list_book_figures(transaction: Transaction) -> Iterator[Figure]:
    """List the figures of the book; what nothing fell due for has no share on time."""
    summary = portfolio.summarise(transaction)
    due = portfolio.analyse_repayments(transaction)
    midnight = datetime.combine(transaction.business_date, time_of_day(), UTC)
    risk, money = summary["risk_metrics"], summary["financial_metrics"]
    yield _figure(
        "business_date_timestamp_seconds", "Start of the open business day.", midnight.timestamp()
    )
    yield _figure(
        "npa_ratio_percent", "Non-performing principal per 100 outstanding.", risk["npa_ratio"]
    )
    yield _figure("default_rate_percent", "Defaulted loans per 100.", risk["default_rate"])
    if due["instalments_due"]:
        yield _figure(
            "on_time_rate_percent", "Instalments met in time per 100 due.", due["on_time_rate"]
        )
        yield _figure(
            "collection_efficiency_percent",
            "Money met per 100 demanded.",
            due["collection_efficiency"],
        )
    yield from _list_close(transaction)
    yield _figure("outstanding", "Outstanding principal.", money["total_outstanding"])
    yield _figure("npa_outstanding", "Non-performing principal.", money["total_npa_amount"])
    yield _figure("applications", "Applications.", summary["loan_statistics"]["total_applications"])
    yield _figure(
        "approval_rate_percent",
        "Approved applications per 100.",
        summary["loan_statistics"]["approval_rate"],
    )
    for asset_class, share in portfolio.analyse_npa(transaction)["asset_classes"].items():
        yield _figure(
            "loans", "Active loans by asset class.", share["count"], asset_class=asset_class
        )


def _list_close(transaction: Transaction) -> Iterator[Figure]:
    """List what the nightly jobs look at and leave: alerts of the last close, the last check."""
    change = book_alerts.debt_to_income_change(transaction)
    if change is not None:
        meaning = "By how much the mean ratio of a month's applications moved."
        yield _figure("debt_to_income_change_percent", meaning, change)
    for alert in book_alerts.list_alerts(transaction)["alerts"]:
        yield _figure(
            "alert_firing",
            "1 while the last close found a figure beyond its limit.",
            alert["firing"],
            alert=alert["name"],
            severity=alert["severity"],
        )
    check = book_alerts.last_check(transaction)
    if check is not None:
        yield _figure("checked_timestamp_seconds", "Last check.", check.created_at.timestamp())
        yield _figure("differences", "Differences that the last check found.", check.different)


def _figure(name: str, meaning: str, value: float, **labels: str) -> Figure:
    return Figure(f"surety_book_{name}", meaning, labels, float(value))
