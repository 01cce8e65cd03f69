"""Figures read: the lines of a figure, and page by page the loans that sum to one of them."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy import text
from typing_extensions import TypedDict

from functions.lending.actions.lists import cursor_from_id
from functions.lending.analytics.early_warnings import REASONS
from functions.lending.analytics.figures import AsOf, BookFigure
from functions.lending.analytics.live_figures import LIVE_FIGURES
from functions.lending.analytics.month_end_figures import MONTH_END_FIGURES
from functions.lending.analytics.month_ends import month_end
from functions.lending.errors import NotInBookError
from functions.lending.storage.identifiers import public_id
from functions.lending.storage.transaction import Transaction
from models.lending.dates import add_months
from models.lending.rule_sets import rule_set_from_name

FIGURES: Mapping[str, BookFigure] = {
    figure.name: figure for figure in (*LIVE_FIGURES, *MONTH_END_FIGURES)
}
PREFIX = "/v1/portfolio"
FOUR_PLACES = Decimal("0.0001")
Chosen = Mapping[str, str | None]
MONTHS = """
SELECT month_end, rule_sets, restated_loans, restated_at FROM month_ends
    WHERE month_end = coalesce(CAST(:month AS date), (SELECT max(month_end) FROM month_ends))
"""


class FigureLine(TypedDict):
    """One line: how many loans, how much money, of what it is a share, and where its loans are."""

    key: dict[str, str]
    number: int
    amount: Decimal
    of_number: int | None
    of_amount: Decimal | None
    share_of_number: Decimal | None
    share_of_amount: Decimal | None
    meaning: str | None
    next_action: str | None
    loans: str


class FigureReply(TypedDict):
    """A figure: as of when, by which rules, and its lines. Shares are per cents."""

    figure: str
    definition: str
    as_of: date
    business_date: date
    read_at: datetime
    basis: Literal["current", "reported", "restated"]
    rule_sets: list[str]
    restated_loans: int
    chosen: dict[str, str]
    index: Decimal | None
    lines: list[FigureLine]


class MemberReply(TypedDict):
    """A loan of a line, and what it adds to its number and its amount."""

    loan_id: str
    number: int
    amount: Decimal


class MembersReply(TypedDict):
    """A page of the loans that sum to a line, the newest first."""

    figure: str
    as_of: date
    basis: Literal["current", "reported", "restated"]
    chosen: dict[str, str]
    loans: list[MemberReply]
    count: int
    next_cursor: str | None


def read_figure(transaction: Transaction, figure: BookFigure, chosen: Chosen) -> FigureReply:
    """Return a figure's lines.

    Raises
    ------
    NotInBookError
        If the month was not recorded.
    """
    as_of = _date_figure(transaction, figure, chosen)
    values = _values(transaction, figure, chosen, as_of)
    statement = text(figure.lines_statement(chosen))
    rows = [dict(row) for row in transaction.connection.execute(statement, values).mappings()]
    return {
        "figure": figure.name,
        "definition": figure.definition,
        "as_of": as_of.day,
        "business_date": transaction.business_date,
        "read_at": transaction.now,
        "basis": as_of.basis,
        "rule_sets": list(as_of.rule_sets),
        "restated_loans": as_of.restated_loans,
        "chosen": _resolved(figure, chosen, as_of),
        "index": rows[0].get("index") if rows else None,
        "lines": [_line(figure, row, _resolved(figure, chosen, as_of)) for row in rows],
    }


def read_members(
    transaction: Transaction, figure: BookFigure, chosen: Chosen, page: tuple[int, UUID | None]
) -> MembersReply:
    """Return a page of the loans of one line; the reading is audited."""
    limit, after = page
    as_of = _date_figure(transaction, figure, chosen)
    keys = {f"key_{name}": chosen[name] for name in figure.keys}
    conditions = [f'"{name}" = :key_{name}' for name in figure.keys]
    if after:
        conditions.append("loan_id < :after")
    statement = f"""
        SELECT loan_id, count(*) AS number, sum(amount) AS amount
        FROM ({figure.members_statement(chosen)}) AS members
        WHERE {" AND ".join(conditions)} GROUP BY loan_id ORDER BY loan_id DESC LIMIT :rows"""  # noqa: S608 -- statements of ours
    values = _values(transaction, figure, chosen, as_of) | keys
    values |= {"after": after, "rows": limit + 1}
    rows = transaction.connection.execute(text(statement), values).all()
    page_rows = rows[:limit]
    transaction.audit("read", f"portfolio {figure.name}", detail={"count": len(page_rows)})
    return {
        "figure": figure.name,
        "as_of": as_of.day,
        "basis": as_of.basis,
        "chosen": _resolved(figure, chosen, as_of) | {n: chosen[n] or "" for n in figure.keys},
        "loans": [
            {"loan_id": public_id("loan", row.loan_id), "number": row.number, "amount": row.amount}
            for row in page_rows
        ],
        "count": len(page_rows),
        "next_cursor": cursor_from_id(page_rows[-1].loan_id) if len(rows) > limit else None,
    }


def month_from_text(value: str | None) -> date | None:
    """Return the end of a month such as 2026-01; None if it is none."""
    try:
        return month_end(date.fromisoformat(f"{value}-01"))
    except ValueError:
        return None


def _date_figure(transaction: Transaction, figure: BookFigure, chosen: Chosen) -> AsOf:
    if figure.basis == "month end":
        month = month_from_text(chosen["month"]) if chosen["month"] else None
        row = transaction.connection.execute(text(MONTHS), {"month": month}).first()
        if row is None:
            what = "month end on record: `python -m functions.lending snapshot` records one"
            raise NotInBookError(what)
        is_restated = chosen["basis"] == "restated"
        return AsOf(
            day=row.month_end,
            basis="restated" if is_restated else "reported",
            rule_sets=tuple(row.rule_sets),
            restated_loans=row.restated_loans,
        )
    query = "SELECT DISTINCT rule_set FROM products ORDER BY rule_set"
    names = transaction.connection.execute(text(query)).scalars()
    closed = transaction.business_date - timedelta(days=1)
    return AsOf(
        day=closed if figure.basis == "last close" else transaction.business_date,
        basis="current",
        rule_sets=tuple(rule_set_from_name(name).label for name in names),
    )


def _values(
    transaction: Transaction, figure: BookFigure, chosen: Chosen, as_of: AsOf
) -> dict[str, Any]:
    values: dict[str, Any] = {name: chosen.get(name) for name in figure.choices}
    values |= figure.values(values)
    if figure.basis == "month end":
        values["month"] = as_of.day
    if "months_on_book" in figure.keys and chosen.get("cohort"):
        cohort = month_from_text(chosen["cohort"]) or as_of.day
        point = add_months(cohort.replace(day=1), int(chosen["months_on_book"] or 0))
        values["point"] = month_end(point)
    return values | {"day": transaction.business_date}


def _resolved(figure: BookFigure, chosen: Chosen, as_of: AsOf) -> dict[str, str]:
    """Return what was chosen, the month by its name."""
    values = {n: v for n in figure.choices if (v := chosen.get(n)) is not None}
    if figure.basis == "month end":
        values["month"] = as_of.day.isoformat()[: len("2026-01")]
    return values


def _line(figure: BookFigure, row: Mapping[str, Any], chosen: dict[str, str]) -> FigureLine:
    key = {name: row[name] for name in figure.keys}
    query = urlencode({n: v for n, v in chosen.items() if n not in {"top", "months"}} | key)
    reason = REASONS.get(key.get("reason", ""))
    return {
        "key": key,
        "number": int(row["number"]),
        "amount": row["amount"],
        "of_number": None if row["of_number"] is None else int(row["of_number"]),
        "of_amount": row["of_amount"],
        "share_of_number": _percent(row["number"], row["of_number"]),
        "share_of_amount": _percent(row["amount"], row["of_amount"]),
        "meaning": reason.meaning if reason else None,
        "next_action": reason.next_action if reason else None,
        "loans": f"{PREFIX}/{figure.name}/loans?{query}",
    }


def _percent(part: Any, total: Any) -> Decimal | None:  # noqa: ANN401 -- a count or an amount
    """Return a per cent with four places; none of nothing."""
    if not total:
        return None
    return (100 * Decimal(part) / Decimal(total)).quantize(FOUR_PLACES, rounding=ROUND_HALF_UP)
