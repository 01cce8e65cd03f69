"""Alerts of the book: the daily close compares its figures with shipped limits, and records them.

The limits are those of `infra/monitoring/alerts.yaml`; `make alerts` writes the file beside it.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import desc, select, text
from sqlalchemy.dialects.postgresql import insert
from typing_extensions import TypedDict

from functions.lending.actions import portfolio
from functions.lending.storage import alert_tables
from functions.lending.storage.transaction import Transaction

LINES = Path(__file__).resolve().parents[1] / "alert_lines.json"
RECENT_DAYS, EARLIER_DAYS = 30, 90
FEWEST_APPLICATIONS = 30  # on each side: below, a mean says more of chance than of the applicants
DEBT_TO_INCOME = text("""
SELECT avg(ratio) FILTER (WHERE is_recent) AS recent,
    avg(ratio) FILTER (WHERE NOT is_recent) AS earlier,
    count(*) FILTER (WHERE is_recent) AS recent_number,
    count(*) FILTER (WHERE NOT is_recent) AS earlier_number
FROM (
    SELECT DISTINCT ON (a.id) a.business_date > :recent AS is_recent,
        (d.factors ->> 'debt_to_income_ratio')::float AS ratio
    FROM applications a JOIN decisions d ON d.application_id = a.id
    WHERE a.business_date > :earlier AND a.business_date <= :day
        AND d.factors ? 'debt_to_income_ratio'
    ORDER BY a.id, d.created_at
) AS applied
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertLine:
    """One limit: the alert fires while the figure is above or below the threshold."""

    name: str
    figure: str
    comparison: Literal["above", "below"]
    threshold: float
    severity: Literal["warning", "critical"]
    text: str

    def is_beyond(self, value: float | None) -> bool:
        """Tell whether a figure is beyond the limit, and not at it; what is absent is not."""
        if value is None:
            return False
        return value > self.threshold if self.comparison == "above" else value < self.threshold


class BookAlert(TypedDict):
    """A figure as the last close compared it; without enough rows it has no value."""

    name: str
    severity: str
    text: str
    figure: str
    value: float | None
    comparison: str
    threshold: float
    firing: bool
    firing_since: str | None


class AlertsReply(TypedDict):
    """Every alert as of the close of a business day; none before the first close."""

    business_date: str | None
    firing: int
    alerts: list[BookAlert]


@cache
def read_lines() -> tuple[AlertLine, ...]:
    """Read the shipped limits."""
    return tuple(AlertLine(**line) for line in json.loads(LINES.read_text()))


def list_figures(transaction: Transaction) -> Mapping[str, float]:
    """Return the figures that limits are of; one without rows is absent."""
    risk = portfolio.summarise(transaction)["risk_metrics"]
    due = portfolio.analyse_repayments(transaction)
    figures = {
        "npa_ratio_percent": risk["npa_ratio"],
        "default_rate_percent": risk["default_rate"],
    }
    if due["instalments_due"]:
        figures["on_time_rate_percent"] = due["on_time_rate"]
    change = debt_to_income_change(transaction)
    if change is not None:
        figures["debt_to_income_change_percent"] = change
    return figures


def debt_to_income_change(transaction: Transaction) -> float | None:
    """Return by how many per cent the mean ratio of the last 30 days' applications moved.

    It is held against that of the 90 days before, and 0 if neither; None below 30 applications on
    either side. The ratio is that of the first decision on an application.
    """
    day = transaction.business_date
    recent = day - timedelta(days=RECENT_DAYS)
    windows = {"day": day, "recent": recent, "earlier": recent - timedelta(days=EARLIER_DAYS)}
    row = transaction.connection.execute(DEBT_TO_INCOME, windows).one()
    if min(row.recent_number, row.earlier_number) < FEWEST_APPLICATIONS or not row.earlier:
        return None
    return round(100 * abs(float(row.recent) / float(row.earlier) - 1), 4)


def record_alerts(transaction: Transaction) -> None:
    """Compare the open day's figures with every limit; a day that was compared stays as it is."""
    figures = list_figures(transaction)
    before = _firing_since(transaction)
    day = transaction.business_date
    rows = []
    for line in read_lines():
        value = figures.get(line.figure)
        since = (before.get(line.name) or day) if line.is_beyond(value) else None
        rows.append(
            {
                "business_date": day,
                "name": line.name,
                "figure": line.figure,
                "value": value,
                "comparison": line.comparison,
                "threshold": line.threshold,
                "severity": line.severity,
                "text": line.text,
                "firing_since": since,
                "created_at": transaction.now,
            }
        )
    statement = insert(alert_tables.book_alerts).on_conflict_do_nothing()
    transaction.connection.execute(statement, rows)


def list_alerts(transaction: Transaction) -> AlertsReply:
    """Return every alert as of the last close: critical ones first, then by name."""
    rows = list(_last_rows(transaction))
    alerts: list[BookAlert] = [
        {
            "name": row.name,
            "severity": row.severity,
            "text": row.text,
            "figure": row.figure,
            "value": None if row.value is None else float(row.value),
            "comparison": row.comparison,
            "threshold": float(row.threshold),
            "firing": row.firing_since is not None,
            "firing_since": row.firing_since.isoformat() if row.firing_since else None,
        }
        for row in rows
    ]
    return {
        "business_date": rows[0].business_date.isoformat() if rows else None,
        "firing": sum(alert["firing"] for alert in alerts),
        "alerts": alerts,
    }


def last_check(transaction: Transaction) -> Any:  # noqa: ANN401 -- a row of the table
    """Return the last run of the nightly check; None before the first."""
    checks = alert_tables.book_checks
    query = select(checks).order_by(desc(checks.c.id)).limit(1)
    return transaction.connection.execute(query).one_or_none()


def _firing_since(transaction: Transaction) -> Mapping[str, Any]:
    return {row.name: row.firing_since for row in _last_rows(transaction)}


def _last_rows(transaction: Transaction) -> Iterator[Any]:
    compared = alert_tables.book_alerts
    last = select(compared.c.business_date).order_by(desc(compared.c.business_date)).limit(1)
    query = (
        select(compared)
        .where(compared.c.business_date == last.scalar_subquery())
        .order_by(compared.c.severity, compared.c.name)
    )
    yield from transaction.connection.execute(query)
